import { DAY_MS } from './civil.ts';
import { parseLocal, printLocal } from './local-time.ts';
import { applyOverrides, overridden, overridesByInstant } from './overrides.ts';
import { readFields } from './rule-fields.ts';
import { type Budget, BudgetExceeded, STEP_BUDGET } from './scan-output.ts';
import { ALL_TIME, instantOf, startsOf, zoneOfSeries } from './series-starts.ts';
import type { LocalTime, Occurrence, Series, Window } from './series.ts';

export { BudgetExceeded };

export interface ExpandOptions {
  /** Steps that it may take; `STEP_BUDGET` when not given. */
  budget?: number;
  /** Only so many, the first by start. */
  limit?: number;
}

/**
 * Every occurrence of a series that overlaps a window (one without length: that starts in it), sorted by start: of rule and RDATEs,
 * without EXDATEs, with overrides in place of what they override. An override whose recurrence_id names no occurrence is passed over,
 * also one that an EXDATE takes away. Throws BudgetExceeded.
 */
export function expandSeries(series: Series, window: Window, options: ExpandOptions = {}): Occurrence[] {
  return expand(series, window, overlaps, options);
}

/** The same of those that start in the window, however long they last. Throws BudgetExceeded. */
export function expandStarting(series: Series, window: Window, options: ExpandOptions = {}): Occurrence[] {
  return expand(series, window, startsIn, options);
}

/** How many start at an instant or later, of a series without overrides. Throws BudgetExceeded. */
export const countStarting = (series: Series, from: number): number =>
  startsOf(series, { ...ALL_TIME, from }, { steps: STEP_BUDGET }).instants.length;

type IsIn = (starts_at: number, ends_at: number, window: Window) => boolean;

const overlaps: IsIn = (starts_at, ends_at, { from, to }) =>
  starts_at < to && (ends_at > from || (ends_at === starts_at && starts_at >= from));

const startsIn: IsIn = (starts_at, _ends_at, { from, to }) => starts_at < to && starts_at >= from;

function expand(series: Series, window: Window, isIn: IsIn, options: ExpandOptions): Occurrence[] {
  const { budget = STEP_BUDGET, limit = Infinity } = options;
  const steps: Budget = { steps: budget };
  const { is_all_day, overrides } = series;
  const duration = series.duration_seconds * 1_000;
  // One that ends when the window begins is not in it.
  const from = window.from - (isIn === overlaps ? Math.max(duration - 1, 0) : 0);
  const { locals, instants, until } = startsOf(series, { from, to: window.to }, steps, limit + overrides.length);
  if (overrides.length > 0) {
    const isWanted = (starts_at: number, ends_at: number): boolean => isIn(starts_at, ends_at, window);
    return applyOverrides(series, { locals, instants, from, until }, isWanted, steps).slice(0, limit);
  }
  const size = Math.min(instants.length, limit);
  const occurrences = new Array<Occurrence>(size);
  for (let at = 0; at < size; at++) {
    const starts_at = instants[at] as number;
    const recurrence_id = printLocal(locals[at] as number, is_all_day);
    occurrences[at] = { recurrence_id, starts_at, ends_at: starts_at + duration, is_override: false };
  }
  return occurrences;
}

/** The occurrence that a recurrence_id names, as it stands with its override; null: none, or cancelled. Throws BudgetExceeded. */
export function findOccurrence(series: Series, recurrence_id: LocalTime): Occurrence | null {
  const zone = zoneOfSeries(series);
  const instant = instantOf(zone, parseLocal(recurrence_id));
  const { locals } = startsOf(series, { from: instant, to: instant + 1 }, { steps: STEP_BUDGET });
  const [local] = locals;
  if (local === undefined) return null;
  const differs = series.overrides.length > 0 ? overridesByInstant(series, zone).get(instant) : undefined;
  if (differs) return overridden(series, zone, instant, differs);
  const ends_at = instant + series.duration_seconds * 1_000;
  return { recurrence_id: printLocal(local, series.is_all_day), starts_at: instant, ends_at, is_override: false };
}

/** How far one looks first, in days, and by how much further then. */
const FIRST_LOOK = 64;
const FURTHER = 8;

/**
 * The first occurrences that start after an instant (of floating series: a wall clock), as many as are wanted or there are. Throws
 * BudgetExceeded.
 */
export function nextOccurrences(series: Series, after: number, wanted: number): Occurrence[] {
  const found: Occurrence[] = [];
  let from = Math.max(after + 1, ALL_TIME.from);
  for (let days = FIRST_LOOK; from < ALL_TIME.to && found.length < wanted; days *= FURTHER) {
    const to = Math.min(from + days * DAY_MS, ALL_TIME.to);
    found.push(...expandStarting(series, { from, to }, { limit: wanted - found.length }));
    from = to;
  }
  return found;
}

/** The first occurrence that starts after an instant (of floating series: a wall clock); null: none. Throws BudgetExceeded. */
export const nextOccurrence = (series: Series, after: number): Occurrence | null =>
  nextOccurrences(series, after, 1)[0] ?? null;

/** The last that starts before an instant; null: none. Throws BudgetExceeded. */
export function previousOccurrence(series: Series, before: number): Occurrence | null {
  let to = Math.min(before, ALL_TIME.to);
  for (let days = FIRST_LOOK; to > ALL_TIME.from; days *= FURTHER) {
    const from = Math.max(to - days * DAY_MS, ALL_TIME.from);
    const last = expandStarting(series, { from, to }).at(-1);
    if (last) return last;
    to = from;
  }
  return null;
}

/** Instants are within a day of the wall clock of whoever looks. */
const FLOATING_MARGIN = DAY_MS;

/**
 * From the start of the first occurrence to the end of the last; `last_at` null: endless. Of floating and all-day series a day wider on
 * each side. A series without any occurrence is where its first would be. Whoever writes it gives `WRITE_BUDGET`. Throws BudgetExceeded.
 */
export function seriesBounds(series: Series, budget = STEP_BUDGET): { first_at: number; last_at: number | null } {
  const margin = series.time_zone === null ? FLOATING_MARGIN : 0;
  const [first] = expandSeries(series, ALL_TIME, { limit: 1, budget });
  const starts_at = first?.starts_at ?? instantOf(zoneOfSeries(series), parseLocal(series.starts_local));
  const first_at = starts_at - margin;
  if (isEndless(series)) return { first_at, last_at: null };
  const last = starts_at + series.duration_seconds * 1_000;
  const ends = endOf(series, expandSeries, budget).reduce(
    (latest, { ends_at }) => Math.max(latest, ends_at),
    -Infinity,
  );
  return { first_at, last_at: (ends === -Infinity ? last : ends) + margin };
}

/** The occurrence that starts last; null: there is none, or always another. Throws BudgetExceeded. */
export const lastOccurrence = (series: Series): Occurrence | null =>
  isEndless(series) ? null : (endOf(series, expandStarting).at(-1) ?? null);

function isEndless({ rrule }: Series): boolean {
  if (rrule === null) return false;
  const { count, until } = readFields(rrule);
  return count === null && until === null;
}

/** The last occurrences of a series with an end. They are looked for from there backwards, in steps that grow. */
function endOf(series: Series, find: typeof expandSeries, budget = STEP_BUDGET): Occurrence[] {
  const { until } = series.rrule === null ? { until: null } : readFields(series.rrule);
  // Of COUNT, and of a rule that is none, it is the last of all starts.
  const end = until?.ms ?? startsOf(series, ALL_TIME, { steps: budget }).instants.at(-1);
  for (let days = FIRST_LOOK; end !== undefined; days *= FURTHER) {
    const from = end - days * DAY_MS;
    if (from <= ALL_TIME.from) break;
    const found = find(series, { from, to: ALL_TIME.to });
    if (found.length > 0) return found;
  }
  return find(series, ALL_TIME);
}
