import type { Queryable } from '../client.ts';
import type { ScheduleStatus, SeriesRow, Transparency } from './rows.ts';

/** What an occurrence that differs shows; null: as the series has it. */
export interface OverrideContentRow {
  recurrence_id: string;
  title: string | null;
  location: string | null;
  status: ScheduleStatus | null;
  transparency: Transparency | null;
  duration_seconds: number | null;
  /** Null: no words were asked for. */
  has_words: boolean | null;
}

interface ResponseRow {
  recurrence_id: string;
  applies_to: 'this' | 'following';
  response: GuestResponse;
}
type GuestResponse = 'needs_action' | 'accepted' | 'declined' | 'tentative';

/** A schedule as the person who asks sees it. */
export interface ViewedScheduleRow {
  calendar_id: string;
  schedule_id: string;
  /** Null: they see no more than that somebody is busy. */
  role: 'editor' | 'guest' | 'viewer' | null;
  /** Null without a role, like `location`. */
  title: string | null;
  location: string | null;
  color: string | null;
  status: ScheduleStatus;
  transparency: Transparency;
  visibility: 'default' | 'private';
  organiser_user_id: string;
  is_all_day: boolean;
  time_zone: string | null;
  duration_seconds: number;
  is_recurring: boolean;
  has_words: boolean | null;
  /** Their own; null: they are no guest. */
  response: GuestResponse | null;
  responses: ResponseRow[] | null;
  /** Those in the window at least. */
  overrides: OverrideContentRow[] | null;
}

/** Epoch milliseconds. */
export interface InstanceTimes {
  /** Of floating and all-day schedules the wall clock, read as UTC. */
  starts: number[];
  /** What the rule gives each of them: a wall clock, read as UTC. */
  recurrences: number[];
}

/** `instances`: those that overlap the window, in no order; null: to be expanded from `series`. */
export type ViewRow = ViewedScheduleRow & { instances: InstanceTimes | null; series: SeriesRow | null };

export interface View {
  /** Of the person who asks. */
  time_zone: string;
  schedules: ViewRow[];
}

export interface ViewInput {
  user_id: string;
  /** ISO 8601. What begins before it and ends in the window is in it. */
  from: string;
  to: string;
  /** Only what starts then or later; null: everything. */
  after: string | null;
  /** This calendar alone. Throws `calendar.not_found`. */
  calendar_id: string | null;
  include_hidden: boolean;
  /** In lower case; each stands in title, location or description. */
  words: string[] | null;
  max_instances: number;
  max_series: number;
}

type Raw = ViewedScheduleRow & {
  viewer_time_zone: string;
  is_cut: boolean;
  starts: Buffer | null;
  recurrences: Buffer | null;
  series: SeriesRow | null;
};

/** What somebody sees in a window, 14 hours wider on either side, for wall clocks of any zone. Null: there is more than `max_…`. */
export async function selectView(db: Queryable, input: ViewInput): Promise<View | null> {
  const rows = await db.call<Raw>('select * from app.view_schedules($1, $2, $3, $4, $5, $6, $7, $8, $9)', [
    input.user_id,
    input.from,
    input.to,
    input.after,
    input.calendar_id,
    input.include_hidden,
    input.words,
    input.max_instances,
    input.max_series,
  ]);
  const [first] = rows;
  if (first === undefined) throw new Error('app.view_schedules answers at least one row');
  if (first.is_cut) return null;
  const schedules: ViewRow[] = [];
  for (const row of rows) if (row.calendar_id) schedules.push(withTimes(row));
  return { time_zone: first.viewer_time_zone, schedules };
}

function withTimes(row: Raw): ViewRow {
  const { starts, recurrences } = row;
  const instances = starts && recurrences && { starts: readTimes(starts), recurrences: readTimes(recurrences) };
  return Object.assign(row as Omit<Raw, 'starts' | 'recurrences'>, { instances });
}

const EPOCH_OF_POSTGRES = Date.UTC(2000, 0, 1);

/** Times as Postgres sends them: microseconds since 2000 in 8 bytes each. */
function readTimes(bytes: Buffer): number[] {
  const times: number[] = new Array<number>(bytes.length / 8);
  for (let n = 0; n < times.length; n++) {
    const micros = bytes.readInt32BE(n * 8) * 0x1_0000_0000 + bytes.readUInt32BE(n * 8 + 4);
    times[n] = micros / 1000 + EPOCH_OF_POSTGRES;
  }
  return times;
}
