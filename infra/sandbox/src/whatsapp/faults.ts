import type { BinaryNode } from '@whiskeysockets/baileys';
import type { Companion, DeviceConnection } from './account.ts';
import { node } from './nodes.ts';

export type CloseCode = 515 | 440 | 401 | 403 | 405 | 408 | 411 | 428 | 429 | 500 | 503 | 'silent' | 'tcp';
export type CloseTime = 'now' | 'next_login' | { after_messages: number };

/** Whom a fault is for: a number, with all its linked devices, or one of them (`number:device`). */
export type Target = string;

/** Failures on demand. Counts are of what is still to come; `true` is until further notice, 0 and `false` are over. */
export interface Faults {
  /** Closes as the real server does with that code; `silent` leaves the client without answers, `tcp` cuts it off. */
  closeWith(target: Target, code: CloseCode, when?: CloseTime): void;
  /** Messages of theirs are refused with that code instead of delivered. */
  ackError(target: Target, code: string, options?: { times?: number; to?: string }): void;
  /** Messages of theirs are delivered, but that is never confirmed. */
  dropAcks(target: Target, times: number | boolean): void;
  /** Takes messages of theirs, and cuts the connection before it confirms them. */
  dropAfterReceive(target: Target, times: number): void;
  /** Keeps back the receipts for them until this is off again. */
  holdReceipts(target: Target, is_on: boolean): void;
  /** The next messages for them arrive twice. */
  duplicateNext(target: Target, times: number): void;
  /** The next messages for them arrive undecryptable. */
  corruptNext(target: Target, times: number): void;
  /** The next messages for them come without their content: their own phone has it. */
  withholdNext(target: Target, times: number): void;
  /** The next messages of theirs arrive undecryptable. */
  corruptSent(target: Target, times: number): void;
  /** They are never told that the messages of their absence are through. */
  neverEndOffline(target: Target, is_on?: boolean): void;
  /** Each stanza for them is that late. */
  slow(target: Target, delay_ms: number): void;
  /** Their questions about numbers are refused. */
  refuseUsync(target: Target, times: number | boolean): void;
  /** Their questions for keys are refused. */
  refuseKeys(target: Target, times: number | boolean): void;
  /** Their one-time keys are used up: who writes to them first does without. */
  emptyPreKeys(target: Target): void;
  /** Their one-time keys are nearly used up, and they are told so. */
  lowPreKeys(target: Target, left?: number): void;
  /** What waits for them is lost. */
  forgetOffline(target: Target): void;
  /** They are told by which way to come next time. */
  routing(target: Target, info: Buffer): void;
  /** Sends them any stanza, over the connection that they have. */
  inject(target: Target, stanza: BinaryNode): void;
  /** No faults from here on. What is held back is delivered. */
  clear(): void;
}

type CountedFault =
  | 'drop_acks'
  | 'drop_after_receive'
  | 'duplicate'
  | 'corrupt'
  | 'corrupt_sent'
  | 'withhold'
  | 'refuse_usync'
  | 'refuse_keys';
type LastingFault = 'hold_receipts' | 'never_end_offline';

interface AckError {
  code: string;
  times: number;
  to?: string;
}

/** What the faults do to the server's devices. */
export interface FaultTargets {
  companions(target: Target): Companion[];
  release(companion: Companion): void;
}

/** `number:device`, for each of the two names under which a fault may be set. */
function namesOf(number: string, device: number): Target[] {
  return [`${number}:${device}`, number];
}

/** Stanzas and closing that a client takes for this code. */
export function closeConnection(connection: DeviceConnection, code: CloseCode, is_at_login = false): void {
  if (code === 'tcp') return connection.terminate();
  if (code === 'silent') {
    connection.is_silent = true;
    connection.is_active = false;
    return;
  }
  if (code === 428) return connection.close();
  if (code === 440) return connection.closeWith(node('stream:error', {}, [node('conflict', { type: 'replaced' })]));
  if (is_at_login && code !== 515) return connection.closeWith(node('failure', { reason: String(code) }));
  const reason = code === 401 ? [node('conflict', { type: 'device_removed' })] : undefined;
  connection.closeWith(node('stream:error', { code: String(code) }, reason));
}

/** The faults that are set, and the questions that the server asks about them. */
export class FaultBook implements Faults {
  readonly #targets: FaultTargets;
  readonly #counted = new Map<string, number>();
  readonly #lasting = new Set<string>();
  readonly #ack_errors = new Map<Target, AckError[]>();
  readonly #delays = new Map<Target, number>();
  readonly #at_login = new Map<Target, CloseCode>();
  readonly #after_messages = new Map<Target, { code: CloseCode; left: number }>();

  constructor(targets: FaultTargets) {
    this.#targets = targets;
  }

  #set(fault: CountedFault, target: Target, times: number | boolean): void {
    const count = times === true ? Infinity : Number(times);
    if (count > 0) this.#counted.set(`${fault} ${target}`, count);
    else this.#counted.delete(`${fault} ${target}`);
  }
  #last(fault: LastingFault, target: Target, is_on: boolean): void {
    if (is_on) this.#lasting.add(`${fault} ${target}`);
    else this.#lasting.delete(`${fault} ${target}`);
  }

  /** Whether the fault happens this time; then there is one time less. */
  take(fault: CountedFault, number: string, device: number): boolean {
    for (const name of namesOf(number, device)) {
      const left = this.#counted.get(`${fault} ${name}`) ?? 0;
      if (left === 0) continue;
      this.#set(fault, name, left - 1);
      return true;
    }
    return false;
  }

  is(fault: LastingFault, number: string, device: number): boolean {
    return namesOf(number, device).some((name) => this.#lasting.has(`${fault} ${name}`));
  }

  /** The code with which this message is refused. */
  takeAckError(number: string, device: number, to: string): string | undefined {
    for (const name of namesOf(number, device)) {
      const found = this.#ack_errors.get(name)?.find((error) => error.times > 0 && (!error.to || error.to === to));
      if (!found) continue;
      found.times -= 1;
      return found.code;
    }
    return undefined;
  }

  /** How this login ends instead of succeeding. */
  takeAtLogin(number: string, device: number): CloseCode | undefined {
    for (const name of namesOf(number, device)) {
      const code = this.#at_login.get(name);
      if (code === undefined) continue;
      this.#at_login.delete(name);
      return code;
    }
    return undefined;
  }

  /** Counts a message of theirs; how the connection ends after it, if it does. */
  takeAfterMessage(number: string, device: number): CloseCode | undefined {
    for (const name of namesOf(number, device)) {
      const rule = this.#after_messages.get(name);
      if (!rule || --rule.left > 0) continue;
      this.#after_messages.delete(name);
      return rule.code;
    }
    return undefined;
  }

  delayOf(number: string, device: number): number {
    return Math.max(0, ...namesOf(number, device).map((name) => this.#delays.get(name) ?? 0));
  }

  closeWith(target: Target, code: CloseCode, when: CloseTime = 'now'): void {
    if (when === 'next_login') this.#at_login.set(target, code);
    else if (when !== 'now') this.#after_messages.set(target, { code, left: when.after_messages });
    else
      for (const { connection } of this.#targets.companions(target)) if (connection) closeConnection(connection, code);
  }
  ackError(target: Target, code: string, { times = 1, to }: { times?: number; to?: string } = {}): void {
    this.#ack_errors.set(target, [...(this.#ack_errors.get(target) ?? []), { code, times, to }]);
  }
  dropAcks(target: Target, times: number | boolean): void {
    this.#set('drop_acks', target, times);
  }
  dropAfterReceive(target: Target, times: number): void {
    this.#set('drop_after_receive', target, times);
  }
  holdReceipts(target: Target, is_on: boolean): void {
    this.#last('hold_receipts', target, is_on);
    if (!is_on) for (const companion of this.#targets.companions(target)) this.#targets.release(companion);
  }
  duplicateNext(target: Target, times: number): void {
    this.#set('duplicate', target, times);
  }
  corruptNext(target: Target, times: number): void {
    this.#set('corrupt', target, times);
  }
  withholdNext(target: Target, times: number): void {
    this.#set('withhold', target, times);
  }
  corruptSent(target: Target, times: number): void {
    this.#set('corrupt_sent', target, times);
  }
  neverEndOffline(target: Target, is_on = true): void {
    this.#last('never_end_offline', target, is_on);
  }
  slow(target: Target, delay_ms: number): void {
    this.#delays.set(target, delay_ms);
    for (const { connection } of this.#targets.companions(target)) if (connection) connection.delay_ms = delay_ms;
  }
  refuseUsync(target: Target, times: number | boolean): void {
    this.#set('refuse_usync', target, times);
  }
  refuseKeys(target: Target, times: number | boolean): void {
    this.#set('refuse_keys', target, times);
  }
  emptyPreKeys(target: Target): void {
    for (const companion of this.#targets.companions(target)) companion.pre_keys = [];
  }
  lowPreKeys(target: Target, left = 2): void {
    for (const { pre_keys, connection } of this.#targets.companions(target)) {
      pre_keys.splice(left);
      const count = node('count', { value: String(left) });
      const id = String(process.hrtime.bigint());
      connection?.send(node('notification', { from: '@s.whatsapp.net', type: 'encrypt', id, t: id }, [count]));
    }
  }
  forgetOffline(target: Target): void {
    for (const companion of this.#targets.companions(target)) companion.queue.clear();
  }
  routing(target: Target, info: Buffer): void {
    const routing = node('edge_routing', {}, [node('routing_info', {}, info)]);
    for (const { connection } of this.#targets.companions(target)) connection?.send(node('ib', {}, [routing]));
  }
  inject(target: Target, stanza: BinaryNode): void {
    for (const { connection } of this.#targets.companions(target)) connection?.send(stanza);
  }
  clear(): void {
    const held = [...this.#lasting].filter((key) => key.startsWith('hold_receipts '));
    const slowed = [...this.#delays.keys()];
    for (const rules of [this.#counted, this.#lasting, this.#ack_errors, this.#at_login, this.#after_messages])
      rules.clear();
    for (const target of slowed) this.slow(target, 0);
    this.#delays.clear();
    for (const key of held) this.holdReceipts(key.slice('hold_receipts '.length), false);
  }
}
