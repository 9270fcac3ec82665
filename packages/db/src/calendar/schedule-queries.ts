import { currentTraceparent } from '@potentia/config/telemetry';
import { callOne, type Queryable } from '../client.ts';
import type { ScheduleDetailRow, ScheduleRow } from './rows.ts';

/** Who asks for which schedule. Who may not see it gets `schedule.not_found` from every query, who may not do it `schedule.forbidden`. */
export interface ScheduleScope {
  user_id: string;
  schedule_id: string;
}

const traceparent = (): string | null => currentTraceparent() ?? null;

/** What a new schedule of this calendar (null: of the caller's own) goes by. Throws `calendar.not_found`, `calendar.forbidden` (editors may). */
export function prepareSchedule(
  db: Queryable,
  { user_id, calendar_id }: { user_id: string; calendar_id: string | null },
): Promise<{ calendar_id: string; time_zone: string; is_exclusive: boolean }> {
  return callOne(db, 'select * from app.prepare_schedule($1, $2)', [user_id, calendar_id]);
}

/** One row of schedule_bookings. ISO 8601. */
export interface BookingRow {
  recurrence_id: string;
  starts_at: string;
  ends_at: string;
}

export interface NewSchedule {
  user_id: string;
  calendar_id: string;
  schedule_id: string;
  /** By column, first_at and last_at among them. */
  fields: object;
  /** What it takes of an exclusive calendar; null where the calendar is none. */
  bookings: BookingRow[] | null;
  request_id: string;
}

/**
 * Throws `calendar.not_found`, `calendar.forbidden`, `calendar.full`, `schedule.booked`, `schedule.overlaps_itself`,
 * `calendar.changed` (it became exclusive meanwhile).
 */
export async function createSchedule(db: Queryable, input: NewSchedule): Promise<ScheduleDetailRow> {
  const { schedule } = await callOne<{ schedule: ScheduleDetailRow }>(
    db,
    'select app.create_schedule($1, $2, $3, $4, $5, $6, $7) as schedule',
    [
      input.user_id,
      input.calendar_id,
      input.schedule_id,
      input.fields,
      input.bookings,
      input.request_id,
      traceparent(),
    ],
  );
  return schedule;
}

export async function getSchedule(db: Queryable, { user_id, schedule_id }: ScheduleScope): Promise<ScheduleDetailRow> {
  const params = [user_id, schedule_id];
  return (await callOne<{ schedule: ScheduleDetailRow }>(db, 'select app.get_schedule($1, $2) as schedule', params))
    .schedule;
}

export interface ScheduleList {
  user_id: string;
  calendar_id: string;
  /** The last one read. */
  cursor_id: string | null;
  limit: number;
}

/** In the order of their making. Throws `calendar.not_found`, `calendar.forbidden` (viewers may). */
export async function listSchedules(db: Queryable, input: ScheduleList): Promise<ScheduleRow[]> {
  const params = [input.user_id, input.calendar_id, input.cursor_id, input.limit];
  const rows = await db.call<{ schedule: ScheduleRow }>(
    'select schedule from app.list_schedules($1, $2, $3, $4)',
    params,
  );
  return rows.map(({ schedule }) => schedule);
}

export interface EditLoad extends ScheduleScope {
  /** The version that the edit was made on; null: any. */
  version: number | null;
  /** From If-Match; null: any. */
  expected_version: number | null;
  /** False only reads, for a dry run; true locks until the transaction ends. */
  locks: boolean;
  /** The calendar that it is to be moved to; null: it stays. */
  to_calendar_id: string | null;
}

export interface LoadedSchedule<Planned> {
  /** The schedule with everything that hangs on its occurrences. */
  schedule: Planned;
  version: number;
  calendar_id: string;
  /** Of the calendar in which it will stand. */
  time_zone: string;
  is_exclusive: boolean;
}

/**
 * What an edit is planned on. Throws `schedule.version_conflict` (conflict or precondition, with `current`); of the other calendar
 * `calendar.not_found`, `calendar.forbidden` (editors may), `schedule.other_workspace`.
 */
export async function loadScheduleForEdit<Planned>(db: Queryable, input: EditLoad): Promise<LoadedSchedule<Planned>> {
  const { loaded } = await callOne<{ loaded: LoadedSchedule<Planned> }>(
    db,
    'select app.load_schedule_for_edit($1, $2, $3, $4, $5, $6) as loaded',
    [input.user_id, input.schedule_id, input.version, input.expected_version, input.locks, input.to_calendar_id],
  );
  return loaded;
}

export interface PlanWrite extends ScheduleScope {
  /** The version that was loaded. */
  version: number;
  /** As the plan has them, each with first_at, last_at and bookings. */
  writes: object[];
  edit: { action: string; scope: string; recurrence_id: string | null };
  request_id: string;
}

export interface PlanApplied {
  /** Null: it is gone. */
  schedule: ScheduleDetailRow | null;
  /** What `following` made a schedule of its own. */
  cut_off: ScheduleDetailRow | null;
  /** People are to be told: there are outbox rows. */
  notified: boolean;
}

/** In the transaction that loaded the schedule. Throws `schedule.booked`, `calendar.full`, … as creating does. */
export function applySchedulePlan(db: Queryable, input: PlanWrite): Promise<PlanApplied> {
  return callOne(db, 'select * from app.apply_schedule_plan($1, $2, $3, $4, $5, $6, $7)', [
    input.user_id,
    input.schedule_id,
    input.version,
    input.writes,
    input.edit,
    input.request_id,
    traceparent(),
  ]);
}

export interface CalendarMove extends ScheduleScope {
  to_calendar_id: string;
  bookings: BookingRow[] | null;
  request_id: string;
}

/** With everything that hangs on it. Throws `schedule.uid_taken`, and what creating in the other calendar does. */
export async function moveScheduleToCalendar(db: Queryable, input: CalendarMove): Promise<ScheduleDetailRow> {
  const { schedule } = await callOne<{ schedule: ScheduleDetailRow }>(
    db,
    'select app.move_schedule_to_calendar($1, $2, $3, $4, $5, $6) as schedule',
    [input.user_id, input.schedule_id, input.to_calendar_id, input.bookings, input.request_id, traceparent()],
  );
  return schedule;
}
