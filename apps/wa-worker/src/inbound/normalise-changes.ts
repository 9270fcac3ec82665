import { proto } from '@whiskeysockets/baileys';
import { cleanId, cutText } from './clean.ts';
import type { Normalised } from './normalised.ts';
import { unwrap } from './unwrap.ts';

const { REVOKE, MESSAGE_EDIT } = proto.Message.ProtocolMessage.Type;

/** Characters of a reaction, which are one emoji with all that it is joined of. */
const MAX_EMOJI = 32;

/** What changes another message, or is about one: reactions, edits, deletions. */
export function normaliseChange(message: proto.IMessage): Normalised | undefined {
  const { reactionMessage: reaction, protocolMessage: change } = message;
  if (reaction?.key?.id) {
    const content = { message_id: targetOf(reaction.key), emoji: cutText(reaction.text ?? '', MAX_EMOJI) };
    // Taking a reaction back is an empty one.
    return { type: 'reaction', content: { ...content, emoji: content.emoji || null } };
  }
  if (!change?.key?.id) return undefined;
  if (change.type === REVOKE) return { type: 'delete', content: { message_id: targetOf(change.key) } };
  if (change.type !== MESSAGE_EDIT || !change.editedMessage) return undefined;
  const text = textOf(change.editedMessage);
  if (text === undefined) return undefined;
  const at = timeOf(change.timestampMs);
  return { type: 'edit', content: { message_id: targetOf(change.key), text }, ...(at && { at }) };
}

/** Never longer than our own ids of messages, which it is compared with. */
const targetOf = (key: proto.IMessageKey): string => cleanId(key.id ?? '');

function textOf(wrapped: proto.IMessage): string | undefined {
  const { message } = unwrap(wrapped);
  const { conversation, extendedTextMessage, imageMessage, videoMessage, documentMessage } = message;
  const media = imageMessage ?? videoMessage ?? documentMessage;
  return conversation ?? extendedTextMessage?.text ?? (media ? (media.caption ?? '') : undefined);
}

function timeOf(timestamp_ms: proto.Message.IProtocolMessage['timestampMs']): string | undefined {
  const at = Number(timestamp_ms ?? 0);
  return at > 0 && at < Date.now() + 86_400_000 ? new Date(at).toISOString() : undefined;
}
