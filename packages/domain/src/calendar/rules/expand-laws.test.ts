import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryRule, arbitraryStart, arbitraryZone } from '../testing/arbitrary-rule.ts';
import { ruleSeries } from '../testing/rule-cases.ts';
import {
  BudgetExceeded,
  expandSeries,
  expandStarting,
  findOccurrence,
  lastOccurrence,
  nextOccurrence,
  previousOccurrence,
  seriesBounds,
} from './expand.ts';
import type { Occurrence, Series, Window } from './series.ts';
import { parseLocal, printLocal, readZone, toInstant, toLocal } from './zones.ts';

const DAY = 86_400_000;

const arbitrarySeries = fc
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

const startOf = ({ starts_local, time_zone }: Series): number =>
  time_zone === null ? parseLocal(starts_local) : toInstant(parseLocal(starts_local), time_zone);

/** About so many occurrences of a rule are in this time from its start. */
const spanOf = ({ rrule }: Series): number =>
  (rrule!.includes('YEARLY') ? 2_000 : rrule!.includes('MONTHLY') ? 700 : 60) * DAY;

const ids = (occurrences: Occurrence[]): string[] => occurrences.map(({ recurrence_id }) => recurrence_id);

const whole = (series: Series): Window => ({ from: startOf(series) - DAY, to: startOf(series) + spanOf(series) });

describe('expansion', () => {
  test('in pieces gives what it gives at once', () => {
    const cuts = fc.uniqueArray(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 });
    fc.assert(
      fc.property(arbitrarySeries, cuts, (series, parts) => {
        const { from, to } = whole(series);
        const edges = [from, ...parts.sort((a, b) => a - b).map((part) => Math.floor(from + (to - from) * part)), to];
        const pieces = edges.slice(1).flatMap((end, at) => expandStarting(series, { from: edges[at]!, to: end }));
        expect(pieces).toEqual(expandStarting(series, { from, to }));
      }),
      { numRuns: 400 },
    );
  });

  test('finds what overlaps the window: also what began before it', () => {
    fc.assert(
      fc.property(arbitrarySeries, fc.double({ min: 0, max: 1, noNaN: true }), (series, part) => {
        const { from: first, to } = whole(series);
        const from = first + Math.floor(((to - first) * part) / 60_000) * 60_000;
        const window = { from, to: Math.min(from + 5 * DAY, to) };
        const expected = expandStarting(series, { from: from - 60 * 3_600_000, to }).filter(
          ({ starts_at, ends_at }) =>
            starts_at < window.to && (ends_at > from || (starts_at === ends_at && starts_at >= from)),
        );
        expect(expandSeries(series, window)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test('takes an end for what it is: exclusive', () => {
    const series = { ...ruleSeries('2026-03-01T09:00:00', null, 'FREQ=DAILY;COUNT=1'), duration_seconds: 3_600 };
    const ends = Date.UTC(2026, 2, 1, 10);
    expect(expandSeries(series, { from: ends, to: ends + DAY })).toEqual([]);
    expect(expandSeries(series, { from: ends - 1, to: ends + DAY })).toHaveLength(1);
    expect(expandSeries(series, { from: 0, to: ends - 3_600_000 })).toEqual([]);
    expect(expandSeries(series, { from: 0, to: ends - 3_599_999 })).toHaveLength(1);
  });

  test('is in order, each instant once, and of the wall clock that the rule says, but for gaps', () => {
    fc.assert(
      fc.property(arbitrarySeries, (series) => {
        const found = expandSeries(series, whole(series));
        for (const [at, { starts_at, recurrence_id }] of found.entries()) {
          if (at > 0) expect(starts_at).toBeGreaterThan(found[at - 1]!.starts_at);
          const zone = series.time_zone;
          const local = parseLocal(recurrence_id);
          const shown = zone === null ? starts_at : toLocal(starts_at, zone);
          if (shown === local) continue;
          const near = readZone(zone!, starts_at - 25 * 3_600_000, starts_at + 1).transitions;
          expect(near.map(({ before, after }) => after - before)).toContain(shown - local);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('a limit gives the first of them', () => {
    fc.assert(
      fc.property(arbitrarySeries, fc.integer({ min: 0, max: 12 }), (series, limit) => {
        const window = whole(series);
        expect(expandSeries(series, window, { limit })).toEqual(expandSeries(series, window).slice(0, limit));
      }),
    );
  });

  test('a budget ends it', () => {
    const series = ruleSeries('2026-01-01T00:00:00', null, 'FREQ=DAILY');
    const window = whole(series);
    expect(() => expandSeries(series, window, { budget: 10 })).toThrow(BudgetExceeded);
    expect(expandSeries(series, window, { budget: 1_000 })).toHaveLength(60);
  });
});

describe('COUNT and UNTIL', () => {
  test('COUNT=n gives the first n, wherever one looks', () => {
    fc.assert(
      fc.property(arbitrarySeries, fc.integer({ min: 1, max: 40 }), (series, count) => {
        const endless = {
          ...series,
          time_zone: null,
          rrule: series.rrule!.replace(/COUNT=\d+;?/, '').replace(/;$/, ''),
        };
        const window = whole(endless);
        const all = expandStarting(endless, window);
        const counted = { ...endless, rrule: `${endless.rrule};COUNT=${count}` };
        expect(expandStarting(counted, window)).toEqual(all.slice(0, count));
        const from = all[Math.min(count, all.length) - 1]?.starts_at ?? window.from;
        expect(expandStarting(counted, { ...window, from })).toEqual(
          all.slice(0, count).filter((o) => o.starts_at >= from),
        );
      }),
      { numRuns: 300 },
    );
  });

  test('UNTIL at an occurrence keeps it and those before, a second earlier not it', () => {
    fc.assert(
      fc.property(arbitrarySeries, fc.nat(), (series, pick) => {
        const endless = { ...series, rrule: series.rrule!.replace(/COUNT=\d+;?/, '').replace(/;$/, '') };
        const window = whole(endless);
        const all = expandStarting(endless, window);
        if (all.length === 0) return;
        const last = all[pick % all.length]!.starts_at;
        const until = (at: number): string =>
          `;UNTIL=${printLocal(at, false).replaceAll(/[-:]/g, '')}${series.time_zone === null ? '' : 'Z'}`;
        const ending = (at: number): Series => ({ ...endless, rrule: endless.rrule + until(at) });
        expect(expandStarting(ending(last), window)).toEqual(all.filter(({ starts_at }) => starts_at <= last));
        expect(expandStarting(ending(last - 1_000), window)).toEqual(all.filter(({ starts_at }) => starts_at < last));
      }),
      { numRuns: 300 },
    );
  });

  test('a date as UNTIL is the whole day', () => {
    const window = { from: 0, to: Date.UTC(2100, 0, 1) };
    const timed = ruleSeries('2026-03-01T22:30:00', 'America/New_York', 'FREQ=DAILY;UNTIL=20260303');
    expect(ids(expandSeries(timed, window))).toEqual([
      '2026-03-01T22:30:00',
      '2026-03-02T22:30:00',
      '2026-03-03T22:30:00',
    ]);
    const all_day = {
      ...timed,
      starts_local: '2026-03-01',
      time_zone: null,
      is_all_day: true,
      duration_seconds: 86_400,
    };
    expect(ids(expandSeries(all_day, window))).toEqual(['2026-03-01', '2026-03-02', '2026-03-03']);
  });
});

describe('EXDATE and RDATE', () => {
  test('take away and add what they name as instants, and EXDATE wins', () => {
    const picks = fc.array(fc.nat(), { maxLength: 8 });
    fc.assert(
      fc.property(arbitrarySeries, picks, fc.array(arbitraryStart, { maxLength: 4 }), (series, out, added) => {
        const window = whole(series);
        const all = expandStarting(series, window);
        const exdates = out.flatMap((n) => (all.length > 0 ? [all[n % all.length]!.recurrence_id] : []));
        const rdates = added.map((local) => printLocal(local, false));
        const found = expandStarting({ ...series, exdates: [...exdates, ...rdates.slice(0, 1)], rdates }, window);
        const instant = (local: string): number => startOf({ ...series, starts_local: local });
        const expected = new Set([...all.map((o) => o.starts_at), ...rdates.map(instant)]);
        for (const text of [...exdates, ...rdates.slice(0, 1)]) expected.delete(instant(text));
        const inside = [...expected].filter((at) => at >= window.from && at < window.to).sort((a, b) => a - b);
        expect(found.map(({ starts_at }) => starts_at)).toEqual(inside);
      }),
      { numRuns: 300 },
    );
  });

  test('an EXDATE a second off changes nothing', () => {
    const series = ruleSeries('2026-03-01T09:00:00', 'Europe/Berlin', 'FREQ=DAILY;COUNT=3');
    const window = whole(series);
    expect(expandSeries({ ...series, exdates: ['2026-03-02T09:00:01'] }, window)).toEqual(expandSeries(series, window));
  });

  test('without a rule there is the start, and each RDATE', () => {
    const series = {
      ...ruleSeries('2026-03-01T09:00:00', 'Europe/Berlin', null),
      rdates: ['2026-01-01T09:00:00', '2026-03-01T09:00:00'],
    };
    expect(ids(expandSeries(series, { from: 0, to: Date.UTC(2030, 0, 1) }))).toEqual([
      '2026-01-01T09:00:00',
      '2026-03-01T09:00:00',
    ]);
    expect(expandSeries({ ...series, exdates: series.rdates }, { from: 0, to: Date.UTC(2030, 0, 1) })).toEqual([]);
  });
});

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
