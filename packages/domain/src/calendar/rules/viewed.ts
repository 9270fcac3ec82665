import { placeLocal } from './busy-status.ts';
import { expandSeries } from './expand.ts';
import { effectiveResponse, type GuestResponse, type OccurrenceResponse } from './responses.ts';
import type { ScheduleRole } from './roles.ts';
import type { LocalTime, Series } from './series.ts';
import { parseLocal, toInstant } from './zones.ts';

/** No zone is further from UTC: what wall clocks of any zone mean is at most this far from the same wall clock read as UTC. */
export const FURTHEST_ZONE_MS = 14 * 3_600_000;

type Status = 'confirmed' | 'tentative' | 'cancelled';
type Transparency = 'opaque' | 'transparent';

/** What an occurrence that differs shows; null: as the series has it. */
export interface OverrideContent {
  recurrence_id: LocalTime;
  title: string | null;
  location: string | null;
  status: Status | null;
  transparency: Transparency | null;
  duration_seconds: number | null;
  /** False: not what was searched for. */
  has_words: boolean | null;
}

/** A schedule as one person sees it. */
export interface ViewedSchedule {
  calendar_id: string;
  schedule_id: string;
  /** Null: they see no more than that somebody is busy. */
  role: ScheduleRole | null;
  title: string | null;
  location: string | null;
  color: string | null;
  status: Status;
  transparency: Transparency;
  visibility: 'default' | 'private';
  organiser_user_id: string;
  is_all_day: boolean;
  time_zone: string | null;
  duration_seconds: number;
  is_recurring: boolean;
  has_words: boolean | null;
  response: GuestResponse | null;
  responses: OccurrenceResponse[] | null;
  overrides: OverrideContent[] | null;
}

/** One occurrence as one person sees it. Epoch milliseconds. */
export interface ViewedOccurrence {
  schedule: ViewedSchedule;
  override: OverrideContent | null;
  /** A wall clock, read as UTC, like all that is `local`. */
  recurrence_local: number;
  /** Of floating and all-day ones in the zone of whoever looks. */
  starts_at: number;
  ends_at: number;
  /** Null: `starts_at` says it, in the schedule's zone. */
  starts_local: number | null;
}

/** What of a schedule is looked at. Epoch milliseconds, `to` exclusive. */
export interface Cut {
  from: number;
  to: number;
  /** What began before it, too; false: what begins from then on. */
  is_begun_included: boolean;
  /** Of whoever looks. */
  time_zone: string;
}

/** The occurrences among instances that were stored: their starts, and the wall clocks that the rule gives them. */
export function viewInstances(
  schedule: ViewedSchedule,
  instances: { starts: readonly number[]; recurrences: readonly number[] },
  cut: Cut,
): ViewedOccurrence[] {
  const place = placer(schedule, cut);
  const found: ViewedOccurrence[] = [];
  for (const [n, starts] of instances.starts.entries()) {
    const occurrence = place(instances.recurrences[n] ?? starts, starts, null);
    if (occurrence) found.push(occurrence);
  }
  return found;
}

/** The same, expanded from the series. Throws `BudgetExceeded`. */
export function viewSeries(schedule: ViewedSchedule, series: Series, cut: Cut): ViewedOccurrence[] {
  const place = placer(schedule, cut);
  const margin = schedule.time_zone === null ? FURTHEST_ZONE_MS : 0;
  return expandSeries(series, { from: cut.from - margin, to: cut.to + margin }).flatMap(
    ({ recurrence_id, starts_at, ends_at }) => place(parseLocal(recurrence_id), starts_at, ends_at) ?? [],
  );
}

type Place = (recurrence_local: number, starts: number, ends: number | null) => ViewedOccurrence | null;

/** Makes an occurrence of its times, as stored; null: it is not in the cut, or is nothing to be shown. */
function placer(schedule: ViewedSchedule, { from, to, is_begun_included, time_zone }: Cut): Place {
  const overrideOf = findByName(schedule, schedule.overrides);
  const is_wall_clock = schedule.time_zone === null;
  const is_plain_shown = isShown(schedule, null);
  return (recurrence_local, starts, ends) => {
    const override = overrideOf(recurrence_local) ?? null;
    if (!(override ? isShown(schedule, override) : is_plain_shown)) return null;
    const until = ends ?? starts + (override?.duration_seconds ?? schedule.duration_seconds) * 1000;
    let [starts_at, ends_at] = [starts, until];
    if (is_wall_clock) [starts_at, ends_at] = placeLocal(starts, until, time_zone);
    if (starts_at >= to || (starts_at < from && !(is_begun_included && ends_at > from))) return null;
    return { schedule, override, recurrence_local, starts_at, ends_at, starts_local: is_wall_clock ? starts : null };
  };
}

/**
 * Finds what belongs to an occurrence by the wall clock that the rule gives it. Names are the same when they are the same instant:
 * what other calendars call an occurrence that the clocks skip is not always what we do.
 */
export function findByName<T extends { recurrence_id: LocalTime }>(
  { time_zone }: { time_zone: string | null },
  rows: readonly T[] | null,
): (recurrence_local: number) => T | undefined {
  if (rows === null || rows.length === 0) return () => undefined;
  const instantOf = (local: number): number => (time_zone === null ? local : toInstant(local, time_zone));
  const byInstant = new Map(rows.map((row) => [instantOf(parseLocal(row.recurrence_id)), row]));
  return (recurrence_local) => byInstant.get(instantOf(recurrence_local));
}

function isShown(schedule: ViewedSchedule, override: OverrideContent | null): boolean {
  if (schedule.role === null && !isBusy(schedule, override)) return false;
  return (override ?? schedule).has_words !== false;
}

/** Whether an occurrence takes somebody's time. */
export const isBusy = (
  schedule: { status: Status; transparency: Transparency },
  override: { status: Status | null; transparency: Transparency | null } | null | undefined,
): boolean =>
  (override?.status ?? schedule.status) !== 'cancelled' &&
  (override?.transparency ?? schedule.transparency) === 'opaque';

/** What the person has answered to this occurrence; null: they are no guest. */
export const responseTo = (
  { response, responses }: Pick<ViewedSchedule, 'response' | 'responses'>,
  recurrence_id: LocalTime,
): GuestResponse | null =>
  response && responses ? effectiveResponse({ response }, responses, recurrence_id) : response;
