import { personOf } from '@potentia/domain/whatsapp/rules/jid';
import type { proto } from '@whiskeysockets/baileys';
import { cleanId, cleanJson } from './clean.ts';
import { normaliseChange } from './normalise-changes.ts';
import { normaliseMedia } from './normalise-media.ts';
import { normalisePlaces } from './normalise-places.ts';
import { normalisePoll } from './normalise-polls.ts';
import type { Family, Normalised } from './normalised.ts';
import { unwrap } from './unwrap.ts';

const FAMILIES: readonly Family[] = [
  normaliseText,
  normaliseMedia,
  normaliseChange,
  normalisePlaces,
  normalisePoll,
  normaliseAnswer,
];

/** Beside a message, or about the chat: nothing that anybody reads. */
const SILENT = new Set<string>([
  'messageContextInfo',
  'senderKeyDistributionMessage',
  'fastRatchetKeySenderKeyDistributionMessage',
  'protocolMessage',
  'pinInChatMessage',
  'keepInChatMessage',
  'stickerSyncRmrMessage',
  'messageHistoryBundle',
  'messageHistoryNotice',
  'placeholderMessage',
  'albumMessage',
  'deviceSentMessage',
]);

/** Never throws: what is not known here is `unknown`, with what WhatsApp calls it. */
export function normaliseMessage(wrapped: proto.IMessage): Normalised {
  const { message, is_view_once, is_ephemeral } = unwrap(wrapped);
  const found = normaliseKnown(message);
  const info = contextOf(message);
  const quoted = info?.stanzaId;
  const mentions = (info?.mentionedJid ?? []).map(personOf).filter((person) => person.lid ?? person.phone);
  const content = {
    ...found.content,
    ...(mentions.length > 0 && { mentions: mentions.slice(0, 1_024) }),
    ...(info?.isForwarded && { is_forwarded: true }),
    ...(is_view_once && { is_view_once: true }),
    ...(is_ephemeral && { is_ephemeral: true }),
  };
  return {
    ...found,
    content: cleanJson(content) as Record<string, unknown>,
    ...(quoted && { quoted_message_id: cleanId(quoted) }),
  };
}

function normaliseKnown(message: proto.IMessage): Normalised {
  for (const family of FAMILIES) {
    const found = family(message);
    if (found) return found;
  }
  const kind = kindsOf(message).find((name) => !SILENT.has(name));
  return kind === undefined ? { type: 'protocol', content: {} } : { type: 'unknown', content: { kind } };
}

function normaliseText(message: proto.IMessage): Normalised | undefined {
  const text = message.conversation ?? message.extendedTextMessage?.text;
  return text ? { type: 'text', content: { text } } : undefined;
}

/** What people choose in a business's message is what they say. */
function normaliseAnswer(message: proto.IMessage): Normalised | undefined {
  const text =
    message.buttonsResponseMessage?.selectedDisplayText ??
    message.templateButtonReplyMessage?.selectedDisplayText ??
    message.listResponseMessage?.title ??
    message.interactiveResponseMessage?.body?.text ??
    message.interactiveMessage?.body?.text ??
    message.listMessage?.description;
  return text ? { type: 'text', content: { text } } : undefined;
}

/** The fields that are there, as WhatsApp calls them. */
const kindsOf = (message: proto.IMessage): string[] =>
  Object.entries(message)
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([name]) => name);

function contextOf(message: proto.IMessage): proto.IContextInfo | undefined {
  for (const part of Object.values(message) as unknown[]) {
    const info = (part as { contextInfo?: proto.IContextInfo | null } | null)?.contextInfo;
    if (info) return info;
  }
  return undefined;
}
