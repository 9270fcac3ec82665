import { DAY_MS } from './civil.ts';
import { parseLocal, printLocal } from './local-time.ts';
import type { Budget } from './scan-output.ts';
import { instantOf, startsOf, zoneOfSeries } from './series-starts.ts';
import type { Occurrence, Override, Series } from './series.ts';
import type { Zone } from './zones.ts';

/** Whether an occurrence is one of those wanted. */
export type IsWanted = (starts_at: number, ends_at: number) => boolean;

/** What was found by the rule: every start from one instant until before another. */
interface Found {
  locals: number[];
  instants: number[];
  from: number;
  until: number;
}

/** What was found, with overrides in place, and with what they move to where it is wanted; sorted by start. Throws BudgetExceeded. */
export function applyOverrides(series: Series, found: Found, isWanted: IsWanted, steps: Budget): Occurrence[] {
  const zone = zoneOfSeries(series);
  const overrides = overridesByInstant(series, zone);
  const duration = series.duration_seconds * 1_000;
  const occurrences: Occurrence[] = [];
  const seen = new Set<number>();
  for (const [at, starts_at] of found.instants.entries()) {
    const override = overrides.get(starts_at);
    if (override) seen.add(starts_at);
    const occurrence = override
      ? overridden(series, zone, starts_at, override)
      : {
          recurrence_id: printLocal(found.locals[at] as number, series.is_all_day),
          starts_at,
          ends_at: starts_at + duration,
          is_override: false,
        };
    if (occurrence && isWanted(occurrence.starts_at, occurrence.ends_at)) occurrences.push(occurrence);
  }
  const moved = new Map<number, Occurrence>();
  for (const [instant, override] of overrides) {
    // What lies where we looked and was not found is no occurrence.
    if (seen.has(instant) || (instant >= found.from && instant < found.until)) continue;
    const occurrence = overridden(series, zone, instant, override);
    if (occurrence && isWanted(occurrence.starts_at, occurrence.ends_at)) moved.set(instant, occurrence);
  }
  for (const instant of occurringAt(series, [...moved.keys()], steps)) {
    const occurrence = moved.get(instant);
    if (occurrence) occurrences.push(occurrence);
  }
  return occurrences.sort(byStart);
}

const byStart = (a: Occurrence, b: Occurrence): number =>
  a.starts_at - b.starts_at || (a.recurrence_id < b.recurrence_id ? -1 : a.recurrence_id > b.recurrence_id ? 1 : 0);

/** What each overrides is an instant: a recurrence_id may be written as the time before a gap, or after it. */
export function overridesByInstant(series: Series, zone: Zone | null): Map<number, Override> {
  const overrides = new Map<number, Override>();
  for (const each of series.overrides) overrides.set(instantOf(zone, parseLocal(each.recurrence_id)), each);
  return overrides;
}

/** The occurrence that an override makes of the one that starts at an instant; null: none. */
export function overridden(series: Series, zone: Zone | null, instant: number, override: Override): Occurrence | null {
  const { recurrence_id, is_cancelled, starts_local, duration_seconds } = override;
  if (is_cancelled) return null;
  const starts_at = starts_local === null ? instant : instantOf(zone, parseLocal(starts_local));
  const ends_at = starts_at + (duration_seconds ?? series.duration_seconds) * 1_000;
  return { recurrence_id, starts_at, ends_at, is_override: true };
}

/** Looked for at once: what lies within one of such spans, which are always the same. */
const SPAN = 32 * DAY_MS;

/** Starts of the series at and between some instants, those of one span at once. Of fewer instants it never takes more steps. */
function* occurringAt(series: Series, instants: number[], steps: Budget): Generator<number> {
  const sorted = instants.sort((a, b) => a - b);
  // With COUNT each look begins at the start of the series: one does for all.
  const span = series.rrule?.includes('COUNT=') ? Infinity : SPAN;
  for (let at = 0; at < sorted.length;) {
    const from = sorted[at] as number;
    const end = span === Infinity ? Infinity : (Math.floor(from / span) + 1) * span;
    let last = from;
    while (at < sorted.length && (sorted[at] as number) < end) last = sorted[at++] as number;
    yield* startsOf(series, { from, to: last + 1 }, steps).instants;
  }
}
