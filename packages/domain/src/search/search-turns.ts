import type { Db } from '@potentia/db/client';
import { AppError } from '../platform/errors.ts';

/** Of the connections that all tenants of a process share, searches hold at most so many. */
const MAX_RUNNING = 4;
const MAX_WAITING = 64;
/** Milliseconds. */
const MAX_WAIT_MS = 1_000;
const RETRY_AFTER_MS = 1_000;

interface Turns {
  running: number;
  waiting: (() => void)[];
}

const by_db = new WeakMap<Db, Turns>();

/**
 * Runs a search when it is its turn: one that reads much must not take the pool from everybody's edits. Throws
 * `search.busy` (limit) when too many wait, or the turn does not come within a second.
 */
export async function takeTurn<T>(db: Db, work: () => Promise<T>): Promise<T> {
  const turns = by_db.get(db) ?? { running: 0, waiting: [] };
  by_db.set(db, turns);
  if (turns.running < MAX_RUNNING) turns.running += 1;
  else await wait(turns.waiting);
  try {
    return await work();
  } finally {
    // A turn goes from hand to hand.
    const next = turns.waiting.shift();
    if (next) next();
    else turns.running -= 1;
  }
}

function wait(waiting: Turns['waiting']): Promise<void> {
  if (waiting.length >= MAX_WAITING) return Promise.reject(busy());
  return new Promise((resolve, reject) => {
    const go = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(() => {
      waiting.splice(waiting.indexOf(go), 1);
      reject(busy());
    }, MAX_WAIT_MS);
    waiting.push(go);
  });
}

const busy = (): AppError =>
  new AppError('limit', 'search.busy', 'Too many search at once; try again soon', { retry_after_ms: RETRY_AFTER_MS });
