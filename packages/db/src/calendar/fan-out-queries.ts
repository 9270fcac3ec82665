import { callOne, type Queryable } from '../client.ts';

/* Whose instances subscriptions read, and what time changes of instances. As job_user. */

/** Milliseconds: a statement may write or look at many rows. */
const DEADLINE = { timeout_ms: 9_000 };

export interface FanOut {
  fan_out: 'each' | 'shared';
  /** Counts the changes of `fan_out`. */
  fan_out_version: number;
  /** All are to be turned over, the owner's too. */
  is_switching: boolean;
  /** Subscriptions that do not read yet what they are to. */
  pending: { user_id: string; created_at: string }[];
}

/** Rows for all above `limit` subscribers, for each again at `back` or below. Null: there is no such calendar. */
export async function chooseFanOut(
  db: Queryable,
  input: { calendar_id: string; limit: number; back: number },
): Promise<FanOut | null> {
  const { fan_out } = await callOne<{ fan_out: FanOut | null }>(
    db,
    'select app.choose_fan_out($1, $2, $3) as fan_out',
    [input.calendar_id, input.limit, input.back],
    DEADLINE,
  );
  return fan_out;
}

/** Copies what the owner's subscription reads to these readers, of schedules after `cursor_id`, some `rows` rows. */
export function copyInstances(
  db: Queryable,
  input: {
    calendar_id: string;
    fan_out_version: number;
    readers: string[];
    is_shared: boolean;
    cursor_id: string | null;
    rows: number;
  },
): Promise<{ is_current: boolean; next_id: string | null; written: number }> {
  return callOne(
    db,
    'select * from app.copy_instances($1, $2, $3, $4, $5, $6)',
    [input.calendar_id, input.fan_out_version, input.readers, input.is_shared, input.cursor_id, input.rows],
    DEADLINE,
  );
}

/** Lets these subscriptions (with shared rows: all) read what was written for them; how many. Null: `fan_out` has changed. */
export async function turnSubscriptions(
  db: Queryable,
  { calendar_id, fan_out_version, pending }: { calendar_id: string } & Pick<FanOut, 'fan_out_version' | 'pending'>,
): Promise<number | null> {
  const params = [
    calendar_id,
    fan_out_version,
    pending.map(({ user_id }) => user_id),
    pending.map(({ created_at }) => created_at),
  ];
  const text = 'select app.turn_subscriptions($1, $2, $3, $4) as turned';
  const { turned } = await callOne<{ turned: number | null }>(db, text, params, DEADLINE);
  return turned;
}

/** Deletes rows that nobody reads any more, up to `limit`, of up to `schedules` schedules after `cursor_id`. */
export function pruneCalendar(
  db: Queryable,
  input: { calendar_id: string; cursor_id: string | null; schedules: number; limit: number },
): Promise<{ next_id: string | null; deleted: number }> {
  return callOne(
    db,
    'select * from app.prune_calendar($1, $2, $3, $4)',
    [input.calendar_id, input.cursor_id, input.schedules, input.limit],
    DEADLINE,
  );
}

export interface ZoneRulesRow {
  time_zone: string;
  fingerprint: string;
  /** A change of it that was found is not through yet. */
  is_changing: boolean;
}

/** Zones in use that were last looked at before `before`, or by another tz database, or are changing. */
export function listZoneRules(
  db: Queryable,
  { tz_version, before }: { tz_version: string; before: string },
): Promise<ZoneRulesRow[]> {
  return db.call('select * from app.list_zone_rules($1, $2)', [tz_version, before], DEADLINE);
}

/** From now on nobody with other zone tables writes instances in this zone. */
export async function beginZoneChange(db: Queryable, zone: { time_zone: string; fingerprint: string }): Promise<void> {
  await db.call('select app.begin_zone_change($1, $2)', [zone.time_zone, zone.fingerprint], DEADLINE);
}

/** These were looked at, and what has changed of them is through. */
export async function finishZoneCheck(
  db: Queryable,
  { time_zones, tz_version }: { time_zones: string[]; tz_version: string },
): Promise<void> {
  await db.call('select app.finish_zone_check($1, $2)', [time_zones, tz_version], DEADLINE);
}

/** Of the `limit` schedules after `cursor_id`, has those in these zones expanded anew. */
export function uncoverZones(
  db: Queryable,
  input: { time_zones: string[]; tz_version: string; cursor_id: string | null; limit: number; request_id: string },
): Promise<{ next_id: string | null; uncovered: number }> {
  return callOne(
    db,
    'select * from app.uncover_zones($1, $2, $3, $4, $5)',
    [input.time_zones, input.tz_version, input.cursor_id, input.limit, input.request_id],
    DEADLINE,
  );
}

/** Of the `limit` schedules after `cursor_id` that have instances: those that are gone. */
export function listLeftInstances(
  db: Queryable,
  { cursor_id, limit }: { cursor_id: string | null; limit: number },
): Promise<{ next_id: string | null; gone: string[] }> {
  return callOne(db, 'select * from app.list_left_instances($1, $2)', [cursor_id, limit], DEADLINE);
}

/** Forgets up to `limit` tombstones of each kind; how many at most of one. */
export async function forgetTombstones(db: Queryable, input: { before: string; limit: number }): Promise<number> {
  const { forgotten } = await callOne<{ forgotten: number }>(
    db,
    'select app.forget_tombstones($1, $2) as forgotten',
    [input.before, input.limit],
    DEADLINE,
  );
  return forgotten;
}
