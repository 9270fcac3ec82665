import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { printBusy } from './busy-text.ts';
import {
  cutSpans,
  meetsSpans,
  mergeSpans,
  packWeek,
  subtractSpans,
  unpackWeeks,
  WEEK_MS,
  weekOf,
  weekStart,
  type Spans,
} from './intervals.ts';

const SECOND = 1_000;
/** Some weeks around one that begins at a week's edge, so that spans meet edges often. */
const EDGE = weekStart(weekOf(Date.parse('2026-03-04T12:00:00Z')));

/** Pairs in any order, overlapping, touching and empty, on a coarse grid so that they often do. */
const pairs = fc
  .array(
    fc
      .tuple(fc.integer({ min: -200, max: 400 }), fc.integer({ min: 0, max: 120 }))
      .map(([at, length]) => [EDGE + at * 3_600 * SECOND, EDGE + (at + length) * 3_600 * SECOND]),
    { maxLength: 30 },
  )
  .map((list) => list.flat());

const covers = (list: readonly number[], at: number): boolean =>
  list.some((from, i) => i % 2 === 0 && from <= at && at < list[i + 1]!);
const moments = Array.from({ length: 800 }, (_, i) => EDGE + (i - 250) * 3_600 * SECOND);
const isNormal = (spans: Spans): boolean => spans.every((at, i) => i === 0 || at > spans[i - 1]!);

describe('spans', () => {
  test('merged, they cover what the pairs covered, and none touches another', () => {
    fc.assert(
      fc.property(pairs, (list) => {
        const merged = mergeSpans(list);
        expect(isNormal(merged)).toBe(true);
        for (const at of moments) expect(covers(merged, at)).toBe(covers(list, at));
        expect(mergeSpans(merged)).toEqual(merged);
      }),
    );
  });

  test('subtracted, what is left is in the one and not in the other', () => {
    fc.assert(
      fc.property(pairs, pairs, (one, other) => {
        const [a, b] = [mergeSpans(one), mergeSpans(other)];
        const left = subtractSpans(a, b);
        expect(isNormal(left)).toBe(true);
        for (const at of moments) expect(covers(left, at)).toBe(covers(a, at) && !covers(b, at));
      }),
    );
  });

  test('cut, they lie in the window', () => {
    fc.assert(
      fc.property(pairs, fc.integer({ min: 0, max: 799 }), fc.integer({ min: 1, max: 300 }), (list, first, length) => {
        const [from, to] = [moments[first]!, moments[first]! + length * 3_600 * SECOND];
        const cut = cutSpans(mergeSpans(list), from, to);
        for (const at of moments) expect(covers(cut, at)).toBe(covers(list, at) && at >= from && at < to);
        expect(meetsSpans(mergeSpans(list), from, to)).toBe(cut.length > 0);
      }),
    );
  });
});

describe('a packed week', () => {
  const busySpans = fc.tuple(pairs, pairs).map(([busy, tentative]) => {
    const firm = mergeSpans(busy);
    return { busy: firm, tentative: subtractSpans(mergeSpans(tentative), firm) };
  });
  const FIRST = weekOf(EDGE) - 2;
  const packAll = (spans: { busy: Spans; tentative: Spans }) =>
    [0, 1, 2, 3, 4, 5, 6].map((i) => ({ week: FIRST + i, packed: packWeek(FIRST + i, spans) }));

  test('says what it was told, also of what goes over the edge of a week', () => {
    fc.assert(
      fc.property(busySpans, (spans) => {
        expect(unpackWeeks(packAll(spans))).toEqual(spans);
      }),
    );
  });

  test('holds every second of its week, in letters that nothing escapes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 604_799 }), fc.integer({ min: 1, max: 604_800 }), (start, length) => {
        const week = weekOf(EDGE);
        const spans = [EDGE + start * SECOND, EDGE + Math.min(start + length, 604_800) * SECOND];
        for (const kind of [
          { busy: spans, tentative: [] },
          { busy: [], tentative: spans },
        ]) {
          const packed = packWeek(week, kind);
          expect(packed).toMatch(/^[\w-]{8}$/);
          expect(unpackWeeks([{ week, packed }])).toEqual(kind);
        }
      }),
    );
  });

  test('is printed as the intervals of the window, and nothing outside it', () => {
    fc.assert(
      fc.property(
        busySpans,
        fc.integer({ min: 0, max: 500 }),
        fc.integer({ min: 1, max: 290 }),
        (spans, at, length) => {
          const from = moments[at]! + 61 * SECOND;
          const to = from + length * 3_600 * SECOND;
          const weeks = packAll(spans).filter(({ week }) => week >= weekOf(from) && week <= weekOf(to - 1));
          const expected = (['busy', 'tentative'] as const)
            .flatMap((status) => {
              const cut = cutSpans(spans[status], from, to);
              return cut.flatMap((ms, i) => (i % 2 === 0 ? [{ status, ms, end: cut[i + 1]! }] : []));
            })
            .sort((a, b) => a.ms - b.ms)
            .map(({ status, ms, end }) => ({ starts_at: text(ms), ends_at: text(end), status }));
          expect(printBusy(weeks, { from, to })).toEqual(expected);
        },
      ),
    );
  });
});

const text = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');

test('weeks begin on Mondays, in UTC, before 1970 too', () => {
  for (const day of ['2026-11-16', '1969-12-29', '1970-01-05', '1905-01-02']) {
    const ms = Date.parse(`${day}T00:00:00Z`);
    expect(weekStart(weekOf(ms))).toBe(ms);
    expect(weekOf(ms - 1)).toBe(weekOf(ms) - 1);
    expect(weekOf(ms + WEEK_MS - 1)).toBe(weekOf(ms));
  }
});
