import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitraryRule, arbitraryStart } from '../testing/arbitrary-rule.ts';
import { ruleSeries } from '../testing/rule-cases.ts';
import { bruteForce } from '../testing/rule-oracle.ts';
import { expandSeries } from './expand.ts';
import { printLocal } from './local-time.ts';

const DAY = 86_400_000;

/** Days that are looked at: the finer the rule, the fewer. */
const DAYS: Record<string, number> = { YEARLY: 3_000, MONTHLY: 900, WEEKLY: 400, DAILY: 200, HOURLY: 20 };

function ours(rrule: string, start: number, from: number, to: number): number[] {
  return expandSeries(ruleSeries(printLocal(start, false), null, rrule), { from, to }).map(
    ({ starts_at }) => starts_at,
  );
}

test('any rule gives what asking every day and every second gives', () => {
  fc.assert(
    fc.property(arbitraryRule, arbitraryStart, fc.double({ min: 0, max: 1, noNaN: true }), (rrule, start, part) => {
      const days = DAYS[rrule.slice(5).split(';')[0]!]!;
      const to = start + days * DAY;
      const expected = bruteForce(rrule, start, to);
      expect(ours(rrule, start, start, to)).toEqual(expected);
      // The same from the middle: what is leapt over counts as if it had been made.
      const from = start + Math.floor(days * part) * DAY;
      expect(ours(rrule, start, from, to)).toEqual(expected.filter((local) => local >= from));
    }),
    { numRuns: 500 },
  );
}, 60_000);

test.each([
  'BYSECOND=0,20,59',
  'BYMINUTE=3,4',
  'BYHOUR=0,23;BYMINUTE=7',
  'INTERVAL=7;BYSECOND=3',
  'INTERVAL=7;BYSETPOS=1',
  'BYMONTHDAY=2;COUNT=9',
])('down to the second: %s', (parts) => {
  const start = Date.UTC(2024, 0, 1, 22, 58, 3);
  for (const freq of ['MINUTELY', 'SECONDLY']) {
    const rrule = `FREQ=${freq};${parts}`;
    expect(ours(rrule, start, start, start + DAY)).toEqual(bruteForce(rrule, start, start + DAY));
  }
});
