import { parseLocal } from './local-time.ts';
import { nextOccurrence } from './expand.ts';
import { type Hanging, keepNamed } from './keep-named.ts';
import {
  type Lost,
  type PlannedOverride,
  type PlannedSchedule,
  PlanRefused,
  type SchedulePatch,
} from './plan-types.ts';
import {
  bareSeries,
  checkYears,
  DAY_MS,
  firstStart,
  instantOf,
  liveSeries,
  rekeyer,
  type Rekey,
  ruleAlone,
} from './series-frame.ts';
import type { LocalTime, Series } from './series.ts';
import { shiftRule } from './shift-rule.ts';

export interface ChangedSeries {
  schedule: PlannedSchedule;
  lost: Lost;
  /** Wall clock between the names that occurrences had and have. */
  delta_ms: number;
}

/**
 * A series with the patch applied to all of it. `starts_local` is the new start of the occurrence `anchor`, or of the first: the
 * whole series moves by as much wall clock, and what hangs on its occurrences moves along. Another zone alone keeps the wall clock.
 * Without its rule it is once, at that occurrence.
 */
export function changeSeries(current: PlannedSchedule, patch: SchedulePatch, anchor: LocalTime | null): ChangedSeries {
  const is_all_day = patch.is_all_day ?? current.is_all_day;
  const begins = patch.rrule === null ? (anchor ?? firstName(current)) : current.starts_local;
  const anchor_ms = rekeyer(is_all_day, 0).ms(parseLocal(anchor ?? begins));
  const delta_ms = patch.starts_local === undefined ? 0 : parseLocal(patch.starts_local) - anchor_ms;
  const rekey = rekeyer(is_all_day, delta_ms);
  const { overrides: _overrides, ...times } = changeTimes(
    { ...current, starts_local: begins },
    patch,
    is_all_day,
    rekey,
  );
  const freed = freeAnchor(current.overrides, patch, anchor);
  const changed: PlannedSchedule = { ...current, ...patch, ...times, overrides: freed };
  if (sameTimes(current, changed))
    return { schedule: changed, lost: { overrides: [], responses: [], reminders: [] }, delta_ms };
  checkYears({ ...changed, overrides: [] });
  checkOccurrences(current, changed, patch);
  const hanging: Hanging = { overrides: freed, responses: current.responses, reminders: current.reminders };
  const { lost, ...kept } = keepNamed(changed, hanging, rekey, is_all_day !== current.is_all_day);
  const schedule = { ...changed, ...kept };
  checkYears(schedule);
  return { schedule, lost, delta_ms };
}

/** Once is when the first occurrence is that there still was. */
function firstName(current: Series): LocalTime {
  const first = firstStart(liveSeries(current));
  const named = first === null ? null : nextOccurrence(bareSeries(current), first - 1);
  return named?.recurrence_id ?? current.starts_local;
}

function changeTimes(current: Series, patch: SchedulePatch, is_all_day: boolean, rekey: Rekey): Series {
  const time_zone = is_all_day ? null : patch.time_zone === undefined ? current.time_zone : patch.time_zone;
  const starts_local = rekey.name(current.starts_local);
  const from = { ...current, local_ms: parseLocal(current.starts_local) };
  const to = { time_zone, is_all_day, local_ms: parseLocal(starts_local) };
  const own_rule = patch.rrule !== undefined && patch.rrule !== current.rrule;
  return {
    starts_local,
    time_zone,
    is_all_day,
    duration_seconds: patch.duration_seconds ?? durationOf(current, is_all_day),
    rrule: own_rule ? (patch.rrule ?? null) : current.rrule && shiftRule(current.rrule, from, to, rekey.ms),
    rdates: patch.rdates ?? renamed(current.rdates, rekey),
    exdates: patch.exdates ?? renamed(current.exdates, rekey),
    overrides: current.overrides,
  };
}

const renamed = (names: LocalTime[], rekey: Rekey): LocalTime[] => [...new Set(names.map((name) => rekey.name(name)))];

/** An hour that becomes a day is one day; a day that becomes a time, with nothing said, an hour. */
function durationOf(current: Series, is_all_day: boolean): number {
  if (is_all_day === current.is_all_day) return current.duration_seconds;
  return is_all_day ? Math.max(1, Math.ceil(current.duration_seconds / (DAY_MS / 1_000))) * (DAY_MS / 1_000) : 3_600;
}

/** What the patch says goes for the occurrence in whose name it is made, whatever it had of its own. */
function freeAnchor(overrides: PlannedOverride[], patch: SchedulePatch, anchor: LocalTime | null): PlannedOverride[] {
  if (anchor === null) return overrides;
  return overrides.flatMap((row) => {
    if (row.recurrence_id !== anchor) return [row];
    const freed = Object.fromEntries(Object.keys(patch).flatMap((key) => (key in row ? [[key, null]] : [])));
    const left = { ...row, ...freed };
    return isEmptyOverride(left) ? [] : [left];
  });
}

/** It says nothing that the series does not. */
export const isEmptyOverride = ({ recurrence_id: _name, is_cancelled, ...own }: PlannedOverride): boolean =>
  !is_cancelled && Object.values(own).every((value) => value === null);

const TIMES = ['starts_local', 'time_zone', 'is_all_day', 'duration_seconds', 'rrule', 'rdates', 'exdates'] as const;

/** Whether two series have the same occurrences for the same reasons, their overrides aside. */
export const sameTimes = (one: Series, other: Series): boolean =>
  TIMES.every((key) => JSON.stringify(one[key]) === JSON.stringify(other[key]));

/** A start that is not of the rule is refused, unless it was none before; and so is a series of nothing. */
function checkOccurrences(current: Series, changed: Series, patch: SchedulePatch): void {
  if (!startFits(changed) && startFits(current)) {
    throw new PlanRefused(
      'invalid',
      'schedule.start_not_in_rule',
      `The rule ${changed.rrule} does not give the start ${changed.starts_local}: change both so that they fit.`,
      patch.starts_local === undefined ? '/rrule' : '/starts_local',
    );
  }
  if (firstStart(bareSeries(changed)) === null) {
    const at = (['exdates', 'rrule', 'rdates'] as const).find((key) => patch[key] !== undefined);
    throw new PlanRefused(
      'invalid',
      'schedule.no_occurrence',
      'Nothing would be left of the series: delete it instead.',
      at === undefined ? null : `/${at}`,
    );
  }
}

const startFits = (series: Series): boolean =>
  series.rrule === null || firstStart(ruleAlone(series)) === instantOf(series, series.starts_local);
