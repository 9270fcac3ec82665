import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryRule, arbitraryStart, arbitraryZone } from '../testing/arbitrary-rule.ts';
import { ruleSeries } from '../testing/rule-cases.ts';
import { expandSeries, findOccurrence, nextOccurrence, seriesBounds } from './expand.ts';
import type { Occurrence, Override, Series } from './series.ts';
import { parseLocal, printLocal, toInstant } from './zones.ts';

const DAY = 86_400_000;
const moved = (
  recurrence_id: string,
  starts_local: string | null,
  duration_seconds: number | null = null,
): Override => ({
  recurrence_id,
  is_cancelled: false,
  starts_local,
  duration_seconds,
});
const cancelled = (recurrence_id: string): Override => ({ ...moved(recurrence_id, null), is_cancelled: true });

/** Mondays of March 2026 in Berlin: 2, 9, 16, 23, 30. */
const mondays = (...overrides: Override[]): Series => ({
  ...ruleSeries('2026-03-02T09:00:00', 'Europe/Berlin', 'FREQ=WEEKLY;COUNT=5'),
  duration_seconds: 3_600,
  overrides,
});
const march = { from: Date.UTC(2026, 2, 1), to: Date.UTC(2026, 3, 1) };
const day = (n: number) => ({ from: Date.UTC(2026, 2, n), to: Date.UTC(2026, 2, n + 1) });
const monday = (n: number) => `2026-03-${String(n).padStart(2, '0')}T09:00:00`;
const ids = (occurrences: Occurrence[]): string[] => occurrences.map(({ recurrence_id }) => recurrence_id);

describe('an override', () => {
  test('takes the place of what it names', () => {
    const series = mondays(moved(monday(9), '2026-03-10T14:00:00', 7_200));
    const [, second] = expandSeries(series, march);
    expect(second).toEqual({
      recurrence_id: monday(9),
      starts_at: Date.UTC(2026, 2, 10, 13),
      ends_at: Date.UTC(2026, 2, 10, 15),
      is_override: true,
    });
    expect(findOccurrence(series, monday(9))).toEqual(second);
  });

  test('that changes no time keeps that of its series', () => {
    const [, second] = expandSeries(mondays(moved(monday(9), null)), march);
    expect(second).toMatchObject({
      starts_at: Date.UTC(2026, 2, 9, 8),
      ends_at: Date.UTC(2026, 2, 9, 9),
      is_override: true,
    });
  });

  test('moves into a window and out of one', () => {
    const series = mondays(moved(monday(9), '2026-03-18T09:00:00'));
    expect(ids(expandSeries(series, day(9)))).toEqual([]);
    expect(ids(expandSeries(series, day(18)))).toEqual([monday(9)]);
    expect(ids(expandSeries(series, march))).toEqual([monday(2), monday(16), monday(9), monday(23), monday(30)]);
  });

  test('that is longer reaches into a window after it', () => {
    const series = mondays(moved(monday(9), null, 3 * 86_400));
    expect(ids(expandSeries(series, day(11)))).toEqual([monday(9)]);
    expect(ids(expandSeries(series, day(13)))).toEqual([]);
  });

  test('that cancels leaves nothing', () => {
    const series = mondays(cancelled(monday(9)));
    expect(ids(expandSeries(series, march))).toEqual([monday(2), monday(16), monday(23), monday(30)]);
    expect(findOccurrence(series, monday(9))).toBeNull();
    expect(nextOccurrence(series, Date.UTC(2026, 2, 3))?.recurrence_id).toBe(monday(16));
  });

  test('of what is no occurrence is passed over, and so is one of an EXDATE; of an RDATE it counts', () => {
    const orphan = moved('2026-03-05T09:00:00', '2026-03-06T09:00:00');
    expect(ids(expandSeries(mondays(orphan), march))).toHaveLength(5);
    expect(ids(expandSeries({ ...mondays(orphan), rdates: ['2026-03-05T09:00:00'] }, day(6)))).toEqual([
      orphan.recurrence_id,
    ]);
    const excluded = { ...mondays(moved(monday(9), '2026-03-10T09:00:00')), exdates: [monday(9)] };
    expect(ids(expandSeries(excluded, day(10)))).toEqual([]);
    expect(ids(expandSeries(mondays(moved('2026-04-06T09:00:00', '2026-03-06T09:00:00')), march))).toHaveLength(5);
  });

  test('counts in the bounds', () => {
    const series = mondays(moved(monday(9), '2026-02-01T09:00:00'), moved(monday(2), '2026-08-01T09:00:00', 60));
    expect(seriesBounds(series)).toEqual({ first_at: Date.UTC(2026, 1, 1, 8), last_at: Date.UTC(2026, 7, 1, 7, 1) });
  });

  test('is found among thousands that were moved to one day', () => {
    const start = Date.UTC(2000, 0, 1, 9);
    const overrides = Array.from({ length: 900 }, (_, n) =>
      moved(printLocal(start + n * 9 * DAY, false), '2026-03-03T09:00:00'),
    );
    for (const rrule of ['FREQ=DAILY', 'FREQ=DAILY;INTERVAL=9;COUNT=2000', 'FREQ=DAILY;BYMONTHDAY=-1,1;COUNT=600']) {
      const series = { ...ruleSeries('2000-01-01T09:00:00', null, rrule), overrides };
      const real = overrides.filter(({ recurrence_id }) => findOccurrence({ ...series, overrides: [] }, recurrence_id));
      const found = expandSeries(series, day(3)).filter(({ is_override }) => is_override);
      expect(ids(found)).toEqual(real.map(({ recurrence_id }) => recurrence_id).sort());
    }
  });
});

test('any overrides give what putting each into the whole series gives', () => {
  const change = fc.record({
    pick: fc.nat(),
    kind: fc.constantFrom('cancelled', 'moved', 'longer', 'orphan'),
    by: fc.integer({ min: -40 * 24, max: 40 * 24 }),
  });
  fc.assert(
    fc.property(
      fc.tuple(arbitraryRule, arbitraryStart, fc.oneof(arbitraryZone, fc.constant(null))),
      fc.array(change, { maxLength: 8 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.option(fc.integer({ min: 1, max: 6 })),
      ([rrule, start, zone], changes, part, limit) => {
        const bare = { ...ruleSeries(printLocal(start, false), zone, rrule), duration_seconds: 5_400 };
        const instant = (local: string): number =>
          zone === null ? parseLocal(local) : toInstant(parseLocal(local), zone);
        const begins = instant(bare.starts_local);
        const all = expandSeries(bare, { from: begins - 400 * DAY, to: begins + 400 * DAY });
        if (all.length === 0) return;
        const overrides = changes.map(({ pick, kind, by }): Override => {
          const { recurrence_id } = all[pick % all.length]!;
          const to = printLocal(parseLocal(recurrence_id) + by * 3_600_000, false);
          if (kind === 'cancelled') return cancelled(recurrence_id);
          if (kind === 'longer') return moved(recurrence_id, null, Math.abs(by) * 3_600);
          return kind === 'moved' ? moved(recurrence_id, to) : moved(`${recurrence_id.slice(0, 17)}07`, to);
        });
        const expected = new Map(all.map((occurrence) => [occurrence.starts_at, occurrence]));
        for (const { recurrence_id, is_cancelled, starts_local, duration_seconds } of overrides) {
          const at = instant(recurrence_id);
          if (!all.some(({ starts_at }) => starts_at === at)) continue;
          const starts_at = starts_local === null ? at : instant(starts_local);
          const ends_at = starts_at + (duration_seconds ?? 5_400) * 1_000;
          if (is_cancelled) expected.delete(at);
          else expected.set(at, { recurrence_id, starts_at, ends_at, is_override: true });
        }
        const from = begins + Math.floor(part * 200) * DAY;
        const window = { from, to: from + 60 * DAY };
        const inside = [...expected.values()]
          .filter(
            ({ starts_at, ends_at }) =>
              starts_at < window.to && (ends_at > from || (ends_at === starts_at && starts_at >= from)),
          )
          .sort((a, b) => a.starts_at - b.starts_at || (a.recurrence_id < b.recurrence_id ? -1 : 1));
        const options = limit === null ? {} : { limit };
        expect(expandSeries({ ...bare, overrides }, window, options)).toEqual(inside.slice(0, limit ?? Infinity));
      },
    ),
    { numRuns: 400 },
  );
});
