import { getCanvasRole } from '@potentia/db/canvas/queries';
import type { Db } from '@potentia/db/client';
import type { Actor, Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';

/** One holds the lock of the canvas; the next is there already when it is let go. */
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

interface CanvasQueue {
  running: number;
  waiting: Waiting[];
}

/** By canvas, only while it is being written. */
const queues = new WeakMap<Db, Map<string, CanvasQueue>>();

/**
 * `fromDb` for work that takes the lock of a canvas. Whoever waits for that lock in Postgres holds one of the few
 * connections that all tenants of the process share, so of one canvas only two get there at a time; the others wait
 * here, in the order in which they came. Other processes are kept apart by the lock itself.
 * Whoever would have to wait is asked first whether they may see the canvas: a stranger gets `canvas.not_found`, however
 * busy it is. Throws `canvas.busy` (limit, nothing was done) when too many wait, or too many of one person's writes, or the
 * turn does not come within a second.
 */
export async function writeCanvas<T>(
  { db, actor }: Pick<Ctx, 'db' | 'actor'>,
  canvas_id: string,
  work: () => Promise<T>,
): Promise<T> {
  const leave = await enter(db, actor, canvas_id);
  try {
    return await fromDb(work);
  } finally {
    leave();
  }
}

async function enter(db: Db, actor: Actor, canvas_id: string): Promise<() => void> {
  const by_canvas = queues.get(db) ?? new Map<string, CanvasQueue>();
  queues.set(db, by_canvas);
  const isFull = (): boolean => (by_canvas.get(canvas_id)?.running ?? 0) >= MAX_RUNNING;
  const actor_id = actor.type === 'user' ? actor.user_id : actor.reason;
  if (isFull() && !by_canvas.get(canvas_id)?.waiting.some((one) => one.actor_id === actor_id)) {
    await assertAccess(db, actor, canvas_id);
  }
  // Looked at again: the canvas may have been let go meanwhile, and then its queue is another.
  const queue = by_canvas.get(canvas_id) ?? { running: 0, waiting: [] };
  by_canvas.set(canvas_id, queue);
  if (isFull()) await turn(queue, actor_id);
  else queue.running += 1;
  return () => {
    // A place goes from hand to hand, so that nobody who comes now overtakes those who wait.
    const next = queue.waiting.shift();
    if (next) return next.go();
    queue.running -= 1;
    if (queue.running === 0) by_canvas.delete(canvas_id);
  };
}

/** Throws as the work itself would for somebody without access. The system needs none. */
async function assertAccess(db: Db, actor: Actor, canvas_id: string): Promise<void> {
  if (actor.type === 'system') return;
  const role = await fromDb(() => getCanvasRole(db, { user_id: actor.user_id, canvas_id }));
  if (role === null) throw new AppError('not_found', 'canvas.not_found', 'There is no such canvas.');
}

function turn({ waiting }: CanvasQueue, actor_id: string): Promise<void> {
  const of_actor = waiting.filter((one) => one.actor_id === actor_id).length;
  if (waiting.length >= MAX_WAITING || of_actor >= MAX_WAITING_EACH) return Promise.reject(busy());
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
      reject(busy());
    }, MAX_WAIT_MS);
    waiting.push(place);
  });
}

function busy(): AppError {
  const message = 'Too many change this canvas at once; try again soon';
  return new AppError('limit', 'canvas.busy', message, { retry_after_ms: RETRY_AFTER_MS });
}
