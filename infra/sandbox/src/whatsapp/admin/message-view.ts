import { unwrap } from '../content.ts';
import type { OutboxMessage, Phone, PhoneMessage } from '../phone.ts';

export interface MediaView {
  mime_type: string;
  /** Bytes. */
  size: number;
  file_name: string | null;
  seconds: number | null;
}

/** A message as the routes show it: what a person sees of it, without what the protocol needs. */
export interface MessageView extends Omit<PhoneMessage, 'content'> {
  media: MediaView | null;
  /** What is more in it, by its kind: a place, people, options. */
  details: Record<string, unknown> | null;
  /** How far a message that was written on this phone is; null for others. */
  status: OutboxMessage['status'] | null;
  receipts: OutboxMessage['receipts'];
}

function mediaOf({ content }: PhoneMessage): MediaView | null {
  const { imageMessage, videoMessage, audioMessage, documentMessage, stickerMessage } = unwrap(content);
  const part = imageMessage ?? videoMessage ?? audioMessage ?? documentMessage ?? stickerMessage;
  if (!part) return null;
  return {
    mime_type: part.mimetype ?? 'application/octet-stream',
    size: Number(part.fileLength ?? 0),
    file_name: documentMessage?.fileName ?? null,
    seconds: audioMessage?.seconds ?? videoMessage?.seconds ?? null,
  };
}

function detailsOf({ content }: PhoneMessage): Record<string, unknown> | null {
  const message = unwrap(content);
  const place = message.locationMessage ?? message.liveLocationMessage;
  const poll = message.pollCreationMessage ?? message.pollCreationMessageV2 ?? message.pollCreationMessageV3;
  const contacts = message.contactsArrayMessage?.contacts ?? (message.contactMessage ? [message.contactMessage] : null);
  if (place) {
    const { name = null, address = null } = message.locationMessage ?? {};
    return { latitude: place.degreesLatitude, longitude: place.degreesLongitude, name, address };
  }
  if (poll) {
    const options = (poll.options ?? []).map(({ optionName }) => optionName);
    return { options, selectable: poll.selectableOptionsCount };
  }
  return contacts && { contacts: contacts.map(({ displayName, vcard }) => ({ name: displayName, vcard })) };
}

/** Messages as the phone shows them, with how far those are that were written on it. */
export function viewMessages(phone: Phone, messages: PhoneMessage[]): MessageView[] {
  const sent = new Map(phone.outbox().map((one) => [one.message, one]));
  return messages.map((message) => {
    const { content: _content, ...shown } = message;
    const { status = null, receipts = [] } = sent.get(message) ?? {};
    return { ...shown, media: mediaOf(message), details: detailsOf(message), status, receipts };
  });
}
