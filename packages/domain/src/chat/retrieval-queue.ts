import type { Db } from '@potentia/db/client';

/**
 * Retrievals that one process has under way. Each sends half a dozen statements at once, and nobody waits for them while the judge is
 * at work: more of them would only stand before the statements that somebody does wait for.
 */
const MAX_RUNNING = 3;

interface Queue {
  running: number;
  waiting: (() => void)[];
}

const by_db = new WeakMap<Db, Queue>();

/** Runs a retrieval when it is its turn, in the order in which they came. Throws what `work` does, and when `signal` has fired. */
export async function inRetrievalQueue<T>(db: Db, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const queue = by_db.get(db) ?? { running: 0, waiting: [] };
  by_db.set(db, queue);
  if (queue.running < MAX_RUNNING) queue.running += 1;
  else await new Promise<void>((resolve) => queue.waiting.push(resolve));
  try {
    signal.throwIfAborted();
    return await work();
  } finally {
    // A place goes from hand to hand.
    const next = queue.waiting.shift();
    if (next) next();
    else queue.running -= 1;
  }
}
