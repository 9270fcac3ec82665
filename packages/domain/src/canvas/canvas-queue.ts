import type { Db } from '@potentia/db/client';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';

/** One holds the lock of the canvas; the next is there already when it is let go. */
const MAX_RUNNING = 2;
const MAX_WAITING = 128;
/** Milliseconds in the queue. */
const MAX_WAIT_MS = 1_000;
const RETRY_AFTER_MS = 1_000;

interface CanvasQueue {
  running: number;
  waiting: (() => void)[];
}

/** By canvas, only while it is being written. */
const queues = new WeakMap<Db, Map<string, CanvasQueue>>();

/**
 * `fromDb` for work that takes the lock of a canvas. Whoever waits for that lock in Postgres holds one of the few
 * connections that all tenants of the process share, so of one canvas only two get there at a time; the others wait
 * here, in the order in which they came. Other processes are kept apart by the lock itself.
 * Throws `canvas.busy` (limit, nothing was done) when too many wait, or the turn does not come within a second.
 */
export async function writeCanvas<T>({ db }: Pick<Ctx, 'db'>, canvas_id: string, work: () => Promise<T>): Promise<T> {
  const leave = await enter(db, canvas_id);
  try {
    return await fromDb(work);
  } finally {
    leave();
  }
}

async function enter(db: Db, canvas_id: string): Promise<() => void> {
  const by_canvas = queues.get(db) ?? new Map<string, CanvasQueue>();
  queues.set(db, by_canvas);
  const queue = by_canvas.get(canvas_id) ?? { running: 0, waiting: [] };
  by_canvas.set(canvas_id, queue);
  if (queue.running < MAX_RUNNING) queue.running += 1;
  else await turn(queue);
  return () => {
    // A place goes from hand to hand, so that nobody who comes now overtakes those who wait.
    const next = queue.waiting.shift();
    if (next) return next();
    queue.running -= 1;
    if (queue.running === 0) by_canvas.delete(canvas_id);
  };
}

function turn({ waiting }: CanvasQueue): Promise<void> {
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

function busy(): AppError {
  const message = 'Too many change this canvas at once; try again soon';
  return new AppError('limit', 'canvas.busy', message, { retry_after_ms: RETRY_AFTER_MS });
}
