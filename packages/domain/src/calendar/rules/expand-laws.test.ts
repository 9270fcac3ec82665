import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryStart } from '../testing/arbitrary-rule.ts';
import { arbitrarySeries, ids, startOf, whole } from '../testing/arbitrary-series.ts';
import { ruleSeries } from '../testing/rule-cases.ts';
import { BudgetExceeded, expandSeries, expandStarting } from './expand.ts';
import type { Series } from './series.ts';
import { parseLocal, printLocal, readZone, toLocal } from './zones.ts';

const DAY = 86_400_000;

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

  // What every period has the same number of is leapt over: these are where that ends.
  test.each(
    [28, 29, 30, 31, -28, -29, -31]
      .flatMap((day) => [`MONTHLY;BYMONTHDAY=${day}`, `YEARLY;BYMONTH=2;BYMONTHDAY=${day}`])
      .concat(
        'MONTHLY;BYDAY=4MO',
        'MONTHLY;BYDAY=5MO',
        'MONTHLY;BYDAY=-5MO',
        'YEARLY;BYDAY=53MO',
        'MONTHLY;BYDAY=1MO,2TU',
      )
      .concat(
        'WEEKLY;BYDAY=MO,FR',
        'WEEKLY;BYMONTH=2,3',
        'DAILY;INTERVAL=3',
        'DAILY;BYMONTHDAY=31',
        'HOURLY;INTERVAL=7',
      )
      .concat('MONTHLY;BYMONTHDAY=1,2;BYSETPOS=-1', 'DAILY;BYHOUR=1,2,3;BYSETPOS=2', 'YEARLY;BYMONTH=2,3', 'MONTHLY'),
  )('COUNT of many years: FREQ=%s', (parts) => {
    const series = ruleSeries('2001-01-31T09:00:00', null, `FREQ=${parts}`);
    const counted = { ...series, rrule: `${series.rrule};COUNT=97` };
    const all = expandSeries(series, { from: 0, to: Date.UTC(2100, 0, 1) }, { limit: 97 });
    for (const at of [0, 1, 40, 95, 96]) {
      const from = all[at]?.starts_at ?? 0;
      expect(expandSeries(counted, { from, to: Date.UTC(2101, 0, 1) })).toEqual(all.filter((o) => o.starts_at >= from));
    }
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

  test('a thousand RDATEs find their places among twenty thousand occurrences', () => {
    const series = ruleSeries('1970-01-01T02:30:00', 'Europe/Berlin', 'FREQ=DAILY;COUNT=20000');
    const all = expandSeries(series, { from: 0, to: Date.UTC(2100, 0, 1) });
    const rdates = Array.from({ length: 1_000 }, (_, n) =>
      printLocal(((n * 7_919) % (20_000 * 24)) * 3_600_000, false),
    );
    const found = expandSeries({ ...series, rdates }, { from: 0, to: Date.UTC(2100, 0, 1) });
    const expected = new Set(
      [...all, ...rdates.map((starts_local) => ({ starts_at: startOf({ ...series, starts_local }) }))].map(
        (o) => o.starts_at,
      ),
    );
    expect(found.map(({ starts_at }) => starts_at)).toEqual(
      [...expected].filter((at) => at >= 0).sort((a, b) => a - b),
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
