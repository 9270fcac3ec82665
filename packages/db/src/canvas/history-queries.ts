import type { Queryable } from '../client.ts';
import { SUBTREE_TIMEOUT_MS, type CanvasScope } from './queries.ts';
import type { BlockVersionRow, TrashRow } from './rows.ts';

export interface HistoryPage extends CanvasScope {
  block_id: string;
  /** The last version read; null at the beginning. */
  before_version: number | null;
  /** Held to 1..200. */
  limit: number;
}

/**
 * Versions of a block, newest first; fewer than `limit` also where their events are large. `next` is the `before_version` of
 * the page after, null at the end. Throws `canvas.forbidden`
 * (editors may), `block.not_found`.
 */
export async function getBlockHistory(
  db: Queryable,
  input: HistoryPage,
): Promise<{ items: BlockVersionRow[]; next: number | null }> {
  const { user_id, canvas_id, block_id, before_version, limit } = input;
  const rows = await db.call<{ entry: BlockVersionRow; has_older: boolean }>(
    'select entry, has_older from app.get_block_history($1, $2, $3, $4, $5)',
    [user_id, canvas_id, block_id, before_version, limit],
  );
  const last = rows.at(-1);
  return { items: rows.map(({ entry }) => entry), next: last?.has_older ? last.entry.version : null };
}

export interface TrashPage extends CanvasScope {
  /** Where the last page ended; both null at the beginning. */
  cursor_deleted_at: string | null;
  cursor_id: string | null;
  limit: number;
}

/** What was deleted by name and is in the trash still, last first. Throws `canvas.forbidden` (editors may). */
export async function listTrash(db: Queryable, input: TrashPage): Promise<TrashRow[]> {
  const params = [input.user_id, input.canvas_id, input.cursor_deleted_at, input.cursor_id, input.limit];
  const rows = await db.call<{ item: TrashRow }>('select item from app.list_trash($1, $2, $3, $4, $5)', params);
  return rows.map(({ item }) => item);
}

/**
 * One batch of what has been in the trash for 30 days: up to `limit` blocks of one canvas for good, each after its content was
 * taken out of the events (`erased` of them were rewritten). Null when there is nothing to do. For jobs.
 */
export async function purgeTrash(
  db: Queryable,
  { limit, request_id, except = [] }: { limit: number; request_id: string; except?: readonly string[] },
): Promise<{ canvas_id: string; purged: number; erased: number } | null> {
  const [row] = await db.call<{ canvas_id: string; purged: number; erased: number }>(
    'select * from app.purge_trash($1, $2, $3)',
    [limit, request_id, except],
    { timeout_ms: SUBTREE_TIMEOUT_MS },
  );
  return row ?? null;
}

/**
 * One batch of what blocks that have moved to another canvas left in the events of one: up to `limit` of their versions. Null
 * when there is nothing to do. For jobs.
 */
export async function purgeDeparted(
  db: Queryable,
  { limit }: { limit: number },
): Promise<{ canvas_id: string; erased: number } | null> {
  const [row] = await db.call<{ canvas_id: string; erased: number }>('select * from app.purge_departed($1)', [limit], {
    timeout_ms: SUBTREE_TIMEOUT_MS,
  });
  return row ?? null;
}

/**
 * One batch of thinning: up to `limit` old events of the first canvas from `from_canvas_id` on (null: of all) that has some.
 * The next batch begins where this one was. Null when there is none. For jobs.
 */
export async function thinHistory(
  db: Queryable,
  { from_canvas_id, limit }: { from_canvas_id: string | null; limit: number },
): Promise<{ canvas_id: string; thinned: number } | null> {
  const [row] = await db.call<{ canvas_id: string; thinned: number }>(
    'select * from app.thin_history($1, $2)',
    [from_canvas_id, limit],
    { timeout_ms: SUBTREE_TIMEOUT_MS },
  );
  return row ?? null;
}
