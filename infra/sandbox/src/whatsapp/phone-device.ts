import { randomBytes } from 'node:crypto';
import { type BinaryNode, type proto } from '@whiskeysockets/baileys';
import type { Account, AccountPhone, Companion, Device, Group, PendingDevice } from './account.ts';
import { buildMessage, type PhoneContent, quoting } from './content.ts';
import { announceDevice } from './devices.ts';
import { changeMembers, createGroup, setSubject } from './groups.ts';
import { mediaOf } from './media-content.ts';
import { MessageLog } from './message-log.ts';
import { type Addressing, jidOf, node, now } from './nodes.ts';
import { PhoneOutbox } from './outbox.ts';
import { parseQr } from './pairing.ts';
import { Party } from './party.ts';
import { PhoneReceiver } from './phone-receiver.ts';
import { PhoneSender } from './phone-sender.ts';
import { ChatReferences } from './references.ts';
import { passReceipt } from './receipts.ts';
import type { State } from './state.ts';
import { showTyping } from './typing.ts';
import { Lock, Watch } from './watch.ts';

import type {
  OutboxMessage,
  Phone,
  PhoneCompanion,
  PhoneMessage,
  PhoneSettings,
  SendOptions,
  Typing,
  TypingState,
  Undecryptable,
} from './phone.ts';

const WAIT_MS = 10_000;
const ASKED_MS = 2_000;

export interface PhoneInput {
  number: string;
  lid: string;
  name: string;
  is_business: boolean;
}

/** The phone of an account: it has keys of its own, and is a device like those that are linked to it. */
export class PhoneDevice implements Phone, AccountPhone {
  readonly account: Account;
  readonly party: Party;
  readonly settings: PhoneSettings;
  readonly #watch = new Watch();
  readonly #state: State;
  readonly #log: MessageLog;
  readonly #outbox: PhoneOutbox;
  readonly #receiver: PhoneReceiver;
  readonly #sender: PhoneSender;
  readonly #typing: Typing[] = [];
  readonly #read = new Set<PhoneMessage>();

  constructor(state: State, input: PhoneInput, party = new Party()) {
    this.#state = state;
    this.party = party;
    this.account = { ...input, phone: this, companions: new Map(), last_device_id: 0, askers: new Set() };
    this.#log = new MessageLog(this.account, (number) => state.accounts.get(number));
    this.#outbox = new PhoneOutbox();
    const lock = new Lock();
    const context = { state, account: this.account, party, lock, log: this.#log };
    this.#sender = new PhoneSender(context);
    this.#receiver = new PhoneReceiver(context, {
      arrived: (message) => this.#arrived(message),
      asked: (companion, id, message) => this.#sender.answerOwn(companion, id, message),
    });
    this.settings = this.#createSettings();
  }

  #createSettings(): PhoneSettings {
    let is_online = true;
    const receiver = this.#receiver;
    const changed = (): void => void receiver.setOnline(is_online);
    return {
      get is_online() {
        return is_online;
      },
      set is_online(value) {
        is_online = value;
        changed();
      },
      auto_delivery: true,
      auto_read: false,
      auto_retry: true,
      supports_lid: true,
    };
  }

  get number(): string {
    return this.account.number;
  }
  get lid(): string {
    return this.account.lid;
  }
  get name(): string {
    return this.account.name;
  }

  async scan(qr: string): Promise<void> {
    const parts = parseQr(qr);
    const found = [...this.#state.registrations].find((registration) => registration.shows(parts[0] ?? ''));
    if (!found) throw new Error('This QR code is no longer valid');
    await found.scanned(this.account, parts);
  }

  async enterCode(code: string): Promise<void> {
    const find = (): PendingDevice | undefined =>
      [...this.#state.registrations].find(({ number }) => number === this.number);
    // The device that shows the code may still be about to tell the server.
    const found = await this.#state.watch.until(find, ASKED_MS, 'a device that has asked for a code for this number');
    await found.codeEntered(this.account, code.replace(/[^0-9a-z]/gi, '').toUpperCase());
  }

  devices(): PhoneCompanion[] {
    return [...this.account.companions.values()].map(({ id, connection, linked_at, pre_keys }) => {
      return { id, is_connected: connection?.is_active ?? false, linked_at, pre_keys: pre_keys.length };
    });
  }

  unlink(device_id?: number): void {
    const removed = node('conflict', { type: 'device_removed' });
    for (const { id, connection } of [...this.account.companions.values()]) {
      if (device_id !== undefined && id !== device_id) continue;
      connection?.closeWith(node('stream:error', { code: '401' }, [removed]));
      this.account.companions.delete(id);
      this.#sender.forget(this.account, id);
      announceDevice(this.#state, this.account, 'remove', id);
    }
    this.#state.changed();
  }

  #group(id: string): Group {
    const group = this.#state.groups.get(id);
    if (!group?.members.has(this.account)) throw new Error('The phone is in no such group');
    return group;
  }
  #person(number: string): Account {
    const account = this.#state.accounts.get(number);
    if (!account) throw new Error('Nobody has that number');
    return account;
  }

  async send(to: string, content: PhoneContent, options: SendOptions = {}): Promise<{ id: string }> {
    const group = to.endsWith('@g.us') ? this.#group(to) : undefined;
    const chat = group ?? this.#person(to);
    const addressing = group ? 'lid' : (options.addressing ?? 'pn');
    const id = options.id ?? `AC${randomBytes(15).toString('hex').toUpperCase()}`;
    const references = new ChatReferences(this.#state, this.#log, this.account, to, addressing);
    const built = buildMessage(content, references, this.#state.media);
    const message = options.quoted ? quoting(built, references.quote(options.quoted)) : built;
    const shown = this.#log.add({ id, chat: to, from: this.account, message, addressing });
    this.#outbox.add(id, to, shown);
    await this.#sender.send({ id, chat, message, addressing });
    return { id };
  }

  inbox(): PhoneMessage[] {
    return this.#log.all().filter((message) => !this.#outbox.has(message));
  }
  messages(): PhoneMessage[] {
    return this.#log.all();
  }
  media(message: PhoneMessage): Buffer {
    const store = this.#state.media;
    if (!store) throw new Error('There is no media store');
    return mediaOf(store, message.content);
  }
  undecryptable(): Undecryptable[] {
    return this.#receiver.undecryptable();
  }
  outbox(): OutboxMessage[] {
    return this.#outbox.all();
  }
  typingSeen(): Typing[] {
    return [...this.#typing];
  }
  waitFor(predicate: (message: PhoneMessage) => boolean, timeout_ms = WAIT_MS): Promise<PhoneMessage> {
    const what = `a message to ${this.number}: ${String(predicate)}`;
    return this.#watch.until(() => this.inbox().find(predicate), timeout_ms, what);
  }
  waitForSent(predicate: (message: OutboxMessage) => boolean, timeout_ms = WAIT_MS): Promise<OutboxMessage> {
    const what = `a message from ${this.number}: ${String(predicate)}`;
    return this.#watch.until(() => this.outbox().find(predicate), timeout_ms, what);
  }
  waitForTyping(predicate: (typing: Typing) => boolean, timeout_ms = WAIT_MS): Promise<Typing> {
    return this.#watch.until(() => this.#typing.find(predicate), timeout_ms, `typing to ${this.number}`);
  }

  #confirm(message: PhoneMessage[], type?: 'read'): void {
    const [first, ...rest] = message;
    if (!first) return;
    const writer = jidOf(this.#person(first.from), first.addressing);
    const is_group = first.chat.endsWith('@g.us');
    const to = is_group ? { to: first.chat, participant: writer } : { to: writer };
    const list =
      rest.length > 0
        ? [
            node(
              'list',
              {},
              rest.map(({ id }) => node('item', { id })),
            ),
          ]
        : undefined;
    const receipt = node('receipt', { ...to, id: first.id, type, t: now() }, list);
    void passReceipt(this.#state, this.#device(), receipt);
  }
  #device(): Device {
    return { account: this.account, id: 0, companion: undefined };
  }

  read(chat: string, ids?: string[]): void {
    const unread = this.#log
      .all()
      .filter((message) => message.chat === chat && !message.is_from_me && !this.#read.has(message))
      .filter(({ id }) => !ids || ids.includes(id));
    const by_writer = Map.groupBy(unread, ({ from, addressing }) => `${from} ${addressing}`);
    for (const messages of by_writer.values()) this.#confirm(messages, 'read');
    for (const message of unread) this.#read.add(message);
  }

  #arrived(message: PhoneMessage): void {
    if (!message.is_from_me && this.settings.auto_read) this.read(message.chat, [message.id]);
    this.#watch.changed();
  }

  typing(to: string, state: TypingState): void {
    const group = to.endsWith('@g.us') ? this.#group(to) : undefined;
    const device = { account: this.account, id: 0 };
    showTyping(this.#state, device, group ?? this.#person(to), group ? 'lid' : 'pn', state);
  }

  createGroup({ subject, members }: { subject: string; members: string[] }): { id: string } {
    const accounts = members.map((number) => this.#person(number));
    const { id } = createGroup(this.#state, this.account, subject, accounts);
    return { id };
  }
  addMember(group_id: string, number: string): void {
    changeMembers(this.#state, this.#group(group_id), this.account, 'add', [this.#person(number)]);
  }
  removeMember(group_id: string, number: string): void {
    changeMembers(this.#state, this.#group(group_id), this.account, 'remove', [this.#person(number)]);
  }
  promote(group_id: string, number: string): void {
    changeMembers(this.#state, this.#group(group_id), this.account, 'promote', [this.#person(number)]);
  }
  demote(group_id: string, number: string): void {
    changeMembers(this.#state, this.#group(group_id), this.account, 'demote', [this.#person(number)]);
  }
  leave(group_id: string): void {
    changeMembers(this.#state, this.#group(group_id), this.account, 'remove', [this.account]);
  }
  setSubject(group_id: string, subject: string): void {
    setSubject(this.#state, this.#group(group_id), this.account, subject);
  }

  // What the server says to the phone.

  close(): void {
    this.#watch.close();
  }
  changed(): void {
    this.#watch.changed();
  }

  receive(message: BinaryNode, from: Account, device: number): Promise<void> {
    return this.#receiver.receive(message, from, device);
  }
  async receivePlain(
    id: string,
    chat: string,
    from: Account,
    message: proto.IMessage,
    addressing: Addressing,
  ): Promise<void> {
    await this.#receiver.receivePlain({ id, chat, from, message, addressing });
  }
  typingCame(typing: Typing): void {
    this.#typing.push(typing);
    this.#watch.changed();
  }
  receiptCame(ids: string[], type: 'delivered' | 'read' | 'played', from: Device): void {
    for (const id of ids) this.#outbox.confirm(id, type, from.account.number, from.id);
    this.#watch.changed();
  }
  retryAsked(receipt: BinaryNode, from: Device): Promise<void> {
    return this.#sender.retry(receipt, from);
  }
  sync(companion: Companion): Promise<void> {
    return this.#sender.sync(companion);
  }
  rotateSenderKey(group_id: string): void {
    this.#sender.rotateSenderKey(group_id);
  }
}
