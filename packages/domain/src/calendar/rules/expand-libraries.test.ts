import fc from 'fast-check';
import rruleLibrary from 'rrule';
import { RRuleTemporal } from 'rrule-temporal';
import { expect, test } from 'vitest';
import { arbitraryRule, arbitraryStart, arbitraryZone } from '../testing/arbitrary-rule.ts';
import { ruleSeries } from '../testing/rule-cases.ts';
import { expandSeries, nextOccurrence } from './expand.ts';
import { readRule } from './rule-grammar.ts';
import { printLocal } from './zones.ts';

const DAY = 86_400_000;
const YEAR = 365 * DAY;

/** Always the same rules: which others the libraries get wrong is no affair of ours. */
const seed = 5_545;

const compact = (ms: number): string => printLocal(ms, false).replaceAll(/[-:]/g, '');

/** Where `rrule` (a port of dateutil) is known to be wrong, or to search until the year 9999. */
function isBeyondRrule(rrule: string): boolean {
  const has = (...names: string[]): boolean => names.some((name) => rrule.includes(name));
  const byday = /BYDAY=([^;]+)/.exec(rrule)?.[1]?.split(',') ?? [];
  const mixes = byday.some((day) => day.length > 2) && byday.some((day) => day.length === 2);
  return (
    mixes ||
    /BYSETPOS=(-[2-9]|.*,)/.test(rrule) ||
    (has('WEEKLY') && has('BYSETPOS')) ||
    (has('BYWEEKNO') && byday.length === 0) ||
    (has('HOURLY') && has('BYHOUR', 'BYDAY', 'BYMONTH'))
  );
}

test('rrule finds the same on a floating clock, where it is right', () => {
  let compared = 0;
  fc.assert(
    fc.property(arbitraryRule, arbitraryStart, (given, start) => {
      const { rrule } = readRule(given);
      const series = ruleSeries(printLocal(start, false), null, rrule);
      const to = start + YEAR;
      // One that finds nothing further on looks for it for minutes.
      const endless = { ...series, rrule: rrule.replace(/COUNT=\d+;?/, '').replace(/;$/, '') };
      if (isBeyondRrule(rrule) || !nextOccurrence(endless, to)) return;
      const library = rruleLibrary.rrulestr(`DTSTART:${compact(start)}Z\nRRULE:${rrule}`);
      const found = library.between(new Date(start), new Date(to - 1), true).map((date) => date.getTime());
      compared++;
      expect(expandSeries(series, { from: start, to }).map(({ starts_at }) => starts_at)).toEqual(found);
    }),
    { numRuns: 400, seed },
  );
  expect(compared).toBeGreaterThan(100);
}, 60_000);

/** Where `rrule-temporal` is known to be wrong: days of the year or month are not limited by weekdays. */
const isBeyondTemporal = (rrule: string): boolean =>
  (rrule.includes('BYYEARDAY') && rrule.includes('BYDAY')) ||
  (rrule.includes('BYMONTHDAY') && /BYDAY=.*\d/.test(rrule));

test('rrule-temporal finds the same in zones, where no gap is met', () => {
  let compared = 0;
  fc.assert(
    fc.property(arbitraryRule, arbitraryStart, arbitraryZone, (rrule, start, zone) => {
      // It drops times in a gap, and Casablanca is an hour off around Ramadan.
      if (/HOURLY|BYHOUR/.test(rrule) || zone === 'Africa/Casablanca' || isBeyondTemporal(rrule)) return;
      const noon = Math.floor(start / DAY) * DAY + 12 * 3_600_000;
      const series = ruleSeries(printLocal(noon, false), zone, rrule);
      const library = new RRuleTemporal({
        rruleString: `DTSTART;TZID=${zone}:${compact(noon)}\nRRULE:${rrule}`,
        cache: false,
      });
      const window = { from: noon - DAY, to: noon + YEAR };
      const found = library
        .between(new Date(window.from), new Date(window.to - 1), true)
        .map((date) => date.epochMilliseconds);
      compared++;
      expect(expandSeries(series, window).map(({ starts_at }) => starts_at)).toEqual(found);
    }),
    { numRuns: 300, seed },
  );
  expect(compared).toBeGreaterThan(50);
}, 60_000);
