import { currentTraceparent } from '@potentia/config/telemetry';
import { callOne, type Queryable } from '../client.ts';

interface CalendarRef {
  user_id: string;
  calendar_id: string;
}

/** The zone of a calendar, for who may import into it. Throws `calendar.not_found`, `calendar.forbidden`, `calendar.exclusive`. */
export async function beginImport(db: Queryable, { user_id, calendar_id }: CalendarRef): Promise<string> {
  const row = await callOne<{ zone: string }>(db, 'select app.begin_import($1, $2) as zone', [user_id, calendar_id]);
  return row.zone;
}

export interface ImportCounts {
  created: number;
  updated: number;
  unchanged: number;
}

/**
 * Writes schedules of a file by their UID; `items` are `IcsSchedule`s with `id`, `first_at` and `last_at`. One transaction.
 * Throws `calendar.not_found`, `calendar.forbidden` (editors may), `calendar.exclusive`, `calendar.full`.
 */
export function importSchedules(
  db: Queryable,
  { user_id, calendar_id, items, request_id }: CalendarRef & { items: object[]; request_id: string },
): Promise<ImportCounts> {
  const params = [user_id, calendar_id, JSON.stringify(items), request_id, currentTraceparent() ?? null];
  return callOne(db, 'select * from app.import_schedules($1, $2, $3, $4, $5)', params);
}

export interface ExportHead {
  calendar: { name: string; description: string | null; time_zone: string; color: string | null };
  /** Those that its schedules name. */
  time_zones: string[];
  /** Changes with everything that an export says. */
  stamp: string;
}

/** Throws `calendar.not_found`. */
export const openExport = (db: Queryable, { user_id, calendar_id }: CalendarRef): Promise<ExportHead> =>
  callOne(db, 'select * from app.open_export($1, $2)', [user_id, calendar_id]);

/** The next schedules of an export, as much of each as the reader may see; null: nothing. Throws `calendar.not_found`. */
export function exportSchedules<Item>(
  db: Queryable,
  { user_id, calendar_id, after_id, limit }: CalendarRef & { after_id: string | null; limit: number },
): Promise<{ id: string; item: Item | null }[]> {
  return db.call('select * from app.export_schedules($1, $2, $3, $4)', [user_id, calendar_id, after_id, limit]);
}

export interface FeedRow {
  calendar_id: string;
  created_at: string;
  last_read_at: string | null;
}

/** Throws `calendar.not_found`. */
export async function rotateFeed(
  db: Queryable,
  { user_id, calendar_id, token_hash, request_id }: CalendarRef & { token_hash: string; request_id: string },
): Promise<FeedRow> {
  const params = [user_id, calendar_id, token_hash, request_id];
  return (await callOne<{ feed: FeedRow }>(db, 'select app.rotate_feed($1, $2, $3, $4) as feed', params)).feed;
}

/** Throws `calendar.not_found`, `calendar.feed_not_found`. */
export async function getFeed(db: Queryable, { user_id, calendar_id }: CalendarRef): Promise<FeedRow> {
  return (await callOne<{ feed: FeedRow }>(db, 'select app.get_feed($1, $2) as feed', [user_id, calendar_id])).feed;
}

/** Throws `calendar.not_found`, `calendar.feed_not_found`. */
export async function revokeFeed(
  db: Queryable,
  { user_id, calendar_id, request_id }: CalendarRef & { request_id: string },
): Promise<void> {
  await db.call('select app.revoke_feed($1, $2, $3)', [user_id, calendar_id, request_id]);
}

/** Whose feed a token is. Throws `calendar.feed_not_found`: no such token, or they may no longer read the calendar. */
export const findFeed = (db: Queryable, { token_hash }: { token_hash: string }): Promise<CalendarRef> =>
  callOne(db, 'select * from app.find_feed($1)', [token_hash]);
