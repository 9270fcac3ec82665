import { forgetMails } from '@potentia/db/platform/mail-queries';
import { forgetIdempotencyKeys, forgetOldRows } from '@potentia/db/platform/queries';
import type { Ctx } from './ctx.ts';
import { fromDb } from './db-errors.ts';

/** The periodic job of what ends by time. */
export const PLATFORM_EXPIRE = 'platform.expire';

const BATCH = 1_000;
const MAX_BATCHES = 50;
const KEEP_MAILS_MS = 90 * 24 * 3_600_000;

/**
 * Forgets what nobody asks about any more: idempotency keys after their day, mails after 90, and other rows that are kept
 * for a time (`app.forget_old_rows`). In batches, as `inBatches`. How many it was of each.
 */
export async function forgetRecords({ db, clock }: Pick<Ctx, 'db' | 'clock'>): Promise<Record<string, number>> {
  const before = new Date(clock().getTime() - KEEP_MAILS_MS).toISOString();
  const keys = await inBatches((limit) => fromDb(() => forgetIdempotencyKeys(db, limit)));
  const mails = await inBatches((limit) => fromDb(() => forgetMails(db, before, limit)));
  const rows: Record<string, number> = {};
  await inBatches(async (limit) => {
    const forgotten = await fromDb(() => forgetOldRows(db, limit));
    for (const [kind, count] of Object.entries(forgotten)) rows[kind] = (rows[kind] ?? 0) + count;
    return Math.max(...Object.values(forgotten));
  });
  return { keys, mails, ...rows };
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
