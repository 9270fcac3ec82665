import fc from 'fast-check';
import { expect, it } from 'vitest';
import { boundsOf, horizonDue, instanceWindow, openWindow } from './horizon.ts';
import type { Series } from './series.ts';

const DAY_MS = 86_400_000;
const id = fc.uuid({ version: 7 });
const now = fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2090, 0) });

it('has the 90 days behind and the 400 ahead, and less than a week more on either side', () => {
  fc.assert(
    fc.property(id, now, (schedule_id, at) => {
      const { from, to } = instanceWindow(schedule_id, at);
      expect(from).toBeLessThanOrEqual(at - 90 * DAY_MS);
      expect(from).toBeGreaterThan(at - 97 * DAY_MS);
      expect(to - from).toBe(497 * DAY_MS);
    }),
  );
});

it('stays for a week, then moves by a week; one that is due has moved for every process', () => {
  fc.assert(
    fc.property(id, now, fc.integer({ min: 0, max: 60 * 60_000 }), (schedule_id, at, behind) => {
      const { from } = instanceWindow(schedule_id, at);
      const moves_at = from + 97 * DAY_MS;
      expect(instanceWindow(schedule_id, moves_at - 1).from).toBe(from);
      expect(instanceWindow(schedule_id, moves_at).from).toBe(from + 7 * DAY_MS);
      if (from <= horizonDue(at + 7 * DAY_MS))
        expect(instanceWindow(schedule_id, at + 7 * DAY_MS - behind).from).toBeGreaterThan(from);
    }),
  );
});

it('of many schedules each hour has its share', () => {
  const ids = Array.from({ length: 7_000 }, () => crypto.randomUUID());
  const days = ids.map((one) => Math.floor(instanceWindow(one, Date.UTC(2026, 0)).from / DAY_MS));
  const counts = Map.groupBy(days, (day) => day);
  expect(counts.size).toBeLessThanOrEqual(8);
  for (const [day, { length }] of counts)
    if (counts.has(day - 1) && counts.has(day + 1)) expect(Math.abs(length - 1_000)).toBeLessThan(200);
});

const series = (fields: Partial<Series>): Series => ({
  starts_local: '2026-03-02T09:00:00',
  time_zone: 'UTC',
  is_all_day: false,
  duration_seconds: 3_600,
  rrule: 'FREQ=DAILY',
  rdates: [],
  exdates: [],
  overrides: [],
  ...fields,
});

it('opens no more than was written, but all that follows the end of a series', () => {
  const window = { from: Date.UTC(2026, 0), to: Date.UTC(2027, 0) };
  const [from, until] = [new Date(window.from).toISOString(), new Date(window.to).toISOString()];
  expect(openWindow(series({}), window)).toEqual({ from, until });
  expect(openWindow(series({ rrule: 'FREQ=DAILY;COUNT=3' }), window)).toEqual({ from, until: 'infinity' });
  expect(openWindow(series({ rrule: 'FREQ=DAILY;COUNT=3', starts_local: '2025-12-30T23:00:00' }), window)).toEqual({
    from,
    until: 'infinity',
  });
  expect(openWindow(series({ rrule: 'FREQ=DAILY;COUNT=3', starts_local: '2020-01-01T00:00:00' }), window)).toEqual({
    from: 'infinity',
    until: 'infinity',
  });
});

it('has bounds of a series of which every occurrence is left out, or says that there are none', () => {
  expect(() => boundsOf(series({ rrule: 'FREQ=DAILY;COUNT=1', exdates: ['2026-03-02T09:00:00'] }))).not.toThrow();
});
