import { callOne, type Queryable } from '../client.ts';
import type { SeriesRow } from './rows.ts';

/*
 * What jobs do to schedule_instances, as job_user: see the SQL files 56 and 57. A statement writes many rows, so it has a deadline
 * of its own; Postgres ends a statement of a job after 10 s.
 */

/** Milliseconds. */
const DEADLINE = { timeout_ms: 9_000 };

/** What the expansion of one schedule needs. */
export interface ExpansionRow {
  workspace_id: string;
  calendar_id: string;
  /** Version of the set of occurrences. */
  sequence: number;
  /** Null: endless. */
  last_at: string | null;
  /** ISO 8601, `infinity` or `-infinity`; both -infinity: there is nothing to read yet. */
  materialised_from: string;
  materialised_until: string;
  /** The tz database that it was last expanded by. */
  tz_version: string | null;
  series: SeriesRow;
  /** Whose rows there are to be, in order. */
  readers: string[];
  /** Whether there are to be rows for all, too. */
  is_shared: boolean;
  /** What the zone of the series was last found to be; null: never looked at. */
  fingerprint: string | null;
}

/** Null: there is no such schedule. */
export async function readExpansion(db: Queryable, schedule_id: string): Promise<ExpansionRow | null> {
  const { expansion } = await callOne<{ expansion: ExpansionRow | null }>(
    db,
    'select app.read_expansion($1) as expansion',
    [schedule_id],
    DEADLINE,
  );
  return expansion;
}

/** Occurrences as columns, in the order of their starts. */
export interface InstanceColumns {
  /** Local times. */
  recurrence_ids: string[];
  /** ISO 8601. */
  starts: string[];
  ends: string[];
  overrides: boolean[];
}

/** What work on the instances of a schedule began with: it is wanted as long as this is so. */
export interface ExpansionState {
  schedule_id: string;
  sequence: number;
  /** The materialised_until. */
  since: string;
  /** Of the zone of the series, by our zone tables; null: it has none. */
  fingerprint: string | null;
}

export interface InstanceChunk extends ExpansionState, InstanceColumns {
  readers: string[];
  is_shared: boolean;
  /** ISO 8601 or ±infinity: the window, of which the columns are all occurrences that meet it. */
  from: string;
  until: string;
}

/** Makes the rows of these readers in the window what the columns say, if that is still wanted. */
export function writeInstances(
  db: Queryable,
  chunk: InstanceChunk,
): Promise<{ is_wanted: boolean; written: number; deleted: number }> {
  return callOne(
    db,
    'select * from app.write_instances($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)',
    [
      chunk.schedule_id,
      chunk.sequence,
      chunk.since,
      chunk.fingerprint,
      chunk.readers,
      chunk.is_shared,
      chunk.from,
      chunk.until,
      chunk.recurrence_ids,
      chunk.starts,
      chunk.ends,
      chunk.overrides,
    ],
    DEADLINE,
  );
}

export interface InstancesWritten extends ExpansionState {
  readers: string[];
  is_shared: boolean;
  from: string;
  until: string;
  /** The bounds by our zone tables, ISO 8601; null: there is no occurrence. */
  first_at: string | null;
  /** Null: endless, too. */
  last_at: string | null;
  tz_version: string;
}

export interface FinishedInstances {
  /** `missing`: these have no rows yet. `superseded`: by another worker, or a newer version. */
  state: 'covered' | 'missing' | 'superseded';
  missing: string[];
  is_shared_missing: boolean;
}

/** Opens the window for reading if everybody who reads has their rows. */
export function finishInstances(db: Queryable, done: InstancesWritten): Promise<FinishedInstances> {
  return callOne(
    db,
    'select * from app.finish_instances($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)',
    [
      done.schedule_id,
      done.sequence,
      done.since,
      done.readers,
      done.is_shared,
      done.from,
      done.until,
      done.first_at,
      done.last_at,
      done.tz_version,
      done.fingerprint,
    ],
    DEADLINE,
  );
}

/** Deletes up to `limit` rows of those who are no readers any more (of a schedule that is gone: of all); how many. */
export async function pruneInstances(db: Queryable, input: { schedule_id: string; limit: number }): Promise<number> {
  const { deleted } = await callOne<{ deleted: number }>(
    db,
    'select app.prune_instances($1, $2) as deleted',
    [input.schedule_id, input.limit],
    DEADLINE,
  );
  return deleted;
}

/** Deletes up to `limit` rows that ended before the window; how many. */
export async function trimInstances(db: Queryable, input: { schedule_id: string; limit: number }): Promise<number> {
  const { deleted } = await callOne<{ deleted: number }>(
    db,
    'select app.trim_instances($1, $2) as deleted',
    [input.schedule_id, input.limit],
    DEADLINE,
  );
  return deleted;
}

export interface HorizonRow {
  schedule_id: string;
  materialised_from: string;
}

/** Series whose window began at `before` or earlier, the earliest first, after `cursor`. */
export function listHorizons(
  db: Queryable,
  { before, cursor, limit }: { before: string; cursor: HorizonRow | null; limit: number },
): Promise<HorizonRow[]> {
  const params = [before, cursor?.materialised_from ?? null, cursor?.schedule_id ?? null, limit];
  return db.call<HorizonRow>('select * from app.list_horizons($1, $2, $3, $4)', params, DEADLINE);
}

/** Schedules that wait for their instances, after `cursor_id`. */
export function listUncovered(
  db: Queryable,
  { cursor_id, limit }: { cursor_id: string | null; limit: number },
): Promise<{ schedule_id: string }[]> {
  return db.call('select * from app.list_uncovered($1, $2)', [cursor_id, limit], DEADLINE);
}

export async function countUncovered(db: Queryable): Promise<number> {
  const { count } = await callOne<{ count: number }>(db, 'select app.count_uncovered() as count', []);
  return count;
}
