import { forgetOldRows } from '@potentia/db/platform/queries';
import type { Ctx } from './ctx.ts';
import { fromDb } from './db-errors.ts';

/** The periodic job of what ends by time. */
export const PLATFORM_EXPIRE = 'platform.expire';

const BATCH = 1_000;
const MAX_BATCHES = 50;

/** Forgets rows whose time is over (`app.forget_old_rows`), in batches, as `inBatches`. How many it was of each kind. */
export async function forgetRecords({ db }: Pick<Ctx, 'db'>): Promise<Record<string, number>> {
  const total: Record<string, number> = {};
  await inBatches(async (limit) => {
    const counts = await fromDb(() => forgetOldRows(db, limit));
    for (const [kind, count] of Object.entries(counts)) total[kind] = (total[kind] ?? 0) + count;
    return Math.max(...Object.values(counts));
  });
  return total;
}

/**
 * Repeats `work`, which does at most `limit` things and says how many it did, until nothing is left or it was much: the
 * next run goes on. How many it was.
 */
export async function inBatches(work: (limit: number) => Promise<number>): Promise<number> {
  let count = 0;
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
    const done = await work(BATCH);
    count += done;
    if (done < BATCH) break;
  }
  return count;
}
