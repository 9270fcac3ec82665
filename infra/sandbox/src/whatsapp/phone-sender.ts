import { type BinaryNode, proto } from '@whiskeysockets/baileys';
import { type Account, addressOf, type Companion, type Device, type Group, takeBundle } from './account.ts';
import { kindOf } from './content.ts';
import { resendAnswer, syncMessages } from './history.ts';
import type { MessageLog } from './message-log.ts';
import { otherName } from './messages.ts';
import { type Addressing, child, childBytes, childInteger, jidOf, lidJid, node, now, numberJid } from './nodes.ts';
import type { Bundle, Ciphertext, DeviceAddress, Party } from './party.ts';
import type { State } from './state.ts';
import type { Lock } from './watch.ts';

export interface PhoneContext {
  state: State;
  account: Account;
  party: Party;
  /** The party's calls must not overlap. */
  lock: Lock;
  log: MessageLog;
}

export interface Outgoing {
  id: string;
  chat: Account | Group;
  message: proto.IMessage;
  addressing: Addressing;
}

const MEDIA_TYPES: Record<string, string> = {
  voice: 'ptt',
  contact: 'vcard',
  contacts: 'contact_array',
  live_location: 'livelocation',
};
const MEDIA = new Set([
  'image',
  'video',
  'audio',
  'voice',
  'document',
  'sticker',
  'contact',
  'contacts',
  'live_location',
]);

function isGroup(chat: Account | Group): chat is Group {
  return 'members' in chat;
}

function stanzaType(message: proto.IMessage): { type: string; mediatype?: string; edit?: string } {
  const kind = kindOf(message);
  if (MEDIA.has(kind)) return { type: 'media', mediatype: MEDIA_TYPES[kind] ?? kind };
  if (kind === 'reaction') return { type: 'reaction' };
  if (kind === 'poll' || kind === 'poll_vote') return { type: 'poll' };
  if (kind === 'edit') return { type: 'text', edit: '1' };
  return kind === 'delete' ? { type: 'text', edit: '7' } : { type: 'text' };
}

function encryptedNode(
  { type, body }: { type: string; body: Uint8Array },
  attrs: Record<string, string | undefined> = {},
): BinaryNode {
  return node('enc', { v: '2', type, ...attrs }, body);
}

/** The keys that a device put into its request for a message; undefined when it put in none. */
function bundleIn(receipt: BinaryNode): Bundle | undefined {
  const keys = child(receipt, 'keys');
  const signed = child(keys, 'skey');
  if (!keys || !signed) return undefined;
  const of = (part: BinaryNode): { id: number; value: Buffer } => ({
    id: childInteger(part, 'id'),
    value: childBytes(part, 'value'),
  });
  const one_time = child(keys, 'key');
  return {
    registration_id: childInteger(receipt, 'registration'),
    identity_key: childBytes(keys, 'identity'),
    signed_pre_key: { ...of(signed), signature: childBytes(signed, 'signature') },
    pre_key: one_time && of(one_time),
  };
}

/** Writes to people's and groups' devices, and to those that are linked to the phone itself. */
export class PhoneSender {
  readonly #context: PhoneContext;
  readonly #sent = new Map<string, Outgoing>();
  /** The devices that can read what the phone writes to a group. */
  readonly #readers = new Map<string, Set<DeviceAddress>>();

  constructor(context: PhoneContext) {
    this.#context = context;
  }

  async send(outgoing: Outgoing): Promise<void> {
    const { lock } = this.#context;
    this.#sent.set(outgoing.id, outgoing);
    const { chat } = outgoing;
    await lock.run(() => (isGroup(chat) ? this.#sendToGroup(outgoing, chat) : this.#sendToPerson(outgoing, chat)));
    await this.#sendToPhones(outgoing);
  }

  /** Between phones nothing is encrypted: nobody could tell. */
  async #sendToPhones({ id, chat, message, addressing }: Outgoing): Promise<void> {
    const { account } = this.#context;
    const receivers = isGroup(chat) ? [...chat.members.keys()] : [chat];
    for (const receiver of receivers) {
      if (receiver === account) continue;
      const name = isGroup(chat) ? chat.id : account.number;
      await receiver.phone.receivePlain(id, name, account, message, addressing);
    }
  }

  async #encrypt(to: Account, companion: Companion, message: proto.IMessage): Promise<Ciphertext> {
    const { party } = this.#context;
    const address = addressOf(to, companion.id);
    if (!party.hasSession(address)) await party.openSession(address, takeBundle(companion));
    return party.encrypt(address, proto.Message.encode(message).finish());
  }

  async #sendToPerson(outgoing: Outgoing, chat: Account): Promise<void> {
    const { account } = this.#context;
    for (const companion of chat.companions.values()) await this.#sendToCompanion(outgoing, chat, chat, companion);
    if (chat === account) return;
    for (const companion of account.companions.values())
      await this.#sendToCompanion(outgoing, chat, account, companion);
  }

  /** One device's copy: for one's own it says to whom the message went. */
  async #sendToCompanion(
    outgoing: Outgoing,
    chat: Account,
    owner: Account,
    companion: Companion,
    count?: string,
  ): Promise<void> {
    const { state, account } = this.#context;
    const { id, message, addressing } = outgoing;
    const is_own = owner === account;
    const destinationJid = jidOf(chat, addressing);
    const sent = is_own ? { deviceSentMessage: { destinationJid, message } } : message;
    const { type, mediatype, edit } = stanzaType(message);
    const names = is_own
      ? { recipient: destinationJid, ...otherName(chat, addressing, 'peer_recipient') }
      : otherName(account, addressing, 'sender');
    const from = jidOf(account, addressing);
    const attrs = { from, id, t: now(), type, edit, notify: account.name, addressing_mode: addressing, ...names };
    const encrypted = await this.#encrypt(owner, companion, sent);
    state.deliver(owner, companion, node('message', attrs, [encryptedNode(encrypted, { mediatype, count })]));
  }

  #groupAttributes({ id, message }: Outgoing, group: Group): Record<string, string | undefined> {
    const { account } = this.#context;
    const { type, edit } = stanzaType(message);
    return {
      from: group.id,
      participant: lidJid(account.lid),
      participant_pn: numberJid(account.number),
      addressing_mode: 'lid',
      notify: account.name,
      t: now(),
      ...{ id, type, edit },
    };
  }

  async #sendToGroup(outgoing: Outgoing, group: Group): Promise<void> {
    const { state, account, party } = this.#context;
    const { message } = outgoing;
    const plaintext = proto.Message.encode(message).finish();
    const [body, key] = await party.encryptForGroup(group.id, addressOf(account, 0), plaintext);
    const readers = this.#readers.get(group.id) ?? new Set();
    this.#readers.set(group.id, readers);
    const attrs = this.#groupAttributes(outgoing, group);
    const { mediatype } = stanzaType(message);
    for (const member of group.members.keys()) {
      for (const companion of member.companions.values()) {
        const address = addressOf(member, companion.id);
        const parts = [encryptedNode({ type: 'skmsg', body }, { mediatype })];
        if (!readers.has(address)) {
          const distribution = { groupId: group.id, axolotlSenderKeyDistributionMessage: key };
          const encrypted = await this.#encrypt(member, companion, { senderKeyDistributionMessage: distribution });
          parts.unshift(encryptedNode(encrypted));
          readers.add(address);
        }
        state.deliver(member, companion, node('message', attrs, parts));
      }
    }
  }

  /** A device could not read a message: it gets it again, in a new session. */
  async retry(receipt: BinaryNode, from: Device): Promise<void> {
    const { lock, party, state } = this.#context;
    const outgoing = this.#sent.get(receipt.attrs.id ?? '');
    const { companion, account: owner } = from;
    if (!outgoing || !companion) return;
    const count = child(receipt, 'retry')?.attrs.count ?? '1';
    await lock.run(async () => {
      const address = addressOf(owner, companion.id);
      party.forgetSession(address);
      await party.openSession(address, bundleIn(receipt) ?? takeBundle(companion));
      const { chat, message } = outgoing;
      if (!isGroup(chat)) return this.#sendToCompanion(outgoing, chat, owner, companion, count);
      const [, key] = await party.encryptForGroup(chat.id, addressOf(this.#context.account, 0), Buffer.alloc(1));
      const distribution = { groupId: chat.id, axolotlSenderKeyDistributionMessage: key };
      const encrypted = await this.#encrypt(owner, companion, {
        ...message,
        senderKeyDistributionMessage: distribution,
      });
      const attrs = this.#groupAttributes(outgoing, chat);
      state.deliver(owner, companion, node('message', attrs, [encryptedNode(encrypted, { count })]));
    });
  }

  /** What a phone tells a device of its own that has just been linked: its history, and the key of the chats' settings. */
  sync(companion: Companion): Promise<void> {
    const { log, state, account } = this.#context;
    return this.#tellOwn(companion, syncMessages(state, account, log));
  }

  /** A device of one's own asks for messages that reached it without their content. */
  async answerOwn(companion: Companion, request_id: string, message: proto.IMessage): Promise<void> {
    const answer = resendAnswer(this.#context.state, this.#context.log, request_id, message);
    if (answer) await this.#tellOwn(companion, [answer]);
  }

  async #tellOwn(companion: Companion, messages: proto.Message.IProtocolMessage[]): Promise<void> {
    const { lock, account, state } = this.#context;
    const from = numberJid(account.number);
    await lock.run(async () => {
      for (const protocolMessage of messages) {
        const encrypted = await this.#encrypt(account, companion, { protocolMessage });
        const attrs = { from, id: state.stanzaId(), t: now(), type: 'text', category: 'peer' };
        state.deliver(account, companion, node('message', attrs, [encryptedNode(encrypted)]));
      }
    });
  }

  rotateSenderKey(group_id: string): void {
    const { account, party } = this.#context;
    this.#readers.delete(group_id);
    party.forgetSenderKey(group_id, addressOf(account, 0));
  }

  forget(owner: Account, device: number): void {
    this.#context.party.forgetSession(addressOf(owner, device));
  }
}
