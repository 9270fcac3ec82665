import { normalizeMessageContent, proto } from '@whiskeysockets/baileys';
import { randomBytes } from 'node:crypto';
import { type MediaContent, type MediaKind, mediaMessage } from './media-content.ts';
import type { MediaStore } from './media.ts';

/** What somebody sends from a phone. Ids are of messages in the same chat. */
export type PhoneContent =
  | string
  | { kind: 'text'; text: string }
  | MediaContent
  | { kind: 'location'; latitude: number; longitude: number; name?: string; address?: string }
  | { kind: 'live_location'; latitude: number; longitude: number; caption?: string }
  | { kind: 'contact'; name: string; vcard: string }
  | { kind: 'contacts'; contacts: { name: string; vcard: string }[] }
  | { kind: 'poll'; question: string; options: string[]; selectable?: number }
  | { kind: 'poll_vote'; id: string; options: string[] }
  | { kind: 'reaction'; id: string; emoji: string }
  | { kind: 'edit'; id: string; text: string }
  | { kind: 'delete'; id: string }
  /** Any message, as the protocol has it. */
  | { kind: 'raw'; message: proto.IMessage };

export type MessageKind =
  | 'text'
  | MediaKind
  | 'location'
  | 'live_location'
  | 'contact'
  | 'contacts'
  | 'poll'
  | 'poll_vote'
  | 'reaction'
  | 'edit'
  | 'delete'
  | 'unknown';

/** What a new message may refer to. */
export interface ContentReferences {
  /** The key by which a message of the chat is meant. Throws when there is none of that id. */
  keyOf(id: string): proto.IMessageKey;
  /** The vote for a poll of the chat. Throws when there is none of that id. */
  voteFor(id: string, options: string[]): proto.Message.IPollUpdateMessage;
}

/** The message that a phone sends for this. */
export function buildMessage(
  content: PhoneContent,
  references: ContentReferences,
  media: MediaStore | null,
): proto.IMessage {
  if (typeof content === 'string') return { conversation: content };
  switch (content.kind) {
    case 'text':
      return { conversation: content.text };
    case 'location':
    case 'live_location':
      return buildLocation(content);
    case 'contact':
      return { contactMessage: { displayName: content.name, vcard: content.vcard } };
    case 'contacts': {
      const contacts = content.contacts.map(({ name, vcard }) => ({ displayName: name, vcard }));
      return { contactsArrayMessage: { displayName: `${contacts.length} contacts`, contacts } };
    }
    case 'poll':
      return {
        messageContextInfo: { messageSecret: randomBytes(32) },
        pollCreationMessageV3: {
          name: content.question,
          options: content.options.map((optionName) => ({ optionName })),
          selectableOptionsCount: content.selectable ?? 1,
        },
      };
    case 'poll_vote':
      return { pollUpdateMessage: references.voteFor(content.id, content.options) };
    case 'reaction':
      return {
        reactionMessage: { key: references.keyOf(content.id), text: content.emoji, senderTimestampMs: Date.now() },
      };
    case 'edit': {
      const { MESSAGE_EDIT } = proto.Message.ProtocolMessage.Type;
      const editedMessage = { conversation: content.text };
      const key = references.keyOf(content.id);
      return { protocolMessage: { type: MESSAGE_EDIT, key, editedMessage, timestampMs: Date.now() } };
    }
    case 'delete':
      return {
        protocolMessage: { type: proto.Message.ProtocolMessage.Type.REVOKE, key: references.keyOf(content.id) },
      };
    case 'raw':
      return content.message;
    default:
      return mediaMessage(content, media);
  }
}

function buildLocation(content: Extract<PhoneContent, { kind: 'location' | 'live_location' }>): proto.IMessage {
  const { latitude: degreesLatitude, longitude: degreesLongitude } = content;
  if (content.kind === 'live_location') {
    const { caption } = content;
    return { liveLocationMessage: { degreesLatitude, degreesLongitude, caption, sequenceNumber: 1 } };
  }
  const { name, address } = content;
  return { locationMessage: { degreesLatitude, degreesLongitude, name, address } };
}

const KIND_OF: Partial<Record<keyof proto.IMessage, MessageKind>> = {
  conversation: 'text',
  extendedTextMessage: 'text',
  imageMessage: 'image',
  videoMessage: 'video',
  audioMessage: 'audio',
  documentMessage: 'document',
  stickerMessage: 'sticker',
  locationMessage: 'location',
  liveLocationMessage: 'live_location',
  contactMessage: 'contact',
  contactsArrayMessage: 'contacts',
  pollCreationMessage: 'poll',
  pollCreationMessageV2: 'poll',
  pollCreationMessageV3: 'poll',
  pollUpdateMessage: 'poll_vote',
  reactionMessage: 'reaction',
};

/** A message without what may be wrapped around it (view once, disappearing, with caption). */
export function unwrap(message: proto.IMessage): proto.IMessage {
  return normalizeMessageContent(message) ?? message;
}

export function kindOf(wrapped: proto.IMessage): MessageKind {
  const message = unwrap(wrapped);
  const type = message.protocolMessage?.type;
  const { REVOKE, MESSAGE_EDIT } = proto.Message.ProtocolMessage.Type;
  if (message.protocolMessage) return type === REVOKE ? 'delete' : type === MESSAGE_EDIT ? 'edit' : 'unknown';
  if (message.audioMessage?.ptt) return 'voice';
  const found = Object.entries(KIND_OF).find(([key]) => message[key as keyof proto.IMessage] != null);
  return found?.[1] ?? 'unknown';
}

/** The text of a message, the caption of media, the question of a poll, the name of a place or person. */
export function textOf(wrapped: proto.IMessage): string {
  const message = unwrap(wrapped);
  const poll = message.pollCreationMessage ?? message.pollCreationMessageV2 ?? message.pollCreationMessageV3;
  const captioned =
    message.imageMessage ?? message.videoMessage ?? message.documentMessage ?? message.liveLocationMessage;
  return (
    message.conversation ??
    message.extendedTextMessage?.text ??
    captioned?.caption ??
    poll?.name ??
    message.locationMessage?.name ??
    message.contactMessage?.displayName ??
    ''
  );
}

/** The id of the message that this one answers; undefined when it answers none. */
export function quotedBy(wrapped: proto.IMessage): string | undefined {
  const message = unwrap(wrapped);
  for (const part of Object.values(message) as unknown[]) {
    if (typeof part !== 'object' || part === null || !('contextInfo' in part)) continue;
    const id = (part as { contextInfo?: proto.IContextInfo | null }).contextInfo?.stanzaId;
    if (id) return id;
  }
  return undefined;
}

/** The same message as an answer to another one. */
export function quoting(message: proto.IMessage, contextInfo: proto.IContextInfo): proto.IMessage {
  const { conversation, ...rest } = message;
  if (conversation != null) return { ...rest, extendedTextMessage: { text: conversation, contextInfo } };
  const entries = Object.entries(message).map(([key, part]: [string, unknown]) =>
    key.endsWith('Message') && typeof part === 'object' ? [key, { ...part, contextInfo }] : [key, part],
  );
  return Object.fromEntries(entries) as proto.IMessage;
}
