import type { Logger } from '@potentia/config/logger';
import { type HeldRun, renewTurns } from '@potentia/db/agent/turn-queries';
import type { Db } from '@potentia/db/client';
import { LRUCache } from 'lru-cache';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bus, meChannel } from '../platform/bus.ts';
import { AppError } from '../platform/errors.ts';
import { newId } from '../platform/uuid.ts';
import type { RunEvents } from './run-events.ts';
import { isLast, type LoggedEvent, RunLog } from './run-log.ts';

/** How long a process that fell silent keeps its runs. */
export const LEASE_MS = 10_000;
/** How often leases are renewed, and wishes to cancel seen. */
const RENEW_MS = 1_000;
/** Turns of one person that are answered at a time, on all replicas. */
export const MAX_EACH = 4;
/** Turns that one process answers at a time. */
const MAX_RUNNING = 500;
/** How long what a run tells may wait before it goes to readers on other replicas. */
const SEND_MS = 25;
/** No turn takes longer. */
const DEADLINE_MS = 180_000;
/** How long a run that is over can be read here without a store. */
const KEPT_MS = 60_000;
const MAX_KEPT = 300;
/** How often it is looked whether turns are being begun. */
const CALM_POLL_MS = 5;
/** How long a run that was told to end may take for it. */
const END_MS = 1_000;

/** Why a run is to end before its time. */
export type StopReason = 'cancelled' | 'interrupted' | 'superseded' | 'deadline';

export interface TurnMetrics {
  /** A turn is over. Seconds since its request; `first_token_s`: null when there was none. */
  ended(turn: { outcome: string; provider: string; seconds: number }): void;
  /** The first word was said: how long that took, and which part of it was neither judge nor specialist. */
  firstToken(turn: { seconds: number; overhead_seconds: number }): void;
  /** One was not begun. */
  refused(code: string): void;
}

/** A run that this process has. */
export class ActiveRun {
  readonly held: HeldRun;
  readonly log: RunLog;
  readonly #abort = new AbortController();
  #stop_reason: StopReason | null = null;

  constructor(held: HeldRun, log: RunLog) {
    this.held = held;
    this.log = log;
  }

  /** Fires when the run is to end. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get stop_reason(): StopReason | null {
    return this.#stop_reason;
  }

  /** The first reason counts. */
  stop(reason: StopReason): void {
    if (this.#stop_reason !== null) return;
    this.#stop_reason = reason;
    this.#abort.abort();
  }
}

export interface TurnsDeps {
  db: Db;
  bus: Bus;
  events: RunEvents;
  metrics: TurnMetrics;
  log: Logger;
}

/** The turns of one process: which run here, that they stay its own, and where others read what they tell. */
export class Turns {
  /** By which this process holds its runs. */
  readonly lease_owner = newId();
  readonly events: RunEvents;
  readonly metrics: TurnMetrics;
  readonly #deps: TurnsDeps;
  readonly #running = new Map<string, { run: ActiveRun; ended: Promise<void> }>();
  readonly #over = new LRUCache<string, ActiveRun>({ max: MAX_KEPT, ttl: KEPT_MS });
  readonly #starting = new Map<string, { request_hash: string; started: Promise<unknown> }>();
  /** Fires when this process stops: whoever reads here is to read elsewhere. */
  readonly #stopping = new AbortController();
  readonly #renewal: NodeJS.Timeout;
  readonly #unsent = new Map<string, { held: HeldRun; events: LoggedEvent[] }>();
  #sending: NodeJS.Timeout | undefined;
  #is_draining = false;
  #renewing = false;

  constructor(deps: TurnsDeps) {
    this.#deps = deps;
    this.events = deps.events;
    this.metrics = deps.metrics;
    this.#renewal = setInterval(() => void this.#renew(), RENEW_MS);
    this.#renewal.unref();
  }

  get count(): number {
    return this.#running.size;
  }

  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Throws `turn.draining` or `turn.busy` when this process takes no more. */
  assertOpen(): void {
    const code = this.#is_draining ? 'turn.draining' : this.#running.size >= MAX_RUNNING ? 'turn.busy' : null;
    if (code === null) return;
    this.metrics.refused(code);
    throw new AppError('unavailable', code, 'Another replica can answer this.', { retry_after_ms: 1_000 });
  }

  /** Of two requests with one key at a time, one starts the turn, and the other has what it has. Throws `turn.key_reused`. */
  async startOnce<T>(key: string, request_hash: string, start: () => Promise<T>): Promise<T> {
    const known = this.#starting.get(key);
    if (known) {
      if (known.request_hash === request_hash) return known.started as Promise<T>;
      throw new AppError('conflict', 'turn.key_reused', 'This Idempotency-Key was used for another message.');
    }
    const started = start();
    this.#starting.set(key, { request_hash, started });
    try {
      return await started;
    } finally {
      this.#starting.delete(key);
    }
  }

  /** When no turn is being begun here any more, or `most_ms` later. */
  async calm(most_ms: number): Promise<void> {
    const until = performance.now() + most_ms;
    do await sleep(CALM_POLL_MS);
    while (this.#starting.size > 0 && performance.now() < until);
  }

  /** Runs `work` until its end, whoever listens. `work` must not reject. */
  run(held: HeldRun, work: (run: ActiveRun) => Promise<void>): ActiveRun {
    const run = new ActiveRun(held, new RunLog(held.attempt, (event) => this.#publish(held, event)));
    const deadline = setTimeout(() => run.stop('deadline'), DEADLINE_MS);
    const ended = work(run)
      .catch((err: unknown) => this.#deps.log.error({ err, run_id: held.run_id }, 'a turn failed in an unforeseen way'))
      .finally(() => {
        clearTimeout(deadline);
        run.log.close();
        this.#running.delete(held.run_id);
        if (run.log.is_done) this.#over.set(held.run_id, run);
      });
    this.#running.set(held.run_id, { run, ended });
    return run;
  }

  /** A run of this person's that is here. */
  find(user_id: string, run_id: string): ActiveRun | undefined {
    const run = this.#running.get(run_id)?.run;
    return run?.held.user_id === user_id ? run : undefined;
  }

  /** One that came to its answer here a minute ago. Of any other end it is not known whether another attempt followed. */
  findDone(user_id: string, run_id: string): ActiveRun | undefined {
    const run = this.#over.get(run_id);
    return run?.held.user_id === user_id ? run : undefined;
  }

  /** Takes no more turns, lets those that run finish for `patience_ms`, and ends the rest, so that a retry can begin them anew. */
  async drain(patience_ms: number): Promise<void> {
    this.#is_draining = true;
    await this.#ended(patience_ms);
    for (const { run } of this.#running.values()) run.stop('interrupted');
    await this.#ended(END_MS);
    this.#send();
    this.#stopping.abort('stopping');
  }

  /** Waits for all that run now, but no longer than that. */
  async #ended(patience_ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => (timer = setTimeout(resolve, patience_ms)));
    await Promise.race([Promise.all([...this.#running.values()].map(({ ended }) => ended)), patience]);
    clearTimeout(timer);
  }

  close(): void {
    clearInterval(this.#renewal);
    clearTimeout(this.#sending);
  }

  /** To readers elsewhere, some milliseconds later and together: whoever reads here is not to wait for it. */
  #publish(held: HeldRun, event: LoggedEvent): void {
    const known = this.#unsent.get(held.run_id);
    if (known) known.events.push(event);
    else this.#unsent.set(held.run_id, { held, events: [event] });
    // The end goes at once: who has it may delete what was told, and nothing is to come after that.
    if (isLast(event)) this.#send();
    else this.#sending ??= setTimeout(() => this.#send(), SEND_MS);
  }

  #send(): void {
    clearTimeout(this.#sending);
    this.#sending = undefined;
    const unsent = [...this.#unsent.values()];
    this.#unsent.clear();
    for (const { held, events } of unsent) {
      const { user_id, run_id } = held;
      this.events.append(run_id, events);
      for (const { index, json } of events) {
        const frame = `{"type":"agent","run_id":"${run_id}","index":${index},"event":${json}}`;
        this.#deps.bus.publish(meChannel(user_id), { kind: 'agent', user_id, frame });
      }
    }
  }

  async #renew(): Promise<void> {
    if (this.#renewing || this.#running.size === 0) return;
    this.#renewing = true;
    const asked = [...this.#running.keys()];
    try {
      const kept = await renewTurns(this.#deps.db, {
        lease_owner: this.lease_owner,
        run_ids: asked,
        lease_ms: LEASE_MS,
      });
      const by_id = new Map(kept.map((row) => [row.run_id, row]));
      for (const run_id of asked) {
        const row = by_id.get(run_id);
        const run = this.#running.get(run_id)?.run;
        if (!row) run?.stop('superseded');
        else if (row.is_cancelled) run?.stop('cancelled');
      }
    } catch (err) {
      this.#deps.log.warn({ err }, 'turns could not be renewed');
    } finally {
      this.#renewing = false;
    }
  }
}
