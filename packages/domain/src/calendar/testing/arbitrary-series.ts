import fc from 'fast-check';
import type { Occurrence, Series, Window } from '../rules/series.ts';
import { parseLocal, printLocal, toInstant } from '../rules/zones.ts';
import { arbitraryRule, arbitraryStart, arbitraryZone } from './arbitrary-rule.ts';
import { ruleSeries } from './rule-cases.ts';

const DAY = 86_400_000;

/** A series of any rule, in a zone or floating, whose occurrences last up to two days. */
export const arbitrarySeries = fc
  .tuple(
    arbitraryRule,
    arbitraryStart,
    fc.oneof(arbitraryZone, fc.constant(null)),
    fc.integer({ min: 0, max: 50 * 3_600 }),
  )
  .map(([rrule, start, zone, duration_seconds]): Series => ({
    ...ruleSeries(printLocal(start, false), zone, rrule),
    duration_seconds,
  }));

/** The instant that it begins at. */
export const startOf = ({ starts_local, time_zone }: Series): number =>
  time_zone === null ? parseLocal(starts_local) : toInstant(parseLocal(starts_local), time_zone);

/** About so many occurrences of a rule are in this time from its start. */
export const spanOf = ({ rrule }: Series): number =>
  (rrule!.includes('YEARLY') ? 2_000 : rrule!.includes('MONTHLY') ? 700 : 60) * DAY;

/** Their names. */
export const ids = (occurrences: Occurrence[]): string[] => occurrences.map(({ recurrence_id }) => recurrence_id);

/** As long as there are some occurrences in it, and not too many. */
export const whole = (series: Series): Window => ({
  from: startOf(series) - DAY,
  to: startOf(series) + spanOf(series),
});
