import { expect, test } from 'vitest';
import { HOSTILE_START, hostile_rules } from '../testing/hostile-rules.ts';
import { ruleSeries } from '../testing/rule-cases.ts';
import { BudgetExceeded, expandSeries, findOccurrence, nextOccurrence, seriesBounds } from './expand.ts';
import { refuseRule } from './rule.ts';

const YEAR = { from: Date.UTC(2026, 0, 1), to: Date.UTC(2027, 0, 1) };

const cases = hostile_rules.map((each) => [each.rrule.slice(0, 80), each] as const);

test.each(cases)('refused: %s', (_name, { rrule, refused, start = HOSTILE_START }) => {
  const refusal = refuseRule(rrule, { starts_local: start, time_zone: 'UTC', is_all_day: false });
  expect(refusal?.code).toBe(refused);
  expect(refusal?.message).toMatch(/^[A-Z].{8,120}$/);
});

// Were one to come in by another way, nothing that expands it goes on for longer than its budget.
test.each(cases)('ends all the same: %s', (_name, { rrule, start = HOSTILE_START }) => {
  const series = ruleSeries(start, 'Europe/Berlin', rrule);
  const all: (() => unknown)[] = [
    () => expandSeries(series, YEAR),
    () => nextOccurrence(series, YEAR.from),
    () => findOccurrence(series, '2026-07-01T09:00:00'),
    () => seriesBounds(series),
  ];
  for (const expand of all) {
    try {
      expand();
    } catch (error) {
      expect(error instanceof BudgetExceeded || error instanceof RangeError, String(error)).toBe(true);
    }
  }
});
