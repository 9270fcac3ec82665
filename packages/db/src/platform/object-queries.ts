import { callOne, type Queryable } from '../client.ts';

/*
 * What the sweeper of files asks, as job_user. Each call is one batch: `limit` rows at most.
 */

/** A batch reads the blocks of many canvases: nobody waits for it, and it must get through. */
const BATCH_TIMEOUT_MS = 8_000;

async function one<T>(db: Queryable, text: string, params: unknown[]): Promise<T> {
  const [row] = await db.call<T>(text, params, { timeout_ms: BATCH_TIMEOUT_MS });
  if (row === undefined) throw new Error(`no row from: ${text}`);
  return row;
}

/** Takes away rows of uploads that never came; how many. */
export async function sweepPendingAttachments(db: Queryable, limit: number): Promise<number> {
  const { count } = await one<{ count: number }>(db, 'select app.sweep_pending_attachments($1) as count', [limit]);
  return count;
}

/** Looks at files that were not looked at for a day; those that nothing refers to for 30 days are gone. */
export function sweepUnreferencedAttachments(
  db: Queryable,
  limit: number,
): Promise<{ checked: number; removed: number }> {
  return one(db, 'select * from app.sweep_unreferenced_attachments($1)', [limit]);
}

/** Ends transfers that nobody works on, and lets go of files past their time; how many. */
export async function sweepTransfers(db: Queryable, limit: number): Promise<number> {
  const { count } = await one<{ count: number }>(db, 'select app.sweep_transfers($1) as count', [limit]);
  return count;
}

/** Keys of objects that no row names any more. They come again later unless they are forgotten. */
export async function claimReleasedObjects(db: Queryable, limit: number): Promise<string[]> {
  const rows = await db.call<{ object_key: string }>('select object_key from app.claim_released_objects($1)', [limit]);
  return rows.map(({ object_key }) => object_key);
}

/** They are deleted in the store. */
export async function forgetReleasedObjects(db: Queryable, keys: readonly string[]): Promise<void> {
  await db.call('select app.forget_released_objects($1)', [keys]);
}

/** Objects that wait to be deleted and could be by now. */
export async function countReleasedObjects(db: Queryable): Promise<number> {
  const { count } = await callOne<{ count: number }>(db, 'select app.count_released_objects() as count', []);
  return count;
}
