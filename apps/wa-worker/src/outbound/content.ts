import type { Readable } from 'node:stream';
import type { OutboxRow, ReferenceRow } from '@potentia/db/wa/outbox-queries';
import type { OutboundContent } from '@potentia/domain/whatsapp/schemas';
import { type AnyMessageContent, proto } from '@whiskeysockets/baileys';
import { type Address, keyOf } from './addresses.ts';
import { type SharedContact, toVcard } from './vcard.ts';

/** What a row of the outbox holds, by its type; the file of one that has one is beside it. */
type Stored = OutboundContent & Record<string, unknown>;

/** What is sent cannot be made of what is stored: it will not get better. */
export class UnsendableError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The message as Baileys wants it. `openMedia` is called for one with a file, whose content is read once. */
export async function toBaileys(row: OutboxRow, openMedia: () => Promise<Readable>): Promise<AnyMessageContent> {
  const content = { ...row.content, type: row.type } as Stored;
  switch (content.type) {
    case 'text':
      return { text: content.text, mentions: mentioned(content.mentions), linkPreview: null };
    case 'location': {
      const { latitude: degreesLatitude, longitude: degreesLongitude, name, address } = content;
      return { location: { degreesLatitude, degreesLongitude, name: name ?? null, address: address ?? null } };
    }
    case 'contact':
      return { contacts: toContacts(content.contacts) };
    case 'poll': {
      const { question: name, options: values, selectable_count } = content;
      return { poll: { name, values, selectableCount: Math.min(selectable_count, values.length) } };
    }
    case 'reaction':
      return { react: { text: content.emoji ?? '', key: keyOf(row, targetOf(row)) } };
    case 'delete':
      return { delete: keyOf(row, targetOf(row)) };
    case 'edit':
      return { text: content.text, edit: keyOf(row, targetOf(row)), linkPreview: null };
    default:
      return toMedia(row, content, await openMedia());
  }
}

const mentioned = (phones: string[] = []): string[] => phones.map((phone) => `${phone}@s.whatsapp.net`);

function toContacts(contacts: SharedContact[]) {
  const [first] = contacts;
  const displayName = contacts.length === 1 ? (first?.name ?? '') : `${contacts.length} contacts`;
  return {
    displayName,
    contacts: contacts.map((contact) => ({ displayName: contact.name, vcard: toVcard(contact) })),
  };
}

type FileContent = Extract<OutboundContent, { media_id: string }>;
/** Of a picture or a film; other kinds have fewer of them, or none. */
type Shown = Partial<Pick<Extract<FileContent, { type: 'image' }>, 'caption' | 'is_view_once'>>;

/** Null where Baileys would make something of the file itself, which takes the whole of it, or a program: a preview, a waveform. */
function toMedia(row: OutboxRow, { caption, is_view_once }: FileContent & Shown, stream: Readable): AnyMessageContent {
  const { media } = row;
  if (!media) throw new UnsendableError('whatsapp.media_lost', 'the file of a message is gone');
  const mimetype = media.media_type;
  const file = { stream };
  const shown = { ...(caption !== undefined && { caption }), ...(is_view_once && { viewOnce: true }) };
  const no_preview = { jpegThumbnail: null } as unknown as { jpegThumbnail?: string };
  const no_waveform = { waveform: null } as unknown as { waveform?: Uint8Array };
  switch (media.kind) {
    case 'image':
      return { image: file, mimetype, ...shown, ...no_preview };
    case 'video':
      return { video: file, mimetype, ...shown, ...no_preview };
    case 'audio':
      return { audio: file, mimetype };
    case 'voice':
      return { audio: file, mimetype: 'audio/ogg; codecs=opus', ptt: true, ...no_waveform };
    case 'sticker':
      return { sticker: file, mimetype };
    default:
      return { document: file, mimetype, fileName: media.file_name ?? 'file', ...shown };
  }
}

function targetOf({ target }: OutboxRow): ReferenceRow {
  if (!target) throw new UnsendableError('whatsapp.message_not_found', 'the message that one is about is gone');
  return target;
}

/** The new text of a message that has a file is its caption, and the message is the file with it. */
export function withCaption(target: ReferenceRow, text: string): proto.IMessage | null {
  if (!['image', 'video', 'document'].includes(target.type)) return null;
  if (target.proto === null) throw new UnsendableError('whatsapp.message_not_found', 'the edited message is gone');
  const { imageMessage, videoMessage, documentMessage, documentWithCaptionMessage } = proto.Message.decode(
    Buffer.from(target.proto, 'base64'),
  );
  const document = documentMessage ?? documentWithCaptionMessage?.message?.documentMessage;
  if (imageMessage) return { imageMessage: { ...imageMessage, caption: text } };
  if (videoMessage) return { videoMessage: { ...videoMessage, caption: text } };
  if (document) return { documentMessage: { ...document, caption: text } };
  throw new UnsendableError('whatsapp.not_editable', 'the edited message has no text');
}

/** The message that this one answers, as Baileys wants it; what is gone by now is quoted without its content. */
export function quotedBy(row: OutboxRow, own: Address) {
  const { quoted } = row;
  if (!quoted) return undefined;
  const message = quoted.proto ? proto.Message.decode(Buffer.from(quoted.proto, 'base64')) : { conversation: '' };
  return { key: keyOf(row, quoted.from_me ? { ...quoted, ...own } : quoted), message };
}
