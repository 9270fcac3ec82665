import { parseLocal, printLocal } from './local-time.ts';
import { noneLost } from './keep-named.ts';
import {
  type Lost,
  type PlannedOverride,
  type PlannedSchedule,
  PlanRefused,
  type SchedulePatch,
} from './plan-types.ts';
import { checkYears, firstStart, liveSeries } from './series-frame.ts';
import type { LocalTime, Series } from './series.ts';
import { isEmptyOverride } from './shift-series.ts';
import { toInstant, toLocal } from './zones.ts';
import { unchangedOccurrence } from './unchanged-occurrence.ts';

const CONTENT = ['title', 'description', 'location', 'url', 'status', 'transparency'] as const;

/** Dates that one series can leave out. */
const MAX_EXDATES = 5_000;

/**
 * One occurrence with the patch applied to it alone: an override, merged onto the one that it had; when nothing differs from the
 * series any more, there is none. Throws `schedule.not_per_occurrence` for what only a whole series has.
 */
export function changeOccurrence(current: PlannedSchedule, patch: SchedulePatch, name: LocalTime): PlannedSchedule {
  checkPerOccurrence(current, patch);
  const had = current.overrides.find((row) => row.recurrence_id === name);
  const override: PlannedOverride = { ...(had ?? unchangedOccurrence(name)) };
  for (const key of CONTENT)
    if (patch[key] !== undefined) Object.assign(override, { [key]: own(patch[key], current[key]) });
  const starts_local = startIn(current, patch, override.starts_local ?? name);
  if (starts_local !== null) override.starts_local = starts_local === name ? null : starts_local;
  if (patch.duration_seconds !== undefined) {
    const is_own = patch.duration_seconds !== current.duration_seconds;
    override.duration_seconds = is_own ? patch.duration_seconds : null;
  }
  if (patch.ics_properties !== undefined) override.ics_properties = patch.ics_properties;
  const others = current.overrides.filter((row) => row.recurrence_id !== name);
  const changed = { ...current, overrides: isEmptyOverride(override) ? others : sortByName([...others, override]) };
  checkYears(changed);
  return changed;
}

const sortByName = (rows: PlannedOverride[]): PlannedOverride[] =>
  rows.toSorted((a, b) => (a.recurrence_id < b.recurrence_id ? -1 : 1));

/** Null: as the series has it. A text that the series has and this occurrence does not is empty. */
function own(wanted: string | null, of_series: string | null): string | null {
  if (wanted === of_series) return null;
  return wanted ?? '';
}

const OF_SERIES = ['color', 'visibility', 'organiser_user_id', 'is_all_day', 'rrule', 'rdates', 'exdates'] as const;

function checkPerOccurrence(current: PlannedSchedule, patch: SchedulePatch): void {
  for (const key of OF_SERIES) {
    if (patch[key] === undefined || JSON.stringify(patch[key]) === JSON.stringify(current[key])) continue;
    throw new PlanRefused('invalid', 'schedule.not_per_occurrence', `Only a whole series has its ${key}.`, `/${key}`);
  }
  if (patch.time_zone === undefined || patch.time_zone === current.time_zone) return;
  if (patch.time_zone === null || current.time_zone === null) {
    throw new PlanRefused(
      'invalid',
      'schedule.not_per_occurrence',
      'Only a whole series begins or ceases to have a time zone.',
      '/time_zone',
    );
  }
}

/** The occurrence's start on the clock of its series; null: it stays. In another zone the same wall clock is another time. */
function startIn({ time_zone, is_all_day }: Series, patch: SchedulePatch, now: LocalTime): LocalTime | null {
  if (patch.starts_local === undefined && patch.time_zone === undefined) return null;
  const local = parseLocal(patch.starts_local ?? now);
  const zone = patch.time_zone ?? time_zone;
  if (zone === null || time_zone === null || zone === time_zone) return printLocal(local, is_all_day);
  return printLocal(toLocal(toInstant(local, zone), time_zone), is_all_day);
}

/** A series without one of its occurrences, and without what hung on that one. Null: nothing is left of the series. */
export function dropOccurrence(
  current: PlannedSchedule,
  name: LocalTime,
): { schedule: PlannedSchedule | null; lost: Lost } {
  if (current.exdates.length >= MAX_EXDATES) {
    throw new PlanRefused(
      'invalid',
      'schedule.too_many_exceptions',
      `A series leaves out at most ${MAX_EXDATES} dates.`,
    );
  }
  const isOther = (row: { recurrence_id: LocalTime | null; applies_to?: string }) =>
    row.recurrence_id !== name || (row.applies_to !== undefined && row.applies_to !== 'this');
  const lost = noneLost();
  const part = <Row extends { recurrence_id: LocalTime | null }>(rows: Row[], dropped: Row[]): Row[] => {
    dropped.push(...rows.filter((row) => !isOther(row)));
    return rows.filter(isOther);
  };
  const schedule: PlannedSchedule = {
    ...current,
    exdates: [...new Set([...current.exdates, name])].toSorted(),
    overrides: part(current.overrides, lost.overrides),
    responses: part(current.responses, lost.responses),
    reminders: part(current.reminders, lost.reminders).map((row) => ({
      ...row,
      skips: row.skips.filter((skipped) => skipped !== name),
    })),
  };
  return { schedule: firstStart(liveSeries(schedule)) === null ? null : schedule, lost };
}
