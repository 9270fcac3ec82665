import type { BinaryNode } from '@whiskeysockets/baileys';
import type { Account, Companion, Device, Group } from './account.ts';
import type { Connection } from './connection.ts';
import { closeConnection } from './faults.ts';
import {
  type Addressing,
  addressingOf,
  type Attributes,
  child,
  children,
  isGroupJid,
  jidOf,
  lidJid,
  node,
  now,
  numberJid,
  parseJid,
} from './nodes.ts';
import { corrupted, type State } from './state.ts';

/** A message of a linked device, on its way. */
interface Passage {
  state: State;
  account: Account;
  companion: Companion;
  stanza: BinaryNode;
  t: string;
}

/** How a chat's other name is told, so that clients know both to be the same. */
export function otherName(
  account: Account,
  addressing: Addressing,
  prefix: string,
): Record<string, string | undefined> {
  if (!account.phone.settings.supports_lid) return {};
  return addressing === 'lid'
    ? { [`${prefix}_pn`]: numberJid(account.number) }
    : { [`${prefix}_lid`]: lidJid(account.lid) };
}

/** The parts of a message that concern one of its recipients. */
function partsFor(passage: Passage, encrypted: BinaryNode[]): BinaryNode[] {
  const is_first = encrypted.some(({ attrs }) => attrs.type === 'pkmsg');
  const identity = is_first ? child(passage.stanza, 'device-identity') : undefined;
  return [...encrypted, ...(identity ? [identity] : [])];
}

/** A message to a number that nobody has reaches one's own devices all the same: then there is no chat. */
function attributesFor(
  passage: Passage,
  device: Device,
  chat: Account | undefined,
  addressing: Addressing,
): Attributes {
  const { account, companion, stanza, t } = passage;
  const { id, type, category, edit } = stanza.attrs;
  const from = jidOf(account, addressing, companion.id);
  const common = { from, id, type, category, edit, t, notify: account.name, addressing_mode: addressing };
  if (device.account !== account) return { ...common, ...otherName(account, addressing, 'sender') };
  if (!chat) return { ...common, recipient: stanza.attrs.to };
  return { ...common, recipient: jidOf(chat, addressing), ...otherName(chat, addressing, 'peer_recipient') };
}

async function hand(passage: Passage, device: Device, attrs: Attributes, parts: BinaryNode[]): Promise<void> {
  const message = node('message', attrs, parts);
  if (device.companion) passage.state.deliver(device.account, device.companion, message);
  else await device.account.phone.receive(message, passage.account, passage.companion.id);
}

async function passToPerson(passage: Passage, chat: Account | undefined): Promise<void> {
  const { state, stanza, account } = passage;
  const addressing = addressingOf(stanza.attrs.to);
  const recipients = children(child(stanza, 'participants'), 'to');
  for (const { attrs, content } of recipients) {
    const device = state.device(attrs.jid);
    if (!device || !Array.isArray(content)) continue;
    const attributes = attributesFor(passage, device, chat, addressing);
    await hand(passage, device, attributes, partsFor(passage, content));
  }
  // Sent to one device alone: again to one that asked for it, or to the own phone.
  const direct = children(stanza, 'enc');
  const device = direct.length > 0 ? state.device(stanza.attrs.to) : undefined;
  if (!device) return;
  const recipient = state.account(stanza.attrs.recipient) ?? (stanza.attrs.category === 'peer' ? account : chat);
  await hand(passage, device, attributesFor(passage, device, recipient, addressing), partsFor(passage, direct));
}

async function passToGroup(passage: Passage, group: Group): Promise<void> {
  const { state, account, companion, stanza, t } = passage;
  const { id, type, edit, participant } = stanza.attrs;
  const recipients = new Map<string, BinaryNode[]>();
  for (const { attrs, content } of children(child(stanza, 'participants'), 'to')) {
    const device = state.device(attrs.jid);
    if (device && Array.isArray(content)) recipients.set(`${device.account.number}:${device.id}`, content);
  }
  const common = children(stanza, 'enc');
  const attrs = {
    from: group.id,
    participant: lidJid(account.lid, companion.id),
    participant_pn: numberJid(account.number, companion.id),
    addressing_mode: 'lid',
    notify: account.name,
    ...{ id, type, edit, t },
  };
  const only = participant ? state.device(participant) : undefined;
  for (const member of group.members.keys()) {
    for (const device of devicesOf(member)) {
      if (device.companion === companion) continue;
      if (only && (only.account !== member || only.id !== device.id)) continue;
      const own = recipients.get(`${member.number}:${device.id}`) ?? [];
      await hand(passage, device, attrs, partsFor(passage, [...own, ...common]));
    }
  }
}

/** The phone and what is linked to it. */
export function devicesOf(account: Account): Device[] {
  const linked = [...account.companions.values()].map((companion) => ({ account, id: companion.id, companion }));
  return [{ account, id: 0, companion: undefined }, ...linked];
}

/** Takes a message of a linked device, passes it on and confirms it, as far as the faults let it. */
export async function receiveMessage(state: State, connection: Connection, stanza: BinaryNode): Promise<void> {
  if (!connection.device) return;
  const { account, companion } = connection.device;
  const { to, id } = stanza.attrs;
  const { faults } = state;
  const chat = state.account(to);
  const group = state.groups.get(to ?? '');
  const t = now();
  const target = group?.id ?? chat?.number ?? parseJid(to)?.user ?? '';
  const ack = (error?: string): void => connection.send(node('ack', { class: 'message', id, from: to, t, error }));

  const is_own = stanza.attrs.category === 'peer';
  const refusal = is_own ? undefined : faults.takeAckError(account.number, companion.id, target);
  if (refusal) {
    ack(refusal);
    return;
  }
  if (isGroupJid(to) && !group?.members.has(account)) {
    ack('403');
    return;
  }
  const is_cut = !is_own && faults.take('drop_after_receive', account.number, companion.id);
  const is_unconfirmed = !is_own && faults.take('drop_acks', account.number, companion.id);
  if (is_cut) connection.terminate();
  else if (!is_unconfirmed) ack();

  const is_corrupt = !is_own && faults.take('corrupt_sent', account.number, companion.id);
  const passage = { state, account, companion, stanza: is_corrupt ? corrupted(stanza) : stanza, t };
  if (group) await passToGroup(passage, group);
  else await passToPerson(passage, chat);
  const code = is_own ? undefined : faults.takeAfterMessage(account.number, companion.id);
  if (code !== undefined) closeConnection(connection, code);
}
