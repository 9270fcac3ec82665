import { DAY_MS } from './civil.ts';
import { parseLocal, printLocal } from './local-time.ts';
import { readFields } from './rule-fields.ts';
import { type Budget, BudgetExceeded, STEP_BUDGET } from './scan-output.ts';
import { ALL_TIME, instantOf, startsOf, zoneOfSeries } from './series-starts.ts';
import type { LocalTime, Occurrence, Override, Series, Window } from './series.ts';
import type { Zone } from './zones.ts';

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

/** Whether an occurrence is in a window. */
type IsIn = (starts_at: number, ends_at: number, window: Window) => boolean;

const overlaps: IsIn = (starts_at, ends_at, { from, to }) =>
  starts_at < to && (ends_at > from || (ends_at === starts_at && starts_at >= from));

const startsIn: IsIn = (starts_at, _ends_at, { from, to }) => starts_at < to && starts_at >= from;

function expand(series: Series, window: Window, isIn: IsIn, options: ExpandOptions): Occurrence[] {
  const { budget = STEP_BUDGET, limit = Infinity } = options;
  const steps: Budget = { steps: budget };
  const { is_all_day, overrides } = series;
  const duration = series.duration_seconds * 1_000;
  // An occurrence that ends when the window begins is not in it.
  const before = isIn === startsIn ? 0 : Math.max(duration - 1, 0);
  const from = window.from - before;
  const starts = startsOf(series, { from, to: window.to }, steps, limit + overrides.length);
  const { locals, instants } = starts;
  if (overrides.length > 0) return override(series, window, isIn, { from, steps, ...starts }).slice(0, limit);
  const size = Math.min(instants.length, limit);
  const occurrences = new Array<Occurrence>(size);
  for (let at = 0; at < size; at++) {
    const starts_at = instants[at] as number;
    const recurrence_id = printLocal(locals[at] as number, is_all_day);
    occurrences[at] = { recurrence_id, starts_at, ends_at: starts_at + duration, is_override: false };
  }
  return occurrences;
}

/** What was found by the rule: everything from one instant until before another. */
interface Found {
  locals: number[];
  instants: number[];
  from: number;
  until: number;
  steps: Budget;
}

/** What was found, with overrides in place, and with what they move into the window. */
function override(series: Series, window: Window, isIn: IsIn, { locals, instants, ...found }: Found): Occurrence[] {
  const zone = zoneOfSeries(series);
  const overrides = overridesByInstant(series, zone);
  const duration = series.duration_seconds * 1_000;
  const occurrences: Occurrence[] = [];
  const seen = new Set<number>();
  const add = (occurrence: Occurrence | null): void => {
    if (occurrence && isIn(occurrence.starts_at, occurrence.ends_at, window)) occurrences.push(occurrence);
  };
  for (const [at, starts_at] of instants.entries()) {
    const differs = overrides.get(starts_at);
    if (differs) {
      seen.add(starts_at);
      add(overridden(series, zone, starts_at, differs));
    } else {
      const recurrence_id = printLocal(locals[at] as number, series.is_all_day);
      add({ recurrence_id, starts_at, ends_at: starts_at + duration, is_override: false });
    }
  }
  const moved: { instant: number; occurrence: Occurrence }[] = [];
  for (const [instant, differs] of overrides) {
    // What lies where we looked and was not found is no occurrence.
    if (seen.has(instant) || (instant >= found.from && instant < found.until)) continue;
    const occurrence = overridden(series, zone, instant, differs);
    if (occurrence && isIn(occurrence.starts_at, occurrence.ends_at, window)) moved.push({ instant, occurrence });
  }
  if (moved.length > 0) {
    const real = keepOccurring(
      series,
      moved.map(({ instant }) => instant),
      found.steps,
    );
    for (const { instant, occurrence } of moved) if (real.has(instant)) occurrences.push(occurrence);
  }
  return occurrences.sort(byStart);
}

const byStart = (a: Occurrence, b: Occurrence): number =>
  a.starts_at - b.starts_at || (a.recurrence_id < b.recurrence_id ? -1 : a.recurrence_id > b.recurrence_id ? 1 : 0);

function overridesByInstant(series: Series, zone: Zone | null): Map<number, Override> {
  const overrides = new Map<number, Override>();
  for (const each of series.overrides) overrides.set(instantOf(zone, parseLocal(each.recurrence_id)), each);
  return overrides;
}

/** The occurrence that an override makes of the one that starts at an instant; null: none. */
function overridden(series: Series, zone: Zone | null, instant: number, differs: Override): Occurrence | null {
  const { recurrence_id, is_cancelled, starts_local, duration_seconds } = differs;
  if (is_cancelled) return null;
  const starts_at = starts_local === null ? instant : instantOf(zone, parseLocal(starts_local));
  const ends_at = starts_at + (duration_seconds ?? series.duration_seconds) * 1_000;
  return { recurrence_id, starts_at, ends_at, is_override: true };
}

/** Looked for at once: what lies so near together. */
const NEAR = 32 * DAY_MS;

/** Those of some instants at which an occurrence starts by rule and RDATEs that no EXDATE takes away. */
function keepOccurring(series: Series, instants: number[], steps: Budget): Set<number> {
  const sorted = [...instants].sort((a, b) => a - b);
  // With COUNT each look begins at the start of the series: one does for all.
  const near = series.rrule?.includes('COUNT=') ? Infinity : NEAR;
  const found = new Set<number>();
  for (let at = 0; at < sorted.length;) {
    const from = sorted[at] as number;
    let last = from;
    while (at < sorted.length && (sorted[at] as number) - last <= near) last = sorted[at++] as number;
    for (const instant of startsOf(series, { from, to: last + 1 }, steps).instants) found.add(instant);
  }
  return found;
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

/** The first occurrence that starts after an instant (of floating series: a wall clock); null: none. Throws BudgetExceeded. */
export function nextOccurrence(series: Series, after: number): Occurrence | null {
  const last = ALL_TIME.to;
  let from = Math.max(after + 1, ALL_TIME.from);
  for (let days = 64; from < last; days *= 8) {
    const to = Math.min(from + days * DAY_MS, last);
    const [next] = expand(series, { from, to }, startsIn, { limit: 1 });
    if (next) return next;
    from = to;
  }
  return null;
}

/** Instants are within a day of the wall clock of whoever looks. */
const FLOATING_MARGIN = DAY_MS;

/**
 * From the start of the first occurrence to the end of the last; `last_at` null: endless. Of floating and all-day series a day wider on
 * each side. A series without any occurrence is where its first would be. Throws BudgetExceeded.
 */
export function seriesBounds(series: Series): { first_at: number; last_at: number | null } {
  const margin = series.time_zone === null ? FLOATING_MARGIN : 0;
  const [first] = expandSeries(series, ALL_TIME, { limit: 1 });
  const starts_at = first?.starts_at ?? instantOf(zoneOfSeries(series), parseLocal(series.starts_local));
  const first_at = starts_at - margin;
  const rule = series.rrule === null ? null : readFields(series.rrule);
  if (rule && rule.count === null && rule.until === null) return { first_at, last_at: null };
  const last_at = first
    ? lastEnd(series, first.starts_at, rule?.until?.ms ?? null)
    : starts_at + series.duration_seconds * 1_000;
  return { first_at, last_at: last_at + margin };
}

/** When the last occurrence ends. With UNTIL it is looked for from there backwards, in steps that grow. */
function lastEnd(series: Series, first: number, until: number | null): number {
  for (let days = 64; until !== null && until - days * DAY_MS > first; days *= 8) {
    const found = expandSeries(series, { from: until - days * DAY_MS, to: ALL_TIME.to });
    if (found.length > 0) return latestEnd(found);
  }
  return latestEnd(expandSeries(series, ALL_TIME));
}

const latestEnd = (occurrences: Occurrence[]): number =>
  occurrences.reduce((latest, { ends_at }) => Math.max(latest, ends_at), -Infinity);
