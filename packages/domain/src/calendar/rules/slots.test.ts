import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergeSpans } from './intervals.ts';
import { findStarts, workingSpans, type SlotPerson } from './slots.ts';
import { toLocal } from './zones.ts';

const HOURS = { days: [1, 2, 3, 4, 5], start: 9 * 60, end: 17 * 60 };
const at = (text: string): number => Date.parse(`${text}Z`);
const person = (overrides: Partial<SlotPerson> = {}): SlotPerson => ({
  time_zone: 'UTC',
  hours: HOURS,
  taken: [],
  ...overrides,
});
const find = (people: SlotPerson[], from: string, to: string, more: object = {}): string[] =>
  findStarts({
    ...{ people, from: at(from), to: at(to), duration_minutes: 60, step_minutes: 15, time_zone: 'UTC' },
    ...{ buffer_minutes: 0, limit: 3 },
    ...more,
  }).map((ms) => new Date(ms).toISOString().slice(0, 16));

describe('common free slots', () => {
  test('lie in the working hours of each in their own zone', () => {
    const people = [person({ time_zone: 'Europe/Berlin' }), person({ time_zone: 'America/New_York' })];
    // Berlin works 08:00 to 16:00 UTC, New York 14:00 to 22:00.
    expect(find(people, '2026-03-02T00:00', '2026-03-07T00:00', { limit: 50 }).slice(0, 6)).toEqual([
      '2026-03-02T14:00',
      '2026-03-02T14:15',
      '2026-03-02T14:30',
      '2026-03-02T14:45',
      '2026-03-02T15:00',
      '2026-03-03T14:00',
    ]);
  });

  test('follow the clocks of each on the days on which they change', () => {
    const people = [person({ time_zone: 'Europe/Berlin' }), person({ time_zone: 'America/New_York' })];
    // From 9 to 27 March New York is an hour nearer.
    expect(find(people, '2026-03-09T00:00', '2026-03-14T00:00', { limit: 1 })).toEqual(['2026-03-09T13:00']);
    expect(find(people, '2026-03-30T00:00', '2026-04-04T00:00', { limit: 1 })).toEqual(['2026-03-30T13:00']);
    // That Sunday the day has 23 hours and begins at nine all the same.
    const sunday = workingSpans(
      { ...HOURS, days: [7] },
      'Europe/Berlin',
      at('2026-03-28T12:00'),
      at('2026-03-30T00:00'),
    );
    expect(sunday).toEqual([at('2026-03-29T07:00'), at('2026-03-29T15:00')]);
  });

  test('leave out what anybody has taken, and what is too short between, with the buffer around', () => {
    const taken = [at('2026-03-02T09:00'), at('2026-03-02T10:00'), at('2026-03-02T10:50'), at('2026-03-02T12:00')];
    const people = [person({ taken }), person({ taken: [at('2026-03-02T12:10'), at('2026-03-02T13:00')] })];
    expect(find(people, '2026-03-02T00:00', '2026-03-03T00:00', { limit: 1 })).toEqual(['2026-03-02T13:00']);
    expect(find(people, '2026-03-02T00:00', '2026-03-03T00:00', { limit: 1, buffer_minutes: 20 })).toEqual([
      '2026-03-02T13:30',
    ]);
    expect(find(people, '2026-03-02T00:00', '2026-03-03T00:00', { limit: 1, duration_minutes: 50 })).toEqual([
      '2026-03-02T10:00',
    ]);
  });

  test('begin at whole steps of one clock, also where that is not of a whole hour', () => {
    const people = [person({ hours: null })];
    const more = { step_minutes: 60, time_zone: 'Asia/Kathmandu', limit: 2 };
    expect(find(people, '2026-03-02T00:01', '2026-03-03T00:00', more)).toEqual([
      '2026-03-02T00:15',
      '2026-03-02T01:15',
    ]);
    const half = { step_minutes: 60, time_zone: 'Australia/Lord_Howe', limit: 30 };
    for (const start of find(people, '2026-04-04T06:10', '2026-04-05T12:00', half))
      expect(toLocal(at(start), 'Australia/Lord_Howe') % 3_600_000).toBe(0);
  });

  test('begin at the first step after the clock jumps, too', () => {
    const more = { step_minutes: 7, time_zone: 'Europe/Berlin', limit: 2 };
    // 01:59 is the seventeenth step of that day, 03:02 the twenty-sixth; what lies between there is not.
    expect(find([person({ hours: null })], '2026-03-29T00:59', '2026-03-29T03:00', more)).toEqual([
      '2026-03-29T00:59',
      '2026-03-29T01:02',
    ]);
  });

  test('go over midnight with the hours of whoever works at night', () => {
    const nights = person({ hours: { days: [5], start: 22 * 60, end: 6 * 60 } });
    expect(find([nights], '2026-03-06T12:00', '2026-03-09T00:00', { limit: 50, duration_minutes: 240 })).toEqual([
      ...['22:00', '22:15', '22:30', '22:45', '23:00', '23:15', '23:30', '23:45'].map((time) => `2026-03-06T${time}`),
      ...['00:00', '00:15', '00:30', '00:45', '01:00', '01:15', '01:30', '01:45', '02:00'].map(
        (time) => `2026-03-07T${time}`,
      ),
    ]);
    expect(find([nights, person()], '2026-03-02T00:00', '2026-03-30T00:00')).toEqual([]);
  });

  test('are those that trying every minute finds', () => {
    const zone = fc.constantFrom('Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Chatham');
    const spans = fc
      .array(fc.tuple(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 1, max: 600 })), { maxLength: 8 })
      .map((list) =>
        mergeSpans(list.flatMap(([from, length]) => [FROM + from * MINUTE, FROM + (from + length) * MINUTE])),
      );
    const somebody = fc.record({ time_zone: zone, hours: fc.constantFrom(HOURS, null), taken: spans });
    fc.assert(
      fc.property(
        fc.array(somebody, { minLength: 1, maxLength: 3 }),
        zone,
        fc.constantFrom(7, 15, 60),
        (people, time_zone, step) => {
          const query = {
            people,
            from: FROM,
            to: FROM + 4 * 1_440 * MINUTE,
            duration_minutes: 45,
            step_minutes: step,
            time_zone,
          };
          const found = findStarts({ ...query, buffer_minutes: 0, limit: 10_000 });
          const isFree = (ms: number): boolean => people.every((one) => isFreeFor(one, ms));
          const expected: number[] = [];
          let free_for = 0;
          for (let ms = query.to - MINUTE; ms >= FROM; ms -= MINUTE) {
            free_for = isFree(ms) ? free_for + 1 : 0;
            if (free_for >= 45 && (toLocal(ms, time_zone) % 86_400_000) % (step * MINUTE) === 0) expected.unshift(ms);
          }
          expect(found).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });
});

const MINUTE = 60_000;
const FROM = Date.parse('2026-03-27T00:00:00Z');

function isFreeFor({ time_zone, hours, taken }: SlotPerson, ms: number): boolean {
  if (taken.some((from, i) => i % 2 === 0 && from <= ms && ms < taken[i + 1]!)) return false;
  if (hours === null) return true;
  const local = toLocal(ms, time_zone);
  const minute = (local % 86_400_000) / MINUTE;
  return hours.days.includes(new Date(local).getUTCDay() || 7) && minute >= hours.start && minute < hours.end;
}
