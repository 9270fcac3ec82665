import type { Queryable } from '../client.ts';
import type { OverrideRow, ScheduleStatus, SeriesRow, Transparency } from './rows.ts';
import type { ViewedScheduleRow } from './view-queries.ts';

export interface SyncCalendarRow {
  calendar_id: string;
  role: 'freebusy' | 'viewer' | 'editor' | 'owner';
  /** How far its changes are counted. */
  seq: number;
  name: string;
  color: string | null;
  time_zone: string;
  is_hidden: boolean;
  /** What changed in it cannot be told apart: to be dropped, and read anew. */
  needs_reset: boolean;
}

export interface SyncHeads {
  viewer_time_zone: string;
  /** How far the changes for the person are counted that are none of a calendar. */
  head: number;
  /** The workspaces in which the person is, and those in which they are a guest of schedules of other calendars than theirs. */
  homes: string[];
  guest_homes: string[];
  /** Schedules that are gone since. */
  removed: string[];
  calendars: SyncCalendarRow[];
}

/** What the person had: calendars with the seq of each, and their own. */
export interface SyncKnown {
  calendar_ids: string[];
  seqs: number[];
  head: number;
}

export async function selectSyncHeads(db: Queryable, user_id: string, known: SyncKnown | null): Promise<SyncHeads> {
  const rows = await db.call<SyncCalendarRow & SyncHeads>('select * from app.sync_heads($1, $2, $3, $4)', [
    user_id,
    known?.calendar_ids ?? null,
    known?.seqs ?? null,
    known?.head ?? null,
  ]);
  const [first] = rows;
  if (first === undefined) throw new Error('app.sync_heads answers at least one row');
  const { viewer_time_zone, head, homes, guest_homes, removed } = first;
  const calendars = rows.filter(({ calendar_id }) => calendar_id);
  return { viewer_time_zone, head, homes, guest_homes, removed, calendars };
}

/** A schedule, with all that its occurrences follow from. */
export interface SyncScheduleRow extends Omit<ViewedScheduleRow, 'overrides' | 'has_words' | 'role' | 'title'> {
  /** It did not change, but may have occurrences that came into the window. */
  is_entered: boolean;
  role: 'editor' | 'guest' | 'viewer';
  title: string;
  description: string | null;
  url: string | null;
  version: number;
  overrides: OverrideRow[] | null;
  series: SeriesRow;
}

export interface SyncPageInput {
  user_id: string;
  calendar_ids: string[];
  /** Of each the seq after which; -1: all of it that is in the window. */
  since: number[];
  /** No more subscribed to. */
  lost_ids: string[];
  /** The same as `since`, of what the person is a guest of; null: nothing. */
  guests_since: number | null;
  from: string;
  to: string;
  /** Schedules that may have occurrences from then on, too; `to`: none. */
  entered_from: string;
  after_id: string | null;
  limit: number;
}

/** By id. */
export function selectSyncSchedules(db: Queryable, input: SyncPageInput): Promise<SyncScheduleRow[]> {
  return db.call('select * from app.sync_schedules($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)', [
    input.user_id,
    input.calendar_ids,
    input.since,
    input.lost_ids,
    input.guests_since,
    input.from,
    input.to,
    input.entered_from,
    input.after_id,
    input.limit,
  ]);
}

export interface SyncBusyRow {
  calendar_id: string;
  status: ScheduleStatus;
  transparency: Transparency;
  series: SeriesRow;
}

/** Of these calendars what the person sees no more of than that it makes busy. */
export function selectSyncBusy(
  db: Queryable,
  input: { user_id: string; calendar_ids: string[]; from: string; to: string; limit: number },
): Promise<SyncBusyRow[]> {
  return db.call('select * from app.sync_busy($1, $2, $3, $4, $5)', [
    input.user_id,
    input.calendar_ids,
    input.from,
    input.to,
    input.limit,
  ]);
}
