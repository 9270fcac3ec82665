import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@potentia/config/logger';
import type { Db } from '@potentia/db/client';
import { claimEvents, type ClaimedEvents, type SettledEvents, settleEvents } from '@potentia/db/wa/event-queries';
import { type Breaker, BreakerOpenError, createBreaker } from '@potentia/domain/platform/breaker';
import { MAX_WORKER_EVENTS } from '@potentia/domain/whatsapp/worker-events';
import type { EventMetrics } from './event-metrics.ts';
import { EventsNotTakenError, type EventSender } from './event-sender.ts';

/** Milliseconds. */
export const RELAY_TIMES = {
  poll: 1_000,
  /** How long what follows a commit closely may join it. */
  linger: 50,
  /** How long a session's events are this process's: longer than a request and what is done with its answer. */
  hold: 15_000,
  /** How long the events of a request that was refused are tried one by one, before others have their turn. */
  singly: 5_000,
  retry: 1_000,
  /** While the API is away; the breaker leaves it alone, and events should not wait much longer than that. */
  longest_away: 30_000,
  longest_retry: 300_000,
  breaker_rest: 2_000,
  breaker_longest_rest: 30_000,
};
export type RelayTimes = typeof RELAY_TIMES;

/** Sessions at a time. */
const PARALLEL = 8;
/** Bytes of events in one request, about; a larger one goes alone. */
const MAX_BYTES = 524_288;
/** Requests that are refused with one event alone, until it is given up. */
const MAX_REFUSALS = 3;
/** Failures in a row that open the breaker. */
const FAILURES = 5;

export interface EventRelayOptions {
  db: Db;
  sender: EventSender;
  metrics: EventMetrics;
  log: Logger;
  /** Under which this process is registered; null before that. */
  workerId: () => string | null;
  times?: Partial<RelayTimes>;
}

/**
 * Tells the API what happened, from Postgres, where it was written together with what it tells of. The events of a session go out
 * in order, one request at a time over all workers; a request may come twice when a process dies before it could note the answer, and
 * the API counts each event once. Any number of relays run side by side; each also sends what is left of sessions that nobody holds.
 */
export class EventRelay {
  readonly #options: EventRelayOptions;
  readonly #times: RelayTimes;
  readonly #holder = randomUUID();
  readonly #breaker: Breaker;
  readonly #active = new Set<Promise<void>>();
  #stopped = false;
  #failing = false;
  #woken = false;
  #resume: () => void = () => undefined;
  #rests_until = 0;
  #running: Promise<void> | undefined;

  constructor(options: EventRelayOptions) {
    this.#options = options;
    this.#times = { ...RELAY_TIMES, ...options.times };
    this.#breaker = createBreaker({
      failures: FAILURES,
      rest_ms: this.#times.breaker_rest,
      longest_rest_ms: this.#times.breaker_longest_rest,
      isFailure: (error) => error instanceof EventsNotTakenError && error.failure === 'away',
      onState: (state) => {
        options.metrics.breaker(state);
        if (state === 'open') options.log.warn('the API does not take events and is left alone; they wait in Postgres');
        if (state === 'closed') this.wake();
      },
    });
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Looks for events now, instead of at the next poll. To be called after a commit; costs nothing. */
  readonly wake = (): void => {
    this.#woken = true;
    this.#resume();
  };

  /** Sends what is due now, for at most `most_ms`. */
  async flush(most_ms: number): Promise<void> {
    const ends_at = performance.now() + most_ms;
    for (let left = most_ms; left > 0; left = ends_at - performance.now()) {
      const begun = this.#room() > 0 ? await this.#begin(this.#room()) : 0;
      if (begun === 0 && this.#active.size === 0) return;
      await Promise.race([...this.#active, delay(left, undefined, { ref: false })]);
    }
  }

  /** Finishes the requests at hand. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.wake();
    await this.#running;
    await Promise.all(this.#active);
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#woken = false;
      const room = this.#room();
      const begun = room > 0 ? await this.#begin(room) : 0;
      if (begun < room || room === 0) await this.#pause();
    }
  }

  /** Sessions that may be begun now: one, while it is being found out whether the API is back. */
  #room(): number {
    if (performance.now() < this.#rests_until) return 0;
    // More may be under way than it lets through now.
    return Math.max((this.#breaker.state === 'closed' ? PARALLEL : 1) - this.#active.size, 0);
  }

  async #begin(sessions: number): Promise<number> {
    const { db, log, workerId } = this.#options;
    try {
      const claims = await claimEvents(db, {
        ...{ worker_id: workerId() ?? this.#holder, holder: this.#holder, sessions },
        ...{ batch: MAX_WORKER_EVENTS, bytes: MAX_BYTES, hold_ms: this.#times.hold },
      });
      for (const claim of claims) this.#track(this.#tell(claim));
      if (this.#failing) log.info('events are told to the API again');
      this.#failing = false;
      return claims.length;
    } catch (err) {
      if (!this.#failing) log.warn({ err }, 'events cannot be read; they wait in Postgres');
      this.#failing = true;
      return 0;
    }
  }

  #track(work: Promise<void>): void {
    const tracked = work
      // Nothing is lost: whoever finds the events when they are nobody's any more sends them again.
      .catch((err: unknown) => this.#options.log.warn({ err }, 'what became of events could not be noted'))
      .finally(() => {
        this.#active.delete(tracked);
        this.wake();
      });
    this.#active.add(tracked);
  }

  async #tell(claim: ClaimedEvents): Promise<void> {
    const error = await this.#send(claim);
    if (error === null) return this.#settle(claim, claim.items.length, null);
    if (error instanceof EventsNotTakenError && error.failure === 'refused' && claim.items.length > 1)
      return this.#tellSingly(claim);
    return this.#settle(claim, 0, error);
  }

  /** Finds the event for which the others were refused too. */
  async #tellSingly(claim: ClaimedEvents): Promise<void> {
    const ends_at = performance.now() + this.#times.singly;
    let delivered = 0;
    for (const item of claim.items) {
      if (performance.now() > ends_at) break;
      const error = await this.#send({ ...claim, items: [item] });
      if (error !== null) return this.#settle(claim, delivered, error);
      delivered += 1;
    }
    return this.#settle(claim, delivered, null);
  }

  /** Null: the API has taken them. Any error of ours is thrown. */
  async #send(events: ClaimedEvents): Promise<EventsNotTakenError | BreakerOpenError | null> {
    const { sender, metrics } = this.#options;
    const began = performance.now();
    try {
      await this.#breaker.run(() => sender.send(events));
      metrics.delivered(events.kind, events.items.length, performance.now() - began);
      return null;
    } catch (error) {
      if (error instanceof BreakerOpenError) {
        this.#rest(this.#times.poll);
        return error;
      }
      if (!(error instanceof EventsNotTakenError)) throw error;
      metrics.failed(events.kind, error.failure);
      if (error.failure === 'busy') this.#rest(error.retry_after_ms ?? this.#times.retry);
      return error;
    }
  }

  #rest(ms: number): void {
    this.#rests_until = performance.now() + Math.min(ms, this.#times.longest_away);
  }

  /** `delivered`: how many of them, from the first. Null: the next of them, if any, did not fail. */
  async #settle(
    claim: ClaimedEvents,
    delivered: number,
    error: EventsNotTakenError | BreakerOpenError | null,
  ): Promise<void> {
    const { db, log, metrics } = this.#options;
    const { session_id, kind, items, attempts } = claim;
    const first = items[delivered];
    const failed =
      first && error instanceof EventsNotTakenError
        ? {
            event_id: first.event_id,
            refused: error.failure === 'refused',
            error: error.message,
            delay_ms: this.#delayOf(error, delivered === 0 ? attempts : 0),
            max_refusals: MAX_REFUSALS,
          }
        : null;
    const settled: SettledEvents = {
      ...{ session_id, holder: this.#holder, failed },
      delivered: items.slice(0, delivered).map((item) => item.event_id),
    };
    if (!(await settleEvents(db, settled))) return;
    metrics.died(kind);
    log.error({ session_id, kind, event_id: first?.event_id, error: error?.message }, 'an event was given up');
  }

  /** Milliseconds until an event is tried again: twice as long each time, half of it by chance. */
  #delayOf({ failure, retry_after_ms }: EventsNotTakenError, attempts: number): number {
    const { retry, longest_away, longest_retry } = this.#times;
    const longest = failure === 'away' || failure === 'busy' ? longest_away : longest_retry;
    const grown = Math.min(retry * 2 ** Math.min(attempts, 20), longest);
    return Math.round(Math.max(grown * (0.5 + Math.random() / 2), Math.min(retry_after_ms ?? 0, longest)));
  }

  /** Until the next poll, or a little after it was woken. */
  async #pause(): Promise<void> {
    if (this.#stopped) return;
    if (!this.#woken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, this.#times.poll);
        this.#resume = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    if (this.#woken) await delay(this.#times.linger);
  }
}
