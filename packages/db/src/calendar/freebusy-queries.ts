import { callOne, type Queryable } from '../client.ts';
import type { ScheduleStatus, SeriesRow, Transparency } from './rows.ts';

type Response = 'needs_action' | 'accepted' | 'declined' | 'tentative';

/** A schedule that the caller expands, with what its occurrences do to one person. */
export interface BusySeriesRow {
  schedule_id: string;
  series: SeriesRow;
  status: ScheduleStatus;
  transparency: Transparency;
  /** Null: the person is no guest of it. */
  response: Response | null;
  responses: { recurrence_id: string; applies_to: 'this' | 'following'; response: Response }[];
}

export interface FreebusyRow {
  user_id: string;
  stamp: string;
  time_zone: string;
  /** Starts and ends in turn, seconds since 1970, as `1,2,3,4`; null: none. Merged, and not cut to the window. */
  busy: string | null;
  tentative: string | null;
  /** The same of floating and all-day occurrences: wall clocks read as UTC. */
  local_busy: string | null;
  local_tentative: string | null;
  series: BusySeriesRow[] | null;
}

/**
 * What a person's free/busy is worth as much as, for pairs of who asks and about whom: `seq.hash.zone`, where the zone is the person's;
 * empty for whom one may not ask about.
 */
export async function readFreebusyStamps(
  db: Queryable,
  { user_ids, person_ids }: { user_ids: readonly string[]; person_ids: readonly string[] },
): Promise<string[]> {
  // Ids need no quotes; the driver would look at each for some.
  const row = await callOne<{ stamps: string | null }>(db, 'select app.freebusy_stamps($1, $2) as stamps', [
    `{${user_ids.join(',')}}`,
    `{${person_ids.join(',')}}`,
  ]);
  return (row.stamps ?? '').split('\n');
}

export interface FreebusyQuery {
  user_id: string;
  user_ids: readonly string[];
  /** ISO 8601. */
  from: string;
  to: string;
  ignore_schedule_ids: readonly string[];
}

/** When these people are busy, with their stamps: of one snapshot. No row for whom the caller may not ask about. */
export function readFreebusy(db: Queryable, query: FreebusyQuery): Promise<FreebusyRow[]> {
  const { user_id, user_ids, from, to, ignore_schedule_ids } = query;
  return db.call('select * from app.read_freebusy($1, $2, $3, $4, $5)', [
    user_id,
    user_ids,
    from,
    to,
    ignore_schedule_ids,
  ]);
}

export interface BusyInstance {
  schedule_id: string;
  recurrence_id: string;
  /** Seconds since 1970; a wall clock read as UTC where `is_local`. */
  starts_at: number;
  ends_at: number;
  status: 'busy' | 'tentative';
  is_local: boolean;
}

export interface BusyRow {
  /** Which of the pairs, from 1. */
  n: number;
  time_zone: string;
  instances: BusyInstance[] | null;
  series: BusySeriesRow[] | null;
}

/** A person and a window in which to look for what makes them busy. ISO 8601. */
export interface BusyWindow {
  user_id: string;
  from: string;
  to: string;
}

/** The occurrences behind the busy time, for each window. What they are called only `nameOccurrences` tells. */
export function listBusy(
  db: Queryable,
  query: { user_id: string; windows: readonly BusyWindow[]; ignore_schedule_ids: readonly string[] },
): Promise<BusyRow[]> {
  const { user_id, windows, ignore_schedule_ids } = query;
  return db.call('select * from app.list_busy($1, $2, $3, $4, $5)', [
    user_id,
    windows.map((window) => window.user_id),
    windows.map(({ from }) => from),
    windows.map(({ to }) => to),
    ignore_schedule_ids,
  ]);
}

export interface NamedOccurrence {
  schedule_id: string;
  recurrence_id: string;
  title: string;
}

/** In the order asked for; null for what this person may not read. */
export async function nameOccurrences(
  db: Queryable,
  user_id: string,
  occurrences: readonly { schedule_id: string; recurrence_id: string }[],
): Promise<(NamedOccurrence | null)[]> {
  const rows = await db.call<{ named: NamedOccurrence | null }>(
    'select named from app.name_occurrences($1, $2, $3) order by n',
    [user_id, occurrences.map(({ schedule_id }) => schedule_id), occurrences.map(({ recurrence_id }) => recurrence_id)],
  );
  return rows.map(({ named }) => named);
}
