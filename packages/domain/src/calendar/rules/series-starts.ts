import { DAY_MS } from './civil.ts';
import { parseLocal } from './local-time.ts';
import { readFields, type RuleFields, type Until } from './rule-fields.ts';
import type { Budget } from './scan-output.ts';
import { scanRule } from './scan-rule.ts';
import type { Series, Window } from './series.ts';
import { type Zone, zoneOf } from './zones.ts';

/** No schedule is earlier or later; what is asked beyond is not there. Epoch milliseconds. */
export const ALL_TIME: Window = { from: Date.UTC(1899, 0, 1), to: Date.UTC(2102, 0, 1) };

/** Two wall clocks that a gap turns around are nearer than this many occurrences: at most 24 a day, and no gap is longer. */
const TURNED = 24;

/** Starts in order, each instant once: its wall clock and the instant itself, epoch milliseconds. */
export interface Starts {
  locals: number[];
  instants: number[];
  /** Before this instant nothing is missing. */
  until: number;
}

/** The instant of a wall clock of a series; of all-day and floating ones the wall clock itself. */
export const instantOf = (zone: Zone | null, local: number): number => (zone === null ? local : zone.toInstant(local));

export const zoneOfSeries = ({ time_zone }: Series): Zone | null => (time_zone === null ? null : zoneOf(time_zone));

/**
 * The starts from one instant until before another that rule and RDATEs give and EXDATEs leave; overrides play no part. Wall clocks
 * that fall on one instant (in a gap) are one, the first. `limit`: when there are at least so many, later ones may be missing. Throws
 * BudgetExceeded.
 */
export function startsOf(series: Series, window: Window, budget: Budget, limit = Infinity): Starts {
  const zone = zoneOfSeries(series);
  const from = Math.max(window.from, ALL_TIME.from);
  const to = Math.min(window.to, ALL_TIME.to);
  const starts: Starts = { locals: [], instants: [], until: window.to };
  const { locals, instants } = starts;
  const excluded =
    series.exdates.length === 0 ? null : new Set(series.exdates.map((text) => instantOf(zone, parseLocal(text))));
  const take = (local: number, instant: number): void => {
    if (instant < from || instant >= to || excluded?.has(instant)) return;
    locals.push(local);
    instants.push(instant);
  };
  const start = parseLocal(series.starts_local);
  if (series.rrule === null) take(start, instantOf(zone, start));
  else {
    const rule = forSeries(readFields(series.rrule), series);
    const enough = limit + (zone === null ? 0 : TURNED);
    scanSeries({ rule, start, zone, from, to, budget }, (local, instant) => {
      take(local, instant);
      if (locals.length < enough) return true;
      starts.until = instants[instants.length - 1 - (zone === null ? 0 : TURNED)] as number;
      return false;
    });
  }
  const ruled = locals.length;
  for (const text of series.rdates) {
    const local = parseLocal(text);
    take(local, instantOf(zone, local));
  }
  if (locals.length > ruled) moveIn(starts, ruled);
  putInOrder(starts);
  return starts;
}

/** RFC 5545 3.3.10: with a start that is a date, times of day are as good as not there. */
const forSeries = (rule: RuleFields, { is_all_day }: Series): RuleFields =>
  is_all_day ? { ...rule, byhour: [], byminute: [], bysecond: [] } : rule;

interface SeriesScan {
  rule: RuleFields;
  start: number;
  zone: Zone | null;
  from: number;
  to: number;
  budget: Budget;
}

/** Hands out wall clock and instant of what the rule gives, UNTIL included; of what is near the window also what lies outside it. */
function scanSeries(scan: SeriesScan, visit: (local: number, instant: number) => boolean): void {
  const { rule, start, zone, from, to, budget } = scan;
  const last = rule.until === null ? Infinity : untilInstant(rule.until, zone);
  const end = Math.min(to, last + 1);
  if (end <= from) return;
  const bounds = zone === null ? { from, to: end } : localBounds(zone, from, end);
  scanRule({ rule, start, from: bounds.from, to: bounds.to, budget }, (local) => {
    const instant = zone === null ? local : zone.toInstant(local);
    return instant > last || visit(local, instant);
  });
}

/** UNTIL is inclusive: an instant, a wall clock, or a whole day. */
function untilInstant({ ms, kind }: Until, zone: Zone | null): number {
  if (kind === 'instant') return ms;
  return instantOf(zone, kind === 'local' ? ms : ms + DAY_MS - 1_000);
}

/** Wall clocks that can fall between two instants: their offset is that before or after a change nearby. */
function localBounds(zone: Zone, from: number, to: number): Window {
  const near = 2 * DAY_MS;
  return {
    from: from + Math.min(zone.offsetAt(from - near), zone.offsetAt(from + near)),
    to: to + Math.max(zone.offsetAt(to - near), zone.offsetAt(to + near)),
  };
}

/** Puts the RDATEs, which come last, where they belong among what the rule gives. */
function moveIn({ locals, instants }: Starts, ruled: number): void {
  const added = instants.slice(ruled).map((instant, at) => ({ instant, local: locals[ruled + at] as number }));
  added.sort((a, b) => a.instant - b.instant);
  let from = ruled - 1;
  // From the end on: what the rule gives moves up, each once.
  for (let to = locals.length - 1, next = added.pop(); next; to--) {
    if (from >= 0 && (instants[from] as number) > next.instant) {
      instants[to] = instants[from] as number;
      locals[to] = locals[from--] as number;
    } else {
      instants[to] = next.instant;
      locals[to] = next.local;
      next = added.pop();
    }
  }
}

/**
 * Sorts by instant, and of those with one instant by wall clock, and keeps the first of each. Nearly always there is nothing to do;
 * where clocks jump little is: what is out of order goes back to where it belongs.
 */
function putInOrder({ locals, instants }: Starts): void {
  let size = 0;
  for (let next = 0; next < instants.length; next++) {
    const instant = instants[next] as number;
    const local = locals[next] as number;
    let at = size;
    while (at > 0 && (instants[at - 1] as number) > instant) at--;
    if (at > 0 && instants[at - 1] === instant) {
      locals[at - 1] = Math.min(locals[at - 1] as number, local);
      continue;
    }
    for (let back = size; back > at; back--) {
      instants[back] = instants[back - 1] as number;
      locals[back] = locals[back - 1] as number;
    }
    instants[at] = instant;
    locals[at] = local;
    size++;
  }
  locals.length = size;
  instants.length = size;
}
