import { expandSeries, findOccurrence, nextOccurrence } from './expand.ts';
import type { PlannedReminder } from './plan-types.ts';
import type { LocalTime, Occurrence, Series } from './series.ts';
import { DAY_MS } from './series-frame.ts';
import { toInstant, toLocal } from './zones.ts';

/** When one person is reminded of which occurrences. */
export type ReminderRule = Omit<PlannedReminder, 'id' | 'user_id' | 'channels'>;

/** Epoch ms throughout, of all-day and floating occurrences too: what the person's zone makes of their wall clock. */
export interface DueReminder {
  recurrence_id: LocalTime;
  due_at: number;
  starts_at: number;
  ends_at: number;
}

/** Late by so much, in ms, it is sent at all events; later still only while the occurrence lasts. */
const LATE_MS = 3_600_000;
/** How far ahead the next occurrence is looked for, in ms. */
const AHEAD_MS = 2 * 366 * DAY_MS;
/** A first look, which most often finds it: the longest time before a start, and a week. */
const NEAR_MS = 36 * DAY_MS;
/** After the start by at most so much, in ms: the evening of the day, somewhere else on earth. */
const AFTER_START_MS = 40 * 3_600_000;
const MAX_CANDIDATES = 1_000;

/** When a reminder of an occurrence is due. `time_zone` is the person's. */
export function dueOf(rule: ReminderRule, series: Series, occurrence: Occurrence, time_zone: string): DueReminder {
  const is_local = series.is_all_day || series.time_zone === null;
  const instant = (at: number) => (is_local ? toInstant(at, time_zone) : at);
  const { recurrence_id } = occurrence;
  const [starts_at, ends_at] = [instant(occurrence.starts_at), instant(occurrence.ends_at)];
  if (rule.minutes_before !== null)
    return { recurrence_id, due_at: starts_at - rule.minutes_before * 60_000, starts_at, ends_at };
  const wall = is_local ? occurrence.starts_at : toLocal(starts_at, time_zone);
  const day = Math.floor(wall / DAY_MS) * DAY_MS - (rule.days_before ?? 0) * DAY_MS;
  return {
    recurrence_id,
    due_at: toInstant(day + timeOfDay(rule.local_time ?? '00:00:00'), time_zone),
    starts_at,
    ends_at,
  };
}

function timeOfDay(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.split(':').map(Number);
  return ((hours * 60 + minutes) * 60 + seconds) * 1_000;
}

/** Whether it is still worth sending: soon enough, or the occurrence has not ended. */
export const isTimely = ({ due_at, ends_at }: DueReminder, now: number): boolean =>
  now - due_at <= LATE_MS || ends_at > now;

/** Whether a reminder is of this occurrence. Local times of one schedule compare as text. */
export function appliesTo(rule: ReminderRule, recurrence_id: LocalTime): boolean {
  if (rule.skips.includes(recurrence_id)) return false;
  if (rule.until_recurrence_id !== null && recurrence_id >= rule.until_recurrence_id) return false;
  if (rule.recurrence_id === null) return true;
  return rule.applies_to === 'this' ? recurrence_id === rule.recurrence_id : recurrence_id >= rule.recurrence_id;
}

export interface Search {
  time_zone: string;
  now: number;
  /** What was due at this time or before is not reminded of any more. */
  silent_until: number;
  /** Was reminded of now: what is due at the same time for a later start comes next. */
  sent: DueReminder | null;
}

/** The reminder that is due next; `look_again`: there is none for long, though the series goes on. Null: never again. */
export function nextDue(
  rule: ReminderRule,
  series: Series,
  search: Search,
): DueReminder | { look_again: number } | null {
  const comes = (one: DueReminder) => isAfter(one, search) && isTimely(one, search.now);
  if (rule.applies_to === 'this' && rule.recurrence_id !== null) {
    const only = findOccurrence(series, rule.recurrence_id);
    const due = only && dueOf(rule, series, only, search.time_zone);
    return due && comes(due) ? due : null;
  }
  const from = Math.max(search.silent_until, search.now - LATE_MS) - AFTER_START_MS;
  for (const ahead of [NEAR_MS, AHEAD_MS]) {
    const found = expandSeries(series, { from, to: Math.max(from, search.now) + ahead }, { limit: MAX_CANDIDATES })
      .filter(({ recurrence_id }) => appliesTo(rule, recurrence_id))
      .map((occurrence) => dueOf(rule, series, occurrence, search.time_zone))
      .filter(comes);
    if (found.length > 0) return found.reduce((first, one) => (isBefore(one, first) ? one : first));
  }
  return goesOn(rule, series, search.now + AHEAD_MS) ? { look_again: search.now + AHEAD_MS / 2 } : null;
}

const isBefore = (one: DueReminder, other: DueReminder): boolean =>
  one.due_at < other.due_at || (one.due_at === other.due_at && one.starts_at < other.starts_at);

const isAfter = (one: DueReminder, { silent_until, sent }: Search): boolean =>
  one.due_at > silent_until || (sent !== null && one.due_at === sent.due_at && one.starts_at > sent.starts_at);

function goesOn(rule: ReminderRule, series: Series, after: number): boolean {
  const next = nextOccurrence(series, after);
  return next !== null && (rule.until_recurrence_id === null || next.recurrence_id < rule.until_recurrence_id);
}
