import type { BinaryNode } from '@whiskeysockets/baileys';
import type { Device } from './account.ts';
import type { Connection } from './connection.ts';
import { addressingOf, child, children, isGroupJid, jidOf, node, now, parseJid } from './nodes.ts';
import type { State } from './state.ts';

const PASSED_ON = new Set([undefined, 'inactive', 'read', 'played', 'retry']);

function idsOf(receipt: BinaryNode): string[] {
  const more = children(child(receipt, 'list'), 'item').map(({ attrs }) => attrs.id ?? '');
  return [receipt.attrs.id ?? '', ...more];
}

/** The receipt as the devices of the one who wrote see it. */
function passedOn(receipt: BinaryNode, from: Device, type: string | undefined): BinaryNode {
  const { to, id } = receipt.attrs;
  const chat = isGroupJid(to)
    ? { from: to, participant: jidOf(from.account, addressingOf(receipt.attrs.participant), from.id) }
    : { from: jidOf(from.account, addressingOf(to), from.id) };
  return node('receipt', { ...chat, id, type, t: now() }, receipt.content);
}

/** Passes a receipt on to the phone that wrote the message, and to what is linked to that. */
export async function passReceipt(state: State, from: Device, receipt: BinaryNode): Promise<void> {
  const { to, participant, type } = receipt.attrs;
  const writer = isGroupJid(to) ? participant : to;
  const account = state.account(writer);
  if (!account || !PASSED_ON.has(type)) return;
  const passed = passedOn(receipt, from, type === 'inactive' ? undefined : type);
  if (type === 'retry') {
    const device = state.device(writer);
    if (device?.companion) state.deliver(account, device.companion, passed);
    else await account.phone.retryAsked(receipt, from);
    return;
  }
  const kind = type === 'read' || type === 'played' ? type : 'delivered';
  account.phone.receiptCame(idsOf(receipt), kind, from);
  for (const companion of account.companions.values()) {
    if (companion !== from.companion) state.deliver(account, companion, passed);
  }
}

/** A linked device confirms, or asks for a message again. */
export async function receiveReceipt(state: State, connection: Connection, receipt: BinaryNode): Promise<void> {
  if (!connection.device) return;
  const { account, companion } = connection.device;
  const { to, id, type, participant } = receipt.attrs;
  connection.send(node('ack', { class: 'receipt', id, from: to, type, participant }));
  for (const settled of idsOf(receipt)) state.settle(companion, 'message', settled, receipt.attrs);
  await passReceipt(state, { account, id: companion.id, companion }, receipt);
}

/** A linked device has got a stanza, and will say no more of it. */
export function receiveAck(state: State, connection: Connection, { attrs }: BinaryNode): void {
  if (connection.device) state.settle(connection.device.companion, attrs.class ?? '', attrs.id, attrs);
}

/** A linked device wants to know whether somebody is there. */
export function receivePresence(state: State, connection: Connection, { attrs }: BinaryNode): void {
  if (attrs.type !== 'subscribe' || !connection.device) return;
  const account = state.account(attrs.to);
  if (!account || !parseJid(attrs.to)?.user) return;
  const type = account.phone.settings.is_online ? undefined : 'unavailable';
  connection.send(node('presence', { from: attrs.to, type }));
}
