import { type BinaryNode, proto } from '@whiskeysockets/baileys';
import { type Account, addressOf, type Companion } from './account.ts';
import type { Arrival } from './message-log.ts';
import {
  addressingOf,
  type Attributes,
  bytes,
  children,
  integerBytes,
  isGroupJid,
  node,
  now,
  parseJid,
} from './nodes.ts';
import type { PhoneMessage, Undecryptable } from './phone.ts';
import type { PhoneContext } from './phone-sender.ts';
import { passReceipt } from './receipts.ts';

export interface ReceiverEvents {
  arrived(message: PhoneMessage): void;
  /** A linked device of one's own wants something of the phone. */
  asked(companion: Companion, id: string, message: proto.IMessage): Promise<void>;
}

const MAX_RETRIES = 5;

/** Reads what arrives at a phone, confirms it, and asks again for what it cannot read. */
export class PhoneReceiver {
  readonly #context: PhoneContext;
  readonly #on: ReceiverEvents;
  readonly #failures = new Map<string, Undecryptable>();
  #waiting: (() => Promise<void>)[] | undefined;

  constructor(context: PhoneContext, on: ReceiverEvents) {
    this.#context = context;
    this.#on = on;
  }

  undecryptable(): Undecryptable[] {
    return [...this.#failures.values()];
  }

  async setOnline(is_online: boolean): Promise<void> {
    const waiting = this.#waiting ?? [];
    this.#waiting = is_online ? undefined : waiting;
    if (is_online) for (const job of waiting) await job();
  }

  async #whenOnline(job: () => Promise<void>): Promise<void> {
    if (this.#waiting) this.#waiting.push(job);
    else await job();
  }

  receivePlain(arrival: Arrival): Promise<void> {
    return this.#whenOnline(async () => {
      const { chat, from, addressing } = arrival;
      this.#show(arrival);
      const to = isGroupJid(chat)
        ? { to: chat, participant: `${from.lid}@lid` }
        : { to: `${from.number}@s.whatsapp.net` };
      await this.#confirm(node('message', { ...to, id: arrival.id, addressing_mode: addressing }).attrs, arrival.id);
    });
  }

  receive(stanza: BinaryNode, from: Account, device: number): Promise<void> {
    return this.#whenOnline(() => this.#read(stanza, from, device));
  }

  async #read(stanza: BinaryNode, from: Account, device: number): Promise<void> {
    const { id = '', from: sender, participant } = stanza.attrs;
    const to = isGroupJid(sender) ? { to: sender ?? '', participant: participant ?? '' } : { to: sender ?? '' };
    let message: proto.IMessage;
    try {
      message = await this.#context.lock.run(() => this.#decrypt(stanza, from, device));
    } catch (error) {
      await this.#failed(stanza, from, device, to, error as Error);
      return;
    }
    const failure = this.#failures.get(id);
    if (failure) failure.is_resolved = true;
    if (stanza.attrs.category === 'peer') return this.#asked(from.companions.get(device), id, message);
    const arrival = this.#arrival(stanza, from, message);
    if (!arrival) return;
    this.#show(arrival);
    if (from !== this.#context.account) await this.#confirm(to, id);
  }

  #show(arrival: Arrival): void {
    this.#on.arrived(this.#context.log.add(arrival));
  }

  async #decrypt(stanza: BinaryNode, from: Account, device: number): Promise<proto.IMessage> {
    const { party } = this.#context;
    const { from: sender } = stanza.attrs;
    const address = addressOf(from, device);
    const group = isGroupJid(sender) ? sender : undefined;
    const message: proto.IMessage = {};
    for (const part of children(stanza, 'enc')) {
      const type = part.attrs.type ?? '';
      const body = bytes(part);
      const plaintext =
        type === 'skmsg' && group
          ? await party.decryptFromGroup(group, address, body)
          : await party.decrypt(address, { type: type === 'pkmsg' ? 'pkmsg' : 'msg', body });
      const decoded = proto.Message.decode(plaintext);
      const distribution = decoded.senderKeyDistributionMessage;
      if (distribution?.groupId && distribution.axolotlSenderKeyDistributionMessage) {
        await party.learnSenderKey(distribution.groupId, address, distribution.axolotlSenderKeyDistributionMessage);
      }
      Object.assign(message, decoded);
    }
    return message;
  }

  /** Undefined when there is nothing to show, but a key. */
  #arrival(stanza: BinaryNode, from: Account, message: proto.IMessage): Arrival | undefined {
    const { id = '', from: sender, participant } = stanza.attrs;
    const group = isGroupJid(sender) ? sender : undefined;
    const copy = message.deviceSentMessage;
    const chat_jid = copy?.destinationJid ?? undefined;
    const shown = copy?.message ?? message;
    delete shown.senderKeyDistributionMessage;
    if (Object.keys(shown).every((key) => key === 'messageContextInfo')) return undefined;
    const addressing = addressingOf(group ? participant : sender);
    const { state } = this.#context;
    const chat =
      group ?? (chat_jid ? (state.account(chat_jid)?.number ?? parseJid(chat_jid)?.user ?? '') : from.number);
    return { id, chat, from, message: shown, addressing };
  }

  async #asked(companion: Companion | undefined, id: string, message: proto.IMessage): Promise<void> {
    const inner = message.deviceSentMessage?.message ?? message;
    if (companion) await this.#on.asked(companion, id, inner);
  }

  async #confirm(to: Attributes, id: string): Promise<void> {
    const { account, state } = this.#context;
    if (!account.phone.settings.auto_delivery) return;
    const attrs = { to: to.to, participant: to.participant, id, t: now() };
    await passReceipt(state, { account, id: 0, companion: undefined }, node('receipt', attrs));
  }

  async #failed(stanza: BinaryNode, from: Account, device: number, to: Attributes, error: Error): Promise<void> {
    const { account, party, state } = this.#context;
    const { id = '', t } = stanza.attrs;
    const attempts = (this.#failures.get(id)?.attempts ?? 0) + 1;
    const { number } = from;
    this.#failures.set(id, { id, from: number, device, attempts, reason: error.message, is_resolved: false });
    account.phone.changed();
    if (!account.phone.settings.auto_retry || attempts > MAX_RETRIES) return;
    const content = [
      node('retry', { count: String(attempts), id, t, v: '1' }),
      node('registration', {}, integerBytes(party.registration_id, 4)),
    ];
    const receipt = node('receipt', { ...to, id, type: 'retry', t: now() }, content);
    await passReceipt(state, { account, id: 0, companion: undefined }, receipt);
  }
}
