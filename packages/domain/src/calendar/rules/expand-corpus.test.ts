import { expect, test } from 'vitest';
import { oracle_cases } from '../testing/oracle-cases.ts';
import { expandCase, ruleSeries } from '../testing/rule-cases.ts';
import { expandSeries, lastOccurrence, seriesBounds } from './expand.ts';
import { ALL_TIME } from './series-starts.ts';

test.each(oracle_cases.map((each) => [`${each.id}: ${each.rrule}`, each] as const))('%s', (_name, each) => {
  expect(expandCase(each)).toEqual(each.expected);
});

test('hours that an interval never meets are looked for through all years within the budget', () => {
  const never = ruleSeries('1900-01-01T00:00:00', 'Europe/Berlin', 'FREQ=HOURLY;INTERVAL=2;COUNT=1;BYHOUR=1');
  expect(expandSeries(never, ALL_TIME)).toEqual([]);
  const minutes = ruleSeries('2026-01-01T00:00:00', null, 'FREQ=MINUTELY;INTERVAL=2;BYHOUR=1;BYMINUTE=1');
  expect(expandSeries(minutes, ALL_TIME)).toEqual([]);
});

test('the last of a long COUNT is found, with RDATEs in any order before it', () => {
  const series = ruleSeries('1970-01-01T09:00:00', 'Europe/Berlin', 'FREQ=DAILY;COUNT=20000');
  const rdates = ['2024-10-03T09:00:00', '1950-01-01T00:00:00', '1960-01-01T00:00:00'];
  expect(lastOccurrence({ ...series, rdates })?.recurrence_id).toBe('2024-10-03T09:00:00');
  const first_at = Date.UTC(1949, 11, 31, 23);
  expect(seriesBounds({ ...series, rdates })).toEqual({ first_at, last_at: Date.UTC(2024, 9, 3, 7) });
});
