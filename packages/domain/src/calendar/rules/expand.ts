import { DAY_MS } from './day-sets.ts';
import { readFields, type RuleFields } from './rule-fields.ts';
import { type Budget, BudgetExceeded, scanRule, STEP_BUDGET } from './scan-rule.ts';
import type { LocalTime, Occurrence, Override, Series, Window } from './series.ts';
import { parseLocal, printLocal, toInstant } from './zones.ts';

export { BudgetExceeded };

export interface ExpandOptions {
  /** Steps that it may take; `STEP_BUDGET` when not given. */
  budget?: number;
  /** Occurrences after which it stops: the first of the window, before overrides move any. */
  limit?: number;
}

/** Wall clock and instant are never further apart. */
const MAX_OFFSET = 26 * 3_600_000;

/**
 * Every occurrence of a series that overlaps a window (one without length: that starts in it), sorted by start: of rule and RDATEs,
 * without EXDATEs, with overrides in place of what they override. A RECURRENCE-ID that names no occurrence is passed over. Times on
 * the wall clock that collapse onto one instant are one occurrence. Throws BudgetExceeded.
 */
export function expandSeries(
  series: Series,
  window: Window,
  { budget = STEP_BUDGET, limit = Infinity }: ExpandOptions = {},
): Occurrence[] {
  const steps: Budget = { steps: budget };
  const overrides = byInstant(series);
  const duration = series.duration_seconds * 1_000;
  const occurrences: Occurrence[] = [];
  const seen = new Set<number>();
  walk(series, window.from - duration, window.to, steps, (local, instant) => {
    const override = overrides.size > 0 ? overrides.get(instant) : undefined;
    if (override) seen.add(instant);
    add(occurrences, window, occurrenceOf(series, local, instant, override));
    return occurrences.length < limit;
  });
  for (const [instant, override] of overrides) {
    // Moved into the window from outside it, or longer than its series.
    if (seen.has(instant) || override.is_cancelled) continue;
    const moved = occurrenceOf(series, parseLocal(override.recurrence_id), instant, override);
    if (moved && overlaps(moved, window) && isOccurrence(series, instant, steps)) occurrences.push(moved);
  }
  return occurrences.sort(byStart);
}

const byStart = (a: Occurrence, b: Occurrence): number =>
  a.starts_at - b.starts_at || (a.recurrence_id < b.recurrence_id ? -1 : a.recurrence_id > b.recurrence_id ? 1 : 0);

function add(occurrences: Occurrence[], window: Window, occurrence: Occurrence | null): void {
  if (occurrence && overlaps(occurrence, window)) occurrences.push(occurrence);
}

const overlaps = ({ starts_at, ends_at }: Occurrence, { from, to }: Window): boolean =>
  starts_at < to && (ends_at > from || (ends_at === starts_at && starts_at >= from));

/** The instant of a wall clock of a series; of all-day and floating ones the wall clock itself. */
const instantOf = ({ time_zone }: Series, local: number): number =>
  time_zone === null ? local : toInstant(local, time_zone);

function byInstant(series: Series): Map<number, Override> {
  const overrides = new Map<number, Override>();
  for (const override of series.overrides)
    overrides.set(instantOf(series, parseLocal(override.recurrence_id)), override);
  return overrides;
}

function occurrenceOf(
  series: Series,
  local: number,
  instant: number,
  override: Override | undefined,
): Occurrence | null {
  if (!override) {
    const ends_at = instant + series.duration_seconds * 1_000;
    return { recurrence_id: printLocal(local, series.is_all_day), starts_at: instant, ends_at, is_override: false };
  }
  if (override.is_cancelled) return null;
  const starts_at = override.starts_local === null ? instant : instantOf(series, parseLocal(override.starts_local));
  const ends_at = starts_at + (override.duration_seconds ?? series.duration_seconds) * 1_000;
  return { recurrence_id: override.recurrence_id, starts_at, ends_at, is_override: true };
}

type Visit = (local: number, instant: number) => boolean;

/**
 * Visits what rule and RDATEs give and EXDATEs leave, with starts in [from, to), each instant once; in order, but for RDATEs, which come
 * last. Overrides play no part. `visit` false ends it.
 */
function walk(series: Series, from: number, to: number, steps: Budget, visit: Visit): void {
  const excluded = new Set(series.exdates.map((text) => instantOf(series, parseLocal(text))));
  const done = new Set<number>();
  /** False: enough. */
  const take = (local: number, instant: number): boolean => {
    if (instant < from || instant >= to || excluded.has(instant) || done.has(instant)) return true;
    done.add(instant);
    return visit(local, instant);
  };
  const start = parseLocal(series.starts_local);
  const goes_on =
    series.rrule === null
      ? take(start, instantOf(series, start))
      : scanSeries(series, readFields(series.rrule), from, to, steps, take);
  if (!goes_on) return;
  for (const text of series.rdates) {
    const local = parseLocal(text);
    if (!take(local, instantOf(series, local))) return;
  }
}

/** The rule with its COUNT and UNTIL; false when `visit` ended it. What lies before `from` may be handed out or not. */
function scanSeries(series: Series, rule: RuleFields, from: number, to: number, budget: Budget, visit: Visit): boolean {
  const { time_zone } = series;
  const margin = time_zone === null ? 0 : MAX_OFFSET;
  let left = rule.count ?? Infinity;
  const start = parseLocal(series.starts_local);
  const scan = { rule, start, from: rule.count === null ? from - margin : -Infinity, to: to + margin, budget };
  const beyond = untilOf(series, rule);
  let goes_on = true;
  scanRule(scan, (local) => {
    // What is counted and lies far before the window needs no zone.
    if (local < from - margin && rule.until === null) return --left > 0;
    const instant = time_zone === null ? local : toInstant(local, time_zone);
    const over = beyond(local, instant);
    // In a gap the wall clock runs ahead of the instants: one that is a little too late can be followed by one that is not.
    if (over > 0) return over < DAY_MS;
    goes_on = visit(local, instant);
    return goes_on && --left > 0;
  });
  return goes_on;
}

/** By how much, in milliseconds, an occurrence is past UNTIL, which is inclusive: an instant, a wall clock, or a whole day. */
function untilOf(series: Series, { until }: RuleFields): (local: number, instant: number) => number {
  if (until === null) return () => 0;
  const { ms, kind } = until;
  if (kind === 'date') return (local) => local - ms - DAY_MS + 1;
  if (kind === 'local' || series.time_zone === null) return (local) => local - ms;
  return (_local, instant) => instant - ms;
}

/** Whether an occurrence starts at this instant by rule and RDATEs, and is not excluded. */
function isOccurrence(series: Series, instant: number, steps: Budget): boolean {
  let found = false;
  walk(series, instant, instant + 1, steps, () => {
    found = true;
    return false;
  });
  return found;
}

/** The occurrence that a recurrence_id names, as it stands with its override; null: none, or cancelled. Throws BudgetExceeded. */
export function findOccurrence(series: Series, recurrence_id: LocalTime): Occurrence | null {
  const instant = instantOf(series, parseLocal(recurrence_id));
  let found: Occurrence | null = null;
  walk(series, instant, instant + 1, { steps: STEP_BUDGET }, (local) => {
    found = occurrenceOf(series, local, instant, byInstant(series).get(instant));
    return false;
  });
  return found;
}

/** Years that are looked at for a next occurrence; no rule that we take has a longer pause. */
const NEXT_YEARS = 12;

/** The first occurrence that starts after an instant (of floating series: a wall clock); null: none. Throws BudgetExceeded. */
export function nextOccurrence(series: Series, after: number): Occurrence | null {
  let from = after + 1;
  for (let days = 64; days <= NEXT_YEARS * 366 * 2; days *= 4) {
    const to = after + days * DAY_MS;
    const next = expandSeries(series, { from, to }, { limit: 100 }).find(({ starts_at }) => starts_at > after);
    if (next) return next;
    from = to - 1;
  }
  return null;
}

/** Instants are within a day of the wall clock of whoever looks. */
const FLOATING_MARGIN = DAY_MS;

/**
 * From the start of the first occurrence to the end of the last; `last_at` null: endless. Of floating and all-day series a day wider on
 * each side. Not narrower than what `expandSeries` gives, and with COUNT or without a rule exact. Throws BudgetExceeded, and
 * RangeError where there is no occurrence at all.
 */
export function seriesBounds(series: Series): { first_at: number; last_at: number | null } {
  const rule = series.rrule === null ? null : readFields(series.rrule);
  const margin = series.time_zone === null ? FLOATING_MARGIN : 0;
  const from = instantOf(series, parseLocal(series.starts_local));
  const moved = series.overrides.flatMap((override) => {
    const occurrence = occurrenceOf(
      series,
      parseLocal(override.recurrence_id),
      instantOf(series, parseLocal(override.recurrence_id)),
      override,
    );
    return occurrence ? [occurrence] : [];
  });
  const rdates = series.rdates.map((text) => instantOf(series, parseLocal(text)));
  const first_at = Math.min(from, ...rdates, ...moved.map(({ starts_at }) => starts_at)) - margin;
  const duration = series.duration_seconds * 1_000;
  const last = rule === null ? from : lastStart(series, rule);
  if (last === null) return { first_at, last_at: null };
  const ends = [last, ...rdates].map((starts_at) => starts_at + duration);
  return { first_at, last_at: Math.max(...ends, ...moved.map(({ ends_at }) => ends_at)) + margin };
}

function lastStart(series: Series, rule: RuleFields): number | null {
  if (rule.count === null) {
    if (rule.until === null) return null;
    return rule.until.kind === 'instant'
      ? rule.until.ms
      : instantOf(series, rule.until.ms + (rule.until.kind === 'date' ? DAY_MS : 0));
  }
  let last = instantOf(series, parseLocal(series.starts_local));
  scanSeries(series, rule, -Infinity, Infinity, { steps: STEP_BUDGET }, (_local, instant) => {
    last = instant;
    return true;
  });
  return last;
}
