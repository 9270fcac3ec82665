import {
  isPerson,
  isSamePerson,
  type PersonIds,
  personOf,
  personOfAll,
  roomOf,
} from '@potentia/domain/whatsapp/rules/jid';
import type { BinaryNode, WASocket } from '@whiskeysockets/baileys';
import type { StatusChange } from './status-item.ts';

/** What the server said of a message: null, that it took it; else the code with which it refused it. */
export type OnAck = (ack: { message_id: string; error: string | null }) => void;
/** What phones said of messages. */
export type OnReceipts = (items: StatusChange[]) => void;

/** Receipts that say how far a message of ours is; the others are of what came in, or ask for something. */
const STATUS_OF: Record<string, StatusChange['status']> = {
  '': 'delivered',
  inactive: 'delivered',
  read: 'read',
  played: 'played',
};
/** Ids in one receipt. */
const MAX_IDS = 1_000;

/**
 * Listens before Baileys does: what a receipt says is in the log before Baileys confirms it, and the confirmation leaves only when that
 * is durable.
 */
export function listenForConfirmations(sock: WASocket, onAck: OnAck, onReceipts: OnReceipts): void {
  // An emitter, though its type names less of it.
  const ws = sock.ws as unknown as { prependListener(event: string, listener: (node: BinaryNode) => void): void };
  ws.prependListener('CB:ack,class:message', ({ attrs }) => {
    if (attrs.id) onAck({ message_id: attrs.id, error: attrs.error ?? null });
  });
  ws.prependListener('CB:receipt', (node) => {
    const items = readReceipt(node, [sock.user?.id, sock.user?.lid]);
    if (items.length > 0) onReceipts(items);
  });
}

/** The statuses that a receipt tells, if it is somebody else's, of messages of ours. */
export function readReceipt({ attrs, content }: BinaryNode, own_jids: readonly (string | undefined)[]): StatusChange[] {
  const status = STATUS_OF[attrs.type ?? ''];
  // With a recipient, it is of another device of ours, about what that one wrote or read.
  if (status === undefined || attrs.recipient !== undefined || !attrs.id) return [];
  const chat = chatOf(attrs.from);
  const who = chat.group_id ? personOfAll(attrs.participant, attrs.participant_pn, attrs.participant_lid) : chat;
  if (!isPerson(who) || own_jids.some((jid) => isSamePerson(personOf(jid), who))) return [];
  const at = timeOf(attrs.t);
  const said = { status, at, from: chat, ...(chat.group_id && { participant: who }) };
  return idsOf(attrs.id, content).map((message_id) => ({ message_id, ...said }));
}

/** The chat of an address. */
export const chatOf = (jid: string | null | undefined): PersonIds & { group_id?: string } =>
  jid?.endsWith('@g.us') ? { group_id: roomOf(jid).group_id } : personOf(jid);

function idsOf(first: string, content: BinaryNode['content']): string[] {
  const list = Array.isArray(content) ? content.find(({ tag }) => tag === 'list') : undefined;
  const items = Array.isArray(list?.content) ? list.content : [];
  const more = items.flatMap(({ tag, attrs }) => (tag === 'item' && attrs.id ? [attrs.id] : []));
  return [first, ...more].slice(0, MAX_IDS);
}

function timeOf(seconds: string | undefined): string {
  const ms = Number(seconds) * 1_000;
  const is_plausible = ms > 0 && ms < Date.now() + 86_400_000;
  return new Date(is_plausible ? ms : Date.now()).toISOString();
}
