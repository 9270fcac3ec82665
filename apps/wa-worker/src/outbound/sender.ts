import { holdOutbox, listOutbox, type OutboxRow, readPace } from '@potentia/db/wa/outbox-queries';
import { createSendOrder, type Queued } from '@potentia/domain/whatsapp/rules/send-order';
import type { WASocket } from '@whiskeysockets/baileys';
import type { WaWorkerContext } from '../context.ts';
import type { HeldSession } from '../session/parts.ts';
import type { SessionLog } from '../state/session-log.ts';
import { jidOf } from './addresses.ts';
import { type Composed, compose, relayOptions } from './compose.ts';
import { findRecipient } from './delivery.ts';
import { consequenceOf } from './failures.ts';
import { InFlight, type Sent } from './in-flight.ts';
import type { OutboundMetrics } from './outbound-metrics.ts';
import { PaceKeeper } from './pace-keeper.ts';
import { RowReader } from './row-reader.ts';
import type { StatusItem } from './status-item.ts';
import { Superseded, Waits } from './waits.ts';

/** Times of the loop, in ms; tests have shorter ones. */
export interface SenderTimings {
  /** Between two looks at the queue, for what nobody told of and for what is held. */
  poll_ms: number;
  /** A message that has left and is not acknowledged goes again after so long; then after twice that, and so on. */
  resend_ms: number;
  /** Of a message that could not be handed over; twice as long each time. */
  retry_ms: number;
  /** How long new conversations wait after a refusal of which WhatsApp does not say how long it holds. */
  restricted_ms: number;
}

export const SENDER_TIMINGS: SenderTimings = {
  poll_ms: 15_000,
  resend_ms: 30_000,
  retry_ms: 1_000,
  restricted_ms: 86_400_000,
};

export type SenderCtx = Pick<WaWorkerContext, 'db' | 'objects' | 'config'> & {
  metrics: OutboundMetrics;
  sender_timings: SenderTimings;
  /** Called with each look at a queue. */
  onLook(): void;
};

/** Chats that are served side by side: as many files may be on their way to WhatsApp. */
const CHATS_AT_ONCE = 8;
const MAX_LOADED = 10_000;
const READ_AHEAD = 20;
/** Attempts to hand a message over, when WhatsApp does not help. */
const MAX_RETRIES = 5;
/** A message that was never acknowledged, however often it went. */
const GIVE_UP_MS = 86_400_000;
/** Sends after which a missing acknowledgement says more of the message than of the connection. */
const MAX_EXPECTED = 3;
/** A shorter wait for its turn is not worth telling. */
const TOLD_WAIT_MS = 2_000;
/** An acknowledgement that comes within so many ms spares saying that a message has left. */
const TELL_LEFT_MS = 50;
/** By which WhatsApp says that an account may begin no conversations for now. */
const RESTRICTED = '463';

/**
 * Sends what waits in a session's queue, as long as this process holds it: in order within a chat, chats side by side, no faster than its
 * pace. A message leaves under one id however often, and is kept before it leaves; phones show it once.
 */
export class Sender {
  readonly #ctx: SenderCtx;
  readonly #held: HeldSession;
  readonly #order = createSendOrder({ parallel: CHATS_AT_ONCE });
  readonly #rows: RowReader;
  readonly #pace: PaceKeeper;
  readonly #in_flight = new InFlight();
  readonly #retries = new Map<string, number>();
  /** Rows that are settled since the look before the last: a look may find them as they were. */
  #settled = new Set<string>();
  #settled_before = new Set<string>();
  /** Chats in which a conversation of ours has begun, though the server has not said so yet. */
  readonly #begun = new Set<string>();
  readonly #waits = new Waits();
  /** Of the connection of now. */
  #log: SessionLog | null = null;
  /** Grows with each connection: what began under an older one must not go on. */
  #epoch = 0;
  #is_ready = false;
  #poll_timer: NodeJS.Timeout | undefined;
  #wake_timer: NodeJS.Timeout | undefined;
  #left_timer: NodeJS.Timeout | undefined;
  readonly #on_idle = new Set<() => void>();

  constructor(ctx: SenderCtx, held: HeldSession) {
    this.#ctx = ctx;
    this.#held = held;
    this.#rows = new RowReader(ctx.db, held.session_id);
    const { config } = ctx;
    const defaults = {
      messages_per_minute: config.WHATSAPP_MESSAGES_PER_MINUTE,
      cold_per_day: config.WHATSAPP_COLD_PER_DAY,
      warm_up_days: config.WHATSAPP_WARM_UP_DAYS,
    };
    this.#pace = new PaceKeeper(defaults, () => held.settings);
  }

  /** A connection is open, and what it missed has come in: what waits goes, and what was never acknowledged goes again. */
  start(): void {
    this.stop();
    this.#log = this.#held.state.log;
    void this.#load(this.#epoch);
  }

  /** The connection is gone, or not ours any more. */
  stop(): void {
    this.#epoch += 1;
    this.#is_ready = false;
    clearTimeout(this.#poll_timer);
    clearTimeout(this.#wake_timer);
    clearTimeout(this.#left_timer);
    this.#left_timer = undefined;
    this.#waits.end();
    this.#order.clear();
    this.#rows.forget();
    this.#in_flight.clear();
    this.#settled.clear();
    this.#settled_before.clear();
    this.#begun.clear();
    this.#tellIdle();
  }

  /** A message was put into the queue. */
  add(message: Queued): void {
    if (this.#in_flight.has(message.id)) return;
    // Also while the queue is being read: the answer may be older than the message, and what is behind it would go before it.
    this.#order.add(message);
    this.#pump();
  }

  /** Resolves when all that has left is acknowledged, or the connection is gone. */
  settled(): Promise<void> {
    if (this.#in_flight.size === 0 && this.#order.busy === 0) return Promise.resolve();
    return new Promise((resolve) => this.#on_idle.add(resolve));
  }

  /** The server took a message (null), or refused it with that code. */
  acknowledged(message_id: string, error: string | null): void {
    const sent = this.#in_flight.settle(message_id);
    // Of the client's own business, or said before.
    if (!sent) return;
    this.#settled.add(sent.id);
    this.#ctx.metrics.observeAck(error, sent.at_ms === null ? 0 : performance.now() - sent.at_ms);
    if (error === null) this.#append({ message_id, id: sent.id, status: 'acked', at: now() });
    else this.#refused(sent, error);
    this.#tellIdle();
  }

  /** WhatsApp lets this account begin no conversation until then; null: it does again. */
  restrict(until: Date | null): void {
    if (until === null && !this.#pace.restricted_until) return;
    this.#pace.restricted_until = until;
    if (this.#held.status === 'connected')
      void this.#log?.append({
        session: {
          status: 'connected',
          reason: until ? 'restricted' : null,
          restricted_until: until?.toISOString() ?? null,
        },
      });
    if (until) return;
    this.#order.release();
    this.#pump();
  }

  #refused(sent: Sent, error: string): void {
    const { chat_id, message_id } = sent;
    this.#begun.delete(chat_id);
    this.#fail(sent, error === RESTRICTED ? 'whatsapp.restricted' : `whatsapp.refused_${error.slice(0, 20)}`);
    this.#held.log.warn({ message_id, code: error }, 'WhatsApp refused a message');
    if (error === RESTRICTED) this.restrict(new Date(Date.now() + this.#ctx.sender_timings.restricted_ms));
  }

  #append(item: StatusItem): void {
    void this.#log?.append({ statuses: [item] });
  }

  async #load(epoch: number): Promise<void> {
    const { session_id } = this.#held;
    try {
      // What was said of messages before must count: they need not go again.
      await this.#log?.durable();
      const [pace, rows] = await Promise.all([
        readPace(this.#ctx.db, session_id),
        listOutbox(this.#ctx.db, session_id, MAX_LOADED),
      ]);
      if (epoch !== this.#epoch) return;
      if (pace) this.#pace.load(pace, new Date());
      for (const row of rows) this.#order.add(row);
    } catch {
      if (epoch === this.#epoch) this.#look(() => void this.#load(epoch), this.#ctx.sender_timings.retry_ms);
      return;
    }
    this.#is_ready = true;
    const { restricted_until } = this.#pace;
    // A new connection begins with a status that knows nothing of it.
    if (restricted_until && restricted_until > new Date()) this.restrict(restricted_until);
    this.#look(() => void this.#poll(epoch), this.#ctx.sender_timings.poll_ms);
    this.#pump();
  }

  #look(work: () => void, ms: number): void {
    this.#poll_timer = setTimeout(work, ms);
    this.#poll_timer.unref();
  }

  /** What another process put into the queue, what is held for a reason that is gone by now, what was never acknowledged. */
  async #poll(epoch: number): Promise<void> {
    const { poll_ms, resend_ms } = this.#ctx.sender_timings;
    const { restricted_until } = this.#pace;
    this.#ctx.onLook();
    if (restricted_until && restricted_until <= new Date()) this.restrict(null);
    for (const sent of this.#in_flight.expire(resend_ms, Date.now() - GIVE_UP_MS)) this.#fail(sent, 'whatsapp.no_ack');
    this.#settled_before = this.#settled;
    this.#settled = new Set();
    try {
      const rows = await listOutbox(this.#ctx.db, this.#held.session_id, MAX_LOADED);
      if (epoch !== this.#epoch) return;
      this.#rows.forget();
      for (const row of rows) if (!this.#isSettled(row.id)) this.#order.add(row);
      this.#order.release();
      this.#pump();
    } catch {
      // The next look is soon.
    }
    if (epoch === this.#epoch) this.#look(() => void this.#poll(epoch), poll_ms);
  }

  #isSettled(id: string): boolean {
    return this.#in_flight.has(id) || this.#settled.has(id) || this.#settled_before.has(id);
  }

  #pump(): void {
    while (this.#is_ready && this.#held.is_sending) {
      const message = this.#order.take(Date.now());
      if (!message) break;
      void this.#turn(message, this.#epoch);
    }
    this.#scheduleWake();
  }

  /** When a chat that is held may go again, or sending may be possible again. */
  #scheduleWake(): void {
    clearTimeout(this.#wake_timer);
    if (!this.#is_ready || this.#order.size === 0) return;
    const { poll_ms, retry_ms } = this.#ctx.sender_timings;
    const held_at = this.#order.nextHeld();
    const { is_sending } = this.#held;
    if (held_at === null && is_sending) return;
    const wait_ms = is_sending && held_at !== null ? held_at - Date.now() : retry_ms;
    this.#wake_timer = setTimeout(() => this.#pump(), Math.min(Math.max(wait_ms, 10), poll_ms));
    this.#wake_timer.unref();
  }

  async #turn(message: Queued, epoch: number): Promise<void> {
    let hold_until: number | null;
    try {
      hold_until = await this.#send(message, epoch);
    } catch {
      // Not ours to send any more, or Postgres is away.
      hold_until = Date.now() + this.#ctx.sender_timings.retry_ms;
    }
    if (epoch !== this.#epoch) return;
    if (hold_until === null) this.#order.done(message);
    else this.#order.hold(message, hold_until);
    this.#pump();
    this.#tellIdle();
  }

  /** Null: it is on its way, or never will be. Else when it may be tried again. Throws when that cannot be told. */
  async #send(message: Queued, epoch: number): Promise<number | null> {
    const row = await this.#read(message);
    this.#assertCurrent(epoch);
    if (!row) return null;
    const is_new = row.is_new_conversation && !this.#begun.has(row.chat_id);
    const is_counted = row.attempts > 0;
    const held = this.#pace.hold({ is_new, is_counted }, new Date());
    if (held) {
      this.#ctx.metrics.countHold(held.reason);
      await this.#tellHold(row, held.reason, held.until);
      return held.until.getTime();
    }
    const is_cold = is_new && !is_counted;
    let has_left = false;
    try {
      has_left = await this.#handOver(row, is_cold, epoch);
      if (has_left && is_new) this.#begun.add(row.chat_id);
      return null;
    } catch (error) {
      return this.#failed(row, error, epoch);
    } finally {
      if (!has_left && is_cold) this.#pace.returnCold();
    }
  }

  async #read(message: Queued): Promise<OutboxRow | undefined> {
    const following = this.#order.upcoming(message.chat_id, READ_AHEAD).map(({ id }) => id);
    const row = await this.#rows.read(message.id, following);
    // Read ahead, before what it refers to was composed.
    const is_early = row && ((row.quoted && !row.quoted.proto) || (row.type === 'edit' && !row.target?.proto));
    return is_early ? this.#rows.readAgain(message.id) : row;
  }

  #assertCurrent(epoch: number): WASocket {
    const { sock } = this.#held;
    if (epoch !== this.#epoch || !sock || !this.#held.is_sending) throw new Superseded();
    return sock;
  }

  /** False: it will never be sent. */
  async #handOver(row: OutboxRow, is_cold: boolean, epoch: number): Promise<boolean> {
    const { db, objects } = this.#ctx;
    const recipient = await findRecipient(db, this.#held, this.#assertCurrent(epoch), row, is_cold);
    if (recipient === null) {
      this.#fail(row, 'whatsapp.not_on_whatsapp');
      return false;
    }
    const addressed = { ...row, ...recipient };
    const composed = await compose(addressed, this.#assertCurrent(epoch), objects);
    await this.#slot(row, epoch);
    await this.#relay(addressed, composed, is_cold, this.#assertCurrent(epoch));
    return true;
  }

  /** From here on it may be on the wire. What it is goes into the log first, and the gate lets it out when that is durable. */
  async #relay(row: OutboxRow, composed: Composed, is_cold: boolean, sock: WASocket): Promise<void> {
    const { id, message_id } = row;
    const { gate } = this.#held;
    const is_again = row.attempts > 0 || this.#in_flight.sends(message_id) > 0;
    const takeBack = this.#in_flight.leave(row, row.sent_at ? Date.parse(row.sent_at) : Date.now());
    this.#append({ message_id, id, attempt: { proto: composed.proto, is_cold } });
    try {
      await sock.relayMessage(jidOf(row), composed.message, relayOptions(row));
    } catch (error) {
      takeBack();
      throw error;
    }
    if (row.attempts < MAX_EXPECTED) this.#held.expectAck(message_id);
    this.#retries.delete(id);
    this.#ctx.metrics.countSend(row.type, is_again);
    // Also when it was acknowledged meanwhile: then it is not waited for any more.
    void gate?.released().then(
      () => this.#left(message_id),
      () => undefined,
    );
  }

  #left(message_id: string): void {
    this.#in_flight.left(message_id);
    this.#left_timer ??= setTimeout(() => this.#tellLeft(), TELL_LEFT_MS).unref();
  }

  /** What is on the wire and was not acknowledged in that moment: mostly it is, and that says more. */
  #tellLeft(): void {
    this.#left_timer = undefined;
    const statuses = this.#in_flight.untold().map(({ id, message_id, at }): StatusItem => {
      return { id, message_id, status: 'sent', at: at.toISOString() };
    });
    if (statuses.length > 0) void this.#log?.append({ statuses });
  }

  /** Waits for the message's turn. */
  async #slot(row: OutboxRow, epoch: number): Promise<void> {
    const wait_ms = this.#pace.takeSlot(Date.now());
    if (wait_ms <= 0) return;
    try {
      const waited = this.#waits.wait(wait_ms);
      if (wait_ms > TOLD_WAIT_MS)
        void this.#tellHold(row, 'pace', new Date(Date.now() + wait_ms)).catch(() => undefined);
      await waited;
      this.#assertCurrent(epoch);
    } catch (error) {
      this.#pace.returnSlot();
      throw error;
    }
  }

  #tellHold({ id }: OutboxRow, reason: string, until: Date): Promise<void> {
    return holdOutbox(this.#ctx.db, this.#held, [{ id, reason, until: until.toISOString() }]);
  }

  /** Null: it has failed for good. Else when it is tried again. */
  #failed(row: OutboxRow, error: unknown, epoch: number): number | null {
    if (error instanceof Superseded || epoch !== this.#epoch) throw error;
    const { retry_ms } = this.#ctx.sender_timings;
    const consequence = consequenceOf(error, row.kind);
    if (consequence.next === 'wait') return Date.now() + retry_ms;
    const retries = this.#retries.get(row.id) ?? 0;
    if (consequence.next === 'fail' || retries >= MAX_RETRIES) {
      this.#fail(row, consequence.code);
      return null;
    }
    // Not what it says: it may hold what is in the message.
    const name = error instanceof Error ? error.name : 'unknown';
    this.#held.log.warn({ message_id: row.message_id, error: name, retries }, 'a message could not be handed over');
    this.#retries.set(row.id, retries + 1);
    return Date.now() + retry_ms * 2 ** retries;
  }

  #fail({ id, message_id }: Pick<OutboxRow, 'id' | 'message_id'>, error_code: string): void {
    this.#retries.delete(id);
    this.#settled.add(id);
    this.#ctx.metrics.countFailure(error_code);
    this.#append({ message_id, id, status: 'failed', at: now(), error_code });
  }

  #tellIdle(): void {
    if (this.#in_flight.size > 0 || this.#order.busy > 0) return;
    for (const resolve of this.#on_idle) resolve();
    this.#on_idle.clear();
  }
}

const now = (): string => new Date().toISOString();
