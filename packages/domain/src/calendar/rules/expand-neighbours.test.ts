import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitrarySeries, ids, spanOf, startOf, whole } from '../testing/arbitrary-series.ts';
import { ruleSeries } from '../testing/rule-cases.ts';
import {
  expandSeries,
  expandStarting,
  findOccurrence,
  lastOccurrence,
  nextOccurrence,
  previousOccurrence,
  seriesBounds,
} from './expand.ts';
import { printLocal } from './zones.ts';

const DAY = 86_400_000;

describe('a gap and an overlap', () => {
  const night = { from: Date.UTC(2026, 2, 28, 12), to: Date.UTC(2026, 2, 29, 12) };

  test('times that fall on one instant are one occurrence, the first, and both count', () => {
    const series = ruleSeries('2026-03-29T01:30:00', 'Europe/Berlin', 'FREQ=HOURLY;COUNT=4');
    expect(ids(expandSeries(series, night))).toEqual([
      '2026-03-29T01:30:00',
      '2026-03-29T02:30:00',
      '2026-03-29T04:30:00',
    ]);
  });

  test('what a gap turns around is in order of its instants', () => {
    const rrule = 'FREQ=DAILY;BYHOUR=2,3;BYMINUTE=0,45';
    const series = ruleSeries('2026-03-29T02:00:00', 'Europe/Berlin', `${rrule};COUNT=4`);
    expect(ids(expandSeries(series, night))).toEqual(['2026-03-29T02:00:00', '2026-03-29T02:45:00']);
    const shifted = ruleSeries('2026-03-29T02:45:00', 'Europe/Berlin', 'FREQ=DAILY;BYHOUR=2,3;BYMINUTE=15,45;COUNT=2');
    expect(ids(expandSeries(shifted, night))).toEqual(['2026-03-29T03:15:00', '2026-03-29T02:45:00']);
    expect(ids(expandSeries(shifted, night, { limit: 1 }))).toEqual(['2026-03-29T03:15:00']);
    const until = { ...shifted, rrule: 'FREQ=DAILY;BYHOUR=2,3;BYMINUTE=15,45;UNTIL=20260329T012000Z' };
    expect(ids(expandSeries(until, night))).toEqual(['2026-03-29T03:15:00']);
  });

  test('an occurrence is named by either time', () => {
    const series = ruleSeries('2026-03-27T02:30:00', 'Europe/Berlin', 'FREQ=DAILY');
    const named = findOccurrence(series, '2026-03-29T03:30:00');
    expect(named).toEqual(findOccurrence(series, '2026-03-29T02:30:00'));
    expect(named?.recurrence_id).toBe('2026-03-29T02:30:00');
  });
});

describe('neighbours and bounds', () => {
  test('the next, the previous, the last and the bounds are those of the whole', () => {
    fc.assert(
      fc.property(arbitrarySeries, fc.nat(), (given, pick) => {
        const until = printLocal(startOf(given) + spanOf(given), false).replaceAll(/[-:]/g, '');
        const rrule = given.rrule!.includes('COUNT') ? given.rrule : `${given.rrule};UNTIL=${until}Z`;
        const series = { ...given, rrule };
        const all = expandStarting(series, { from: 0, to: Date.UTC(2102, 0, 1) });
        const margin = series.time_zone === null ? DAY : 0;
        const first_at = (all[0]?.starts_at ?? startOf(series)) - margin;
        const ends = all.map(({ ends_at }) => ends_at);
        const last_at =
          (ends.length > 0 ? Math.max(...ends) : startOf(series) + series.duration_seconds * 1_000) + margin;
        expect(seriesBounds(series)).toEqual({ first_at, last_at });
        expect(lastOccurrence(series)).toEqual(all.at(-1) ?? null);
        if (all.length === 0) return;
        const at = pick % all.length;
        expect(nextOccurrence(series, all[at]!.starts_at)).toEqual(all[at + 1] ?? null);
        expect(nextOccurrence(series, all[at]!.starts_at - 1)).toEqual(all[at]);
        expect(previousOccurrence(series, all[at]!.starts_at)).toEqual(all[at - 1] ?? null);
        expect(findOccurrence(series, all[at]!.recurrence_id)).toEqual(all[at]);
      }),
      { numRuns: 300 },
    );
  });

  test('what never ends has no end, and what never begins is where it would', () => {
    const series = ruleSeries('2026-03-01T09:00:00', 'Europe/Berlin', 'FREQ=DAILY');
    expect(seriesBounds(series)).toEqual({ first_at: startOf(series), last_at: null });
    const none = { ...series, rrule: 'FREQ=DAILY;COUNT=1', exdates: ['2026-03-01T09:00:00'], duration_seconds: 60 };
    expect(seriesBounds(none)).toEqual({ first_at: startOf(series), last_at: startOf(series) + 60_000 });
    expect(nextOccurrence(none, 0)).toBeNull();
    expect(findOccurrence(none, '2026-03-01T09:00:00')).toBeNull();
  });

  test('a start that the rule does not have is no occurrence', () => {
    const series = ruleSeries('2026-03-01T09:00:00', 'Europe/Berlin', 'FREQ=WEEKLY;BYDAY=MO;COUNT=2');
    expect(ids(expandSeries(series, whole(series)))).toEqual(['2026-03-02T09:00:00', '2026-03-09T09:00:00']);
  });
});
