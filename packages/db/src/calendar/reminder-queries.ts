import { callOne, type Queryable } from '../client.ts';
import type { SeriesRow } from './rows.ts';

/** `2026-03-01T09:00:00`, of an all-day schedule `2026-03-01`. */
type LocalTime = string;
type Scope = 'this' | 'following' | 'all';

export interface ReminderRow {
  id: string;
  schedule_id: string;
  applies_to: Scope;
  /** Null with `all`. */
  recurrence_id: LocalTime | null;
  /** It ends before this occurrence. */
  until_recurrence_id: LocalTime | null;
  skips: LocalTime[];
  /** Null: at `local_time`, `days_before` days before the day of the start, in the person's zone. */
  minutes_before: number | null;
  local_time: string | null;
  days_before: number | null;
  channels: ('in_app' | 'email')[];
  version: number;
  created_at: string;
  updated_at: string;
}

interface OfSchedule {
  user_id: string;
  schedule_id: string;
}

/**
 * One's own reminders of a schedule, the oldest first, and its series. `locks`: the schedule stays as it is until the transaction
 * ends. Throws `schedule.not_found`.
 */
export const listReminders = (
  db: Queryable,
  { user_id, schedule_id, locks }: OfSchedule & { locks: boolean },
): Promise<{ reminders: ReminderRow[]; series: SeriesRow }> =>
  callOne(db, 'select reminders, series from app.list_reminders($1, $2, $3)', [user_id, schedule_id, locks]);

/** A row as it is to be; `expected_version` null: a new one. */
export type WrittenReminder = Omit<ReminderRow, 'schedule_id' | 'version' | 'created_at' | 'updated_at'> & {
  expected_version: number | null;
};

export interface ReminderWrite extends OfSchedule {
  /** The one that is made, changed or deleted, for the audit log. */
  reminder_id: string;
  action: 'create' | 'update' | 'delete';
  deletes: { id: string; expected_version: number }[];
  rows: WrittenReminder[];
  /** Reminders that one person has of one schedule at most. */
  max: number;
  /** What the audit log says of the change. */
  after: object | null;
  request_id: string;
}

/**
 * Returns one's own reminders of the schedule. Throws `schedule.not_found`, `reminder.not_found`, `reminder.version_conflict` with
 * `current`, `reminder.too_many`.
 */
export async function writeReminders(db: Queryable, input: ReminderWrite): Promise<ReminderRow[]> {
  const { user_id, schedule_id, reminder_id, action, deletes, rows, max, after, request_id } = input;
  const row = await callOne<{ reminders: ReminderRow[] }>(
    db,
    'select app.write_own_reminders($1, $2, $3, $4, $5, $6, $7, $8, $9) as reminders',
    [user_id, schedule_id, reminder_id, action, deletes, rows, max, after, request_id],
  );
  return row.reminders;
}

type GuestResponse = 'needs_action' | 'accepted' | 'declined' | 'tentative';

/** A reminder that is due, with what decides whether it is sent. */
export interface DueReminderRow extends Omit<ReminderRow, 'version' | 'created_at' | 'updated_at'> {
  user_id: string;
  /** Null: it is to be worked out which is next. */
  next_recurrence_id: LocalTime | null;
  silent_until: string;
  /** Of the person. */
  time_zone: string;
  has_email: boolean;
  /** What the person may do with the schedule; null: they read it no longer. */
  role: string | null;
  /** The person's as a guest; null: they are none. */
  response: GuestResponse | null;
  responses: { recurrence_id: LocalTime; applies_to: 'this' | 'following'; response: GuestResponse }[];
}

export interface RemindedSchedule {
  workspace_id: string;
  calendar_id: string;
  title: string;
  location: string | null;
  status: 'confirmed' | 'tentative' | 'cancelled';
  series: SeriesRow;
  /** Of occurrences that have their own. */
  words: Record<LocalTime, { title: string | null; location: string | null }>;
}

export interface DueReminders {
  reminders: DueReminderRow[];
  schedules: Record<string, RemindedSchedule>;
}

/** Locks what it returns until the transaction ends; what another transaction has is passed over. Of job_user. */
export async function takeDueReminders(
  db: Queryable,
  { now, limit }: { now: string; limit: number },
): Promise<DueReminders> {
  const row = await callOne<{ taken: DueReminders }>(db, 'select app.take_due_reminders($1, $2) as taken', [
    now,
    limit,
  ]);
  return row.taken;
}

export interface SettledReminder {
  id: string;
  /** Null: never again. */
  next_at: string | null;
  next_recurrence_id: LocalTime | null;
  /** When what was sent now was due; null: nothing was. */
  last_at: string | null;
}

export interface ReminderMessage {
  topic: string;
  workspace_id: string;
  user_id: string;
  payload: object;
}

/** In the transaction that took them. Of job_user. */
export async function settleReminders(
  db: Queryable,
  { rows, messages, request_id }: { rows: SettledReminder[]; messages: ReminderMessage[]; request_id: string },
): Promise<void> {
  await db.call('select app.settle_reminders($1, $2, $3)', [rows, messages, request_id]);
}

export interface ReminderMailFacts {
  email: string;
  locale: string | null;
  time_zone: string;
  calendar_id: string;
  is_all_day: boolean;
  title: string;
  location: string | null;
}

/** Null: they no longer read the schedule, or it was called off. Of job_user. */
export async function getReminderMail(
  db: Queryable,
  { user_id, schedule_id, recurrence_id }: OfSchedule & { recurrence_id: LocalTime },
): Promise<ReminderMailFacts | null> {
  const row = await callOne<{ facts: ReminderMailFacts | null }>(
    db,
    'select app.get_reminder_mail($1, $2, $3) as facts',
    [user_id, schedule_id, recurrence_id],
  );
  return row.facts;
}
