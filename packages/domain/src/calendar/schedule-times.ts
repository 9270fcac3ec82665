import { invalidField } from '../platform/parse.ts';
import type { LocalTime, Series } from './rules/series.ts';
import { parseLocal, printLocal, toInstant } from './rules/zones.ts';
import { MAX_DURATION } from './schedule-schemas.ts';
import { fitsAllDay } from './time-schemas.ts';

const DAY_SECONDS = 86_400;

/** When something takes place, as a body says it. What is absent is not said. */
export interface GivenTimes {
  starts_local?: LocalTime | undefined;
  ends_local?: LocalTime | undefined;
  duration_seconds?: number | undefined;
  time_zone?: string | null | undefined;
  is_all_day?: boolean | undefined;
  rrule?: string | null | undefined;
  rdates?: LocalTime[] | undefined;
  exdates?: LocalTime[] | undefined;
}

/** What a body leaves out: the start of what it is about, and the zone and kind that it has. */
interface Known {
  starts_local: LocalTime;
  time_zone: string | null;
}

/** Throws `request.invalid` for a local time whose form is not that of the schedule, naming it. */
export function checkForms(times: GivenTimes, is_all_day: boolean): void {
  const message = is_all_day
    ? 'An all-day schedule has days without a time, such as 2026-03-01'
    : 'Needs a time of day, such as 2026-03-01T09:00:00';
  for (const field of ['starts_local', 'ends_local'] as const) {
    const text = times[field];
    if (text !== undefined && !fitsAllDay(text, is_all_day)) throw invalidField(`/${field}`, message);
  }
  for (const field of ['rdates', 'exdates'] as const) {
    const wrong = times[field]?.findIndex((text) => !fitsAllDay(text, is_all_day)) ?? -1;
    if (wrong >= 0) throw invalidField(`/${field}/${wrong}`, message);
  }
  if (is_all_day && typeof times.time_zone === 'string') {
    throw invalidField('/time_zone', 'An all-day schedule has no time zone: it is the same day everywhere');
  }
}

/**
 * Seconds from the start to the end that a body gives, or gives by `duration_seconds`; undefined when it gives neither.
 * Throws `request.invalid`.
 */
export function readDuration(times: GivenTimes, known: Known, is_all_day: boolean): number | undefined {
  const starts_local = times.starts_local ?? known.starts_local;
  const time_zone = is_all_day ? null : times.time_zone === undefined ? known.time_zone : times.time_zone;
  const field = times.ends_local === undefined ? '/duration_seconds' : '/ends_local';
  const seconds =
    times.ends_local === undefined
      ? times.duration_seconds
      : (instantOf(times.ends_local, time_zone) - instantOf(starts_local, time_zone)) / 1_000;
  if (seconds === undefined) return undefined;
  if (seconds < 0) throw invalidField(field, 'Is before the start');
  if (seconds > MAX_DURATION) throw invalidField(field, 'Lasts longer than 366 days');
  if (is_all_day && (seconds === 0 || seconds % DAY_SECONDS !== 0)) {
    throw invalidField(field, 'An all-day schedule lasts whole days, one at least; its end is exclusive');
  }
  return seconds;
}

/**
 * The times of a new schedule. Without an end an all-day one lasts a day. The rule is as it was given: `normaliseFor` comes next.
 * Throws `request.invalid`.
 */
export function readNewTimes(times: GivenTimes & { starts_local: LocalTime }, calendar_zone: string): Series {
  const is_all_day = times.is_all_day ?? !times.starts_local.includes('T');
  checkForms(times, is_all_day);
  const time_zone = is_all_day ? null : times.time_zone === undefined ? calendar_zone : times.time_zone;
  const known = { starts_local: times.starts_local, time_zone };
  const duration_seconds = readDuration(times, known, is_all_day) ?? (is_all_day ? DAY_SECONDS : undefined);
  if (duration_seconds === undefined) throw invalidField('/duration_seconds', 'Give ends_local or duration_seconds');
  return {
    starts_local: times.starts_local,
    time_zone,
    is_all_day,
    duration_seconds,
    rrule: times.rrule ?? null,
    rdates: unique(times.rdates),
    exdates: unique(times.exdates),
    overrides: [],
  };
}

/** Where an occurrence is now, or with null the first of its series, as a time of that kind. */
export function startOf(series: Series, recurrence_id: LocalTime | null, is_all_day: boolean): LocalTime {
  const override = series.overrides.find((row) => row.recurrence_id === recurrence_id);
  const local_ms = parseLocal(override?.starts_local ?? recurrence_id ?? series.starts_local);
  return printLocal(local_ms, is_all_day);
}

export const unique = (locals: LocalTime[] = []): LocalTime[] => [...new Set(locals)].toSorted();

const instantOf = (local: LocalTime, time_zone: string | null): number =>
  time_zone === null ? parseLocal(local) : toInstant(parseLocal(local), time_zone);
