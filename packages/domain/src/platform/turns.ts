import type { Db } from '@potentia/db/client';
import type { Actor } from './ctx.ts';
import { AppError } from './errors.ts';

/** One holds the lock; the next is there already when it is let go. */
const MAX_RUNNING = 2;
const MAX_WAITING = 128;
/** Of one person, so that none takes all places. */
const MAX_WAITING_EACH = 64;
/** Milliseconds in the queue. */
const MAX_WAIT_MS = 1_000;
const RETRY_AFTER_MS = 1_000;

interface Waiting {
  actor_id: string;
  go: () => void;
}

interface Queue {
  running: number;
  waiting: Waiting[];
}

/** By what is written, only while it is. */
const queues = new WeakMap<Db, Map<string, Queue>>();

export interface Turn {
  db: Db;
  actor: Actor;
  /** What is written: whatever has one lock in Postgres has one name. */
  key: string;
  /** Asked of whoever would have to wait: throws as the work itself would for somebody who may not see it. */
  assertAccess: () => Promise<void>;
  /** The error when too many wait: its code and what it says. */
  busy: { code: string; message: string };
}

/**
 * Runs work that takes a lock in Postgres. Whoever waits for it there holds one of the few connections that all tenants of the
 * process share, so of one lock only two get there at a time; the others wait here, in the order in which they came. Other processes
 * are kept apart by the lock itself. Whoever would have to wait is asked first whether they may: a stranger is told what a stranger
 * is told, however busy it is. Throws `busy` (limit, nothing was done) when too many wait, or too many of one person's writes, or
 * the turn does not come within a second.
 */
export async function inTurn<T>(turn: Turn, work: () => Promise<T>): Promise<T> {
  const leave = await enter(turn);
  try {
    return await work();
  } finally {
    leave();
  }
}

async function enter({ db, actor, key, assertAccess, busy }: Turn): Promise<() => void> {
  const by_key = queues.get(db) ?? new Map<string, Queue>();
  queues.set(db, by_key);
  const isFull = (): boolean => (by_key.get(key)?.running ?? 0) >= MAX_RUNNING;
  const actor_id = actor.type === 'user' ? actor.user_id : actor.reason;
  if (isFull() && !by_key.get(key)?.waiting.some((one) => one.actor_id === actor_id)) await assertAccess();
  // Looked at again: it may have been let go meanwhile, and then its queue is another.
  const queue = by_key.get(key) ?? { running: 0, waiting: [] };
  by_key.set(key, queue);
  if (isFull()) await wait(queue, actor_id, busy);
  else queue.running += 1;
  return () => {
    // A place goes from hand to hand, so that nobody who comes now overtakes those who wait.
    const next = queue.waiting.shift();
    if (next) return next.go();
    queue.running -= 1;
    if (queue.running === 0) by_key.delete(key);
  };
}

function wait({ waiting }: Queue, actor_id: string, { code, message }: Turn['busy']): Promise<void> {
  const refusal = (): AppError => new AppError('limit', code, message, { retry_after_ms: RETRY_AFTER_MS });
  const of_actor = waiting.filter((one) => one.actor_id === actor_id).length;
  if (waiting.length >= MAX_WAITING || of_actor >= MAX_WAITING_EACH) return Promise.reject(refusal());
  return new Promise((resolve, reject) => {
    const place: Waiting = {
      actor_id,
      go() {
        clearTimeout(timer);
        resolve();
      },
    };
    const timer = setTimeout(() => {
      waiting.splice(waiting.indexOf(place), 1);
      reject(refusal());
    }, MAX_WAIT_MS);
    waiting.push(place);
  });
}
