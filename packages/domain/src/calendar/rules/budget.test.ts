import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitraryRule } from '../testing/arbitrary-rule.ts';
import { ruleSeries } from '../testing/rule-cases.ts';
import { DAY_MS } from './civil.ts';
import { BudgetExceeded, expandSeries, seriesBounds } from './expand.ts';
import { printLocal } from './local-time.ts';
import { refuseRule } from './rule.ts';
import { WRITE_BUDGET } from './scan-output.ts';
import type { Series, Window } from './series.ts';

/* One series that cannot be expanded would spoil the free/busy of all who are asked about with its guests: no such series is written. */

const START = '2026-01-01T09:00:00';
const FIRST = Date.UTC(2026, 0, 1, 9);
const WINDOW: Window = { from: Date.UTC(2027, 0, 1), to: Date.UTC(2027, 0, 1) + 500 * DAY_MS };
const EVERY_DAY = 'BYDAY=MO,TU,WE,TH,FR,SA,SU';
const EVERY_HOUR = `BYHOUR=${Array.from({ length: 24 }, (_, hour) => hour).join(',')}`;

/** Those that take the most steps. */
const costly = [
  'FREQ=HOURLY',
  'FREQ=HOURLY;COUNT=20000',
  'FREQ=HOURLY;INTERVAL=7;BYHOUR=0,12;COUNT=20000',
  'FREQ=HOURLY;INTERVAL=11;BYHOUR=3;BYMONTHDAY=31;COUNT=20000',
  'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;COUNT=500',
  'FREQ=DAILY;COUNT=20000',
  `FREQ=DAILY;${EVERY_HOUR}`,
  `FREQ=WEEKLY;${EVERY_DAY};${EVERY_HOUR}`,
  `FREQ=MONTHLY;${EVERY_DAY};${EVERY_HOUR}`,
  `FREQ=YEARLY;${EVERY_DAY}`,
  `FREQ=YEARLY;${EVERY_DAY};${EVERY_HOUR}`,
  `FREQ=YEARLY;${EVERY_DAY};${EVERY_HOUR};UNTIL=20990101T000000Z`,
  `FREQ=YEARLY;${EVERY_DAY};${EVERY_HOUR};BYSETPOS=1,-1,366`,
];

interface Moves {
  rrule: string;
  time_zone: string;
  duration_seconds: number;
  /** Overrides, so many days apart; of every so many one is moved into the window, or all. */
  overrides: number;
  days_apart: number;
  moved_of: number;
}

function seriesOf({ rrule, time_zone, duration_seconds, overrides, days_apart, moved_of }: Moves): Series {
  const into = printLocal(WINDOW.from + DAY_MS, false);
  return {
    ...ruleSeries(START, time_zone, rrule),
    duration_seconds,
    overrides: Array.from({ length: overrides }, (_, n) => ({
      recurrence_id: printLocal(FIRST + n * days_apart * DAY_MS, false),
      is_cancelled: false,
      starts_local: n % moved_of === 0 ? into : null,
      duration_seconds: null,
    })),
  };
}

function isWritten(series: Series): boolean {
  try {
    seriesBounds(series, WRITE_BUDGET);
    return refuseRule(series.rrule!, series) === null;
  } catch (error) {
    if (error instanceof BudgetExceeded) return false;
    throw error;
  }
}

const arbitraryMoves: fc.Arbitrary<Moves> = fc.record({
  rrule: fc.oneof(fc.constantFrom(...costly), arbitraryRule),
  time_zone: fc.constantFrom('UTC', 'Europe/Berlin'),
  duration_seconds: fc.constantFrom(3_600, 366 * 86_400),
  overrides: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 40, max: 1_000 })),
  days_apart: fc.oneof(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 8, max: 70 })),
  moved_of: fc.integer({ min: 1, max: 12 }),
});

test('what can be written can be read, whatever was moved into a window', () => {
  let written = 0;
  const property = (moves: Moves): void => {
    const series = seriesOf(moves);
    if (!isWritten(series)) return;
    written++;
    expandSeries(series, WINDOW);
  };
  fc.assert(fc.property(arbitraryMoves, property), { numRuns: 150 });
  expect(written).toBeGreaterThan(50);
});

test('a rule of every hour of the year of which every other month has something that was moved is refused, or read', () => {
  const moves = { time_zone: 'UTC', duration_seconds: 60, days_apart: 30, moved_of: 2 };
  for (const overrides of [10, 40, 230]) {
    const series = seriesOf({ ...moves, overrides, rrule: `FREQ=YEARLY;${EVERY_DAY};${EVERY_HOUR}` });
    if (isWritten(series)) expandSeries(series, WINDOW);
    else expect(overrides).toBeGreaterThan(10);
  }
});

test.each(costly)('%s alone can be written, or is refused at once', (rrule) => {
  const series = { ...ruleSeries(START, 'Europe/Berlin', rrule), duration_seconds: 366 * 86_400 };
  if (isWritten(series)) expandSeries(series, WINDOW);
  else expect(rrule).toMatch(/COUNT|BYSETPOS/);
});

test('a thousand changed occurrences of a common series are written', () => {
  const common = { time_zone: 'Europe/Berlin', duration_seconds: 3_600, overrides: 1_000, moved_of: 3 };
  for (const [rrule, days_apart] of [
    ['FREQ=DAILY', 1],
    ['FREQ=WEEKLY', 7],
    ['FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', 7],
    ['FREQ=DAILY;COUNT=7000', 7],
    ['FREQ=HOURLY', 1],
  ] as const)
    expect(isWritten(seriesOf({ ...common, rrule, days_apart })), rrule).toBe(true);
});
