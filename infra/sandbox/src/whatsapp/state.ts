import { createHash } from 'node:crypto';
import type { BinaryNode } from '@whiskeysockets/baileys';
import type { Account, Companion, Device, Group, PendingDevice } from './account.ts';
import { FaultBook, type Target } from './faults.ts';
import type { MediaStore } from './media.ts';
import { type Attributes, node, now, parseJid, SERVER } from './nodes.ts';
import { Watch } from './watch.ts';

/** The 15 digits by which others know a number that they do not see. The same number has the same, always. */
export function lidOf(number: string): string {
  const digest = createHash('sha256').update(`lid ${number}`).digest();
  return String(100_000_000_000_000n + (digest.readBigUInt64BE() % 900_000_000_000_000n));
}

/** By what the receipt or ack for a stanza will name it. */
function queueKey(kind: string, id: string | undefined, from?: string, participant?: string, type = ''): string {
  const user = (jid: string | undefined): string => parseJid(jid)?.user ?? '';
  const sort = kind === 'receipt' ? type : '';
  return [kind, id, user(from), user(participant), sort].join(' ');
}

/** Everything the server knows, and how stanzas get to devices. */
export class State {
  readonly accounts = new Map<string, Account>();
  readonly by_lid = new Map<string, Account>();
  readonly groups = new Map<string, Group>();
  /** Devices that show a QR code or wait for a pairing code. */
  readonly registrations = new Set<PendingDevice>();
  /** Changes with the registrations. */
  readonly watch = new Watch();
  readonly faults: FaultBook;
  readonly media: MediaStore | null;
  /** What went wrong in the server itself: empty, unless it has a mistake. */
  readonly problems: unknown[] = [];
  /** Called after each change that should survive a restart. */
  changed: () => void = () => undefined;
  readonly #held = new Map<Companion, BinaryNode[]>();
  #next_id = 1;

  constructor(media: MediaStore | null) {
    this.media = media;
    this.faults = new FaultBook({
      companions: (target) => this.#companionsOf(target),
      release: (companion) => this.#release(companion),
    });
  }

  stanzaId(): string {
    return `${process.pid}-${this.#next_id++}`;
  }

  account(jid: string | undefined): Account | undefined {
    const parsed = parseJid(jid);
    if (!parsed) return undefined;
    return parsed.server === 'lid' ? this.by_lid.get(parsed.user) : this.accounts.get(parsed.user);
  }

  /** Undefined when there is no such account, or it has no such device. */
  device(jid: string | undefined): Device | undefined {
    const account = this.account(jid);
    const id = parseJid(jid)?.device ?? 0;
    const companion = account?.companions.get(id);
    return account && (id === 0 || companion) ? { account, id, companion } : undefined;
  }

  #companionsOf(target: Target): Companion[] {
    const [number = '', device] = target.split(':');
    const companions = [...(this.accounts.get(number)?.companions.values() ?? [])];
    return device === undefined ? companions : companions.filter(({ id }) => id === Number(device));
  }

  /** Delivers a stanza, now or at the next login, until its receipt or ack comes. */
  deliver(account: Account, companion: Companion, stanza: BinaryNode): void {
    const { faults } = this;
    if (stanza.tag === 'receipt' && faults.is('hold_receipts', account.number, companion.id)) {
      this.#held.set(companion, [...(this.#held.get(companion) ?? []), stanza]);
      return;
    }
    const { id, from, participant, type } = stanza.attrs;
    const key = queueKey(stanza.tag, id, from, participant, type);
    // One that is sent anew under the same id takes its place at the end.
    companion.queue.delete(key);
    companion.queue.set(key, stanza);
    if (companion.connection?.is_active) this.transmit(account, companion, stanza);
  }

  /** Sends a stanza over the device's connection, as the faults leave it. */
  transmit(account: Account, companion: Companion, stanza: BinaryNode, is_offline = false): void {
    const { connection } = companion;
    if (!connection) return;
    let sent = is_offline ? { ...stanza, attrs: { ...stanza.attrs, offline: '1' } } : stanza;
    if (stanza.tag === 'message') {
      if (this.faults.take('corrupt', account.number, companion.id)) sent = corrupted(sent);
      if (this.faults.take('withhold', account.number, companion.id)) sent = withheld(sent);
      if (this.faults.take('duplicate', account.number, companion.id)) connection.send(sent);
    }
    connection.send(sent);
  }

  /** Sends something that is of no use later: typing, presence. */
  pass(companion: Companion, stanza: BinaryNode): void {
    if (companion.connection?.is_active) companion.connection.send(stanza);
  }

  /** The device has got a stanza: it need not come again. */
  settle(companion: Companion, kind: string, id: string | undefined, attrs: BinaryNode['attrs']): void {
    const { to, participant, type } = attrs;
    if (companion.queue.delete(queueKey(kind, id, to, participant, type))) return;
    // The receipt for a message of one's own names the chat in some cases, not the sender.
    const prefix = `${kind} ${id ?? ''} `;
    const own = [...companion.queue.keys()].filter((key) => key.startsWith(prefix));
    if (own.length === 1 && own[0]) companion.queue.delete(own[0]);
  }

  #release(companion: Companion): void {
    const stanzas = this.#held.get(companion) ?? [];
    this.#held.delete(companion);
    const account = [...this.accounts.values()].find(({ companions }) => companions.get(companion.id) === companion);
    if (account) for (const stanza of stanzas) this.deliver(account, companion, stanza);
  }

  /** Tells the devices of an account something that they confirm. */
  notify(account: Account, attrs: Attributes, content: BinaryNode[]): void {
    for (const companion of account.companions.values()) this.notifyDevice(account, companion, attrs, content);
  }

  notifyDevice(account: Account, companion: Companion, attrs: Attributes, content: BinaryNode[]): void {
    const all = { from: SERVER, id: this.stanzaId(), t: now(), ...attrs };
    this.deliver(account, companion, node('notification', all, content));
  }
}

/** The same stanza, with nothing in it that could still be decrypted. */
export function corrupted(stanza: BinaryNode): BinaryNode {
  if (!Array.isArray(stanza.content)) return stanza;
  const content = stanza.content.map((part) => {
    if (part.tag !== 'enc' || !(part.content instanceof Uint8Array)) return corrupted(part);
    const bytes = Buffer.from(part.content);
    const last = bytes.length - 1;
    bytes[last] = (bytes[last] ?? 0) ^ 0xff;
    return { ...part, content: bytes };
  });
  return { ...stanza, content };
}

function withheld(stanza: BinaryNode): BinaryNode {
  return { ...stanza, content: [node('unavailable')] };
}
