import fc from 'fast-check';
import { expect, it } from 'vitest';
import { viewItem } from '../view-schemas.ts';
import { printDay, printInstant, printSeconds } from './print-times.ts';
import { type Page, pageOfView, type Position, printOccurrences } from './view-page.ts';
import type { ViewedOccurrence, ViewedSchedule } from './viewed.ts';

const schedule: fc.Arbitrary<ViewedSchedule> = fc
  .record({
    calendar_id: fc.constantFrom('00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'),
    schedule_id: fc.uuid({ version: 7 }),
    role: fc.constantFrom('editor' as const, 'guest' as const, 'viewer' as const, null),
    title: fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
    location: fc.option(fc.string()),
    color: fc.constantFrom('#112233', null),
    status: fc.constantFrom('confirmed' as const, 'tentative' as const),
    transparency: fc.constant('opaque' as const),
    visibility: fc.constantFrom('default' as const, 'private' as const),
    organiser_user_id: fc.uuid(),
    is_all_day: fc.constant(false),
    time_zone: fc.constantFrom('Europe/Berlin', 'UTC'),
    duration_seconds: fc.constant(60),
    is_recurring: fc.boolean(),
    has_words: fc.constant(null),
    response: fc.constantFrom('accepted' as const, null),
    responses: fc.constant(null),
    overrides: fc.constant(null),
  })
  // Of a block the colour is the calendar's.
  .map((made) => (made.role === null ? { ...made, color: null } : made));

/** Few times, so that many start together. */
const time = fc.integer({ min: 0, max: 9 }).map((n) => Date.UTC(2026, 2, 1) + n * 60_000);
const occurrences = fc
  .uniqueArray(schedule, { maxLength: 5, selector: ({ schedule_id }) => schedule_id })
  .chain((schedules) =>
    fc.tuple(
      ...schedules.map((one) =>
        fc.uniqueArray(time, { maxLength: 8 }).map((starts) =>
          starts.map((starts_at): ViewedOccurrence => ({
            schedule: one,
            override: null,
            recurrence_local: starts_at,
            starts_at,
            ends_at: starts_at + 60_000,
            starts_local: null,
          })),
        ),
      ),
    ),
  )
  .map((lists) => lists.flat());

it('pages of any size hold together what one page holds, in order, nothing twice', () => {
  fc.assert(
    fc.property(occurrences, fc.integer({ min: 1, max: 7 }), (list, limit) => {
      const all = pageOfView(list, null, Infinity);
      expect(all.next).toBeNull();
      const starts = all.items.map(({ starts_at }) => starts_at);
      expect(starts).toEqual(starts.toSorted((a, b) => a - b));
      const walked: ViewedOccurrence[] = [];
      let after: Position | null = null;
      do {
        const page: Page = pageOfView(list.toReversed(), after, limit);
        expect(page.items.length).toBeLessThanOrEqual(limit);
        walked.push(...page.items);
        after = page.next;
      } while (after);
      expect(printOccurrences(walked)).toBe(printOccurrences(all.items));
      const details = list.filter(({ schedule: { role } }) => role !== null);
      expect(walked.filter(({ schedule: { role } }) => role !== null)).toHaveLength(details.length);
    }),
  );
});

it('what is printed is JSON of items, whatever stands in it, and of blocks it tells no more than when', () => {
  fc.assert(
    fc.property(occurrences, (list) => {
      const { items } = pageOfView(list, null, Infinity);
      const printed = viewItem.array().parse(JSON.parse(printOccurrences(items)));
      expect(printed).toMatchObject(
        items.map(({ schedule, starts_at }) => ({
          starts_at: new Date(starts_at).toISOString().replace('.000', ''),
          title: schedule.role === null ? null : schedule.title,
          schedule_id: schedule.role === null ? null : schedule.schedule_id,
          visibility: schedule.role === null ? 'busy' : schedule.visibility,
        })),
      );
    }),
  );
});

it('times are printed as ISO 8601 has them', () => {
  const any = fc.date({
    min: new Date('1890-01-01T00:00:00Z'),
    max: new Date('2110-01-01T00:00:00Z'),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(any, (date) => {
      const text = date.toISOString().slice(0, 19);
      expect(printSeconds(date.getTime())).toBe(text);
      expect(printInstant(date.getTime())).toBe(`${text}Z`);
      expect(printDay(Math.floor(date.getTime() / 86_400_000))).toBe(text.slice(0, 10));
    }),
  );
});
