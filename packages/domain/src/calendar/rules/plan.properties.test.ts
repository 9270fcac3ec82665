import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  answer,
  applyPlan,
  countedIds,
  guest,
  occurrencesOf,
  override,
  planned,
  reminder,
} from '../testing/planned-schedule.ts';
import { comparePlan } from './compare-plan.ts';
import type { Edit, Plan, PlannedSchedule, SchedulePatch } from './plan-types.ts';
import { planEdit } from './plan.ts';
import { printParts, printUntil, readParts } from './rule-parts.ts';
import { isFirst } from './split-series.ts';
import { parseLocal, printLocal } from './local-time.ts';

const SHOWN = 40;
const DAY = 86_400_000;
const WEEKDAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];
/** The first instant of a series, and the end of what is compared of it. */
const EVER = { from: Date.UTC(2026, 0, 1), to: Date.UTC(2033, 0, 1) };

const frame = fc.oneof(
  fc.record({
    time_zone: fc.constantFrom('UTC', 'America/New_York', 'Asia/Jakarta', null),
    is_all_day: fc.constant(false),
  }),
  fc.constant({ time_zone: null, is_all_day: true }),
);

/** Rules whose start is one of their times. */
const rule = (start: number) =>
  fc.oneof(
    fc.constant('FREQ=DAILY'),
    fc.constant('FREQ=WEEKLY'),
    fc.uniqueArray(fc.constantFrom(...WEEKDAYS), { maxLength: 3 }).map((days) => {
      const all = new Set([...days, WEEKDAYS[new Date(start).getUTCDay()]!]);
      return `FREQ=WEEKLY;BYDAY=${WEEKDAYS.filter((day) => all.has(day)).join(',')}`;
    }),
    fc.constant('FREQ=MONTHLY'),
    fc.constant(`FREQ=MONTHLY;BYMONTHDAY=${new Date(start).getUTCDate()}`),
  );

const end = fc.oneof(
  fc.constant(null),
  fc.integer({ min: 3, max: 30 }).map((count) => ({ count })),
  fc.integer({ min: 20, max: 300 }).map((days) => ({ days })),
);

/** A series with what differs, and what hangs on its occurrences; each list names some of the first of them. */
const schedule: fc.Arbitrary<PlannedSchedule> = fc
  .record({ frame, minutes: fc.integer({ min: 0, max: 365 * 1_440 }), interval: fc.integer({ min: 1, max: 3 }), end })
  .chain(({ frame: { time_zone, is_all_day }, minutes, interval, end: ends }) => {
    const clock = is_all_day ? Math.floor(minutes / 1_440) * 1_440 : minutes;
    const start = Date.UTC(2026, 0, 5) + clock * 60_000;
    const starts_local = printLocal(start, is_all_day);
    const duration_seconds = is_all_day ? 86_400 : 1_800;
    return rule(start).map((head) => {
      const parts = [head, ...(interval > 1 ? [`INTERVAL=${interval}`] : [])];
      if (ends && 'count' in ends) parts.push(`COUNT=${ends.count}`);
      if (ends && 'days' in ends) parts.push(`UNTIL=${printUntil(start + ends.days * DAY, { time_zone, is_all_day })}`);
      return planned({
        time_zone,
        is_all_day,
        starts_local,
        duration_seconds,
        rrule: printParts(readParts(parts.join(';'))),
      });
    });
  })
  .chain((series) => {
    const names = occurrencesOf(series, 12).map(({ recurrence_id }) => recurrence_id);
    const some = (max: number) => fc.uniqueArray(fc.constantFrom(...names), { maxLength: Math.min(max, names.length) });
    return fc
      .record({ left_out: some(2), moved: some(2), named: some(3), answered: some(3), reminded: some(3) })
      .map((picked) => {
        const { left_out, moved, named, answered, reminded } = picked;
        const exdates = names.length - left_out.length > 1 ? left_out : [];
        const live = (list: string[]) => list.filter((name) => !exdates.includes(name));
        const own = live([...new Set([...moved, ...named])]);
        return {
          ...series,
          exdates: exdates.toSorted(),
          overrides: own
            .toSorted()
            .map((name) =>
              override(
                name,
                moved.includes(name)
                  ? { starts_local: printLocal(parseLocal(name) + DAY, series.is_all_day) }
                  : { title: 'Own' },
              ),
            ),
          guests: [guest('g1', 'accepted')],
          responses: live(answered).map((name, n) => answer(name, n % 2 ? 'following' : 'this')),
          reminders: [
            reminder('r0'),
            ...live(reminded).map((recurrence_id, n) =>
              reminder(`r${n + 1}`, { applies_to: n % 2 ? 'following' : 'this', recurrence_id }),
            ),
          ],
        };
      });
  });

/** A schedule, and the name of one of its first occurrences. */
const withName = schedule.chain((current) => {
  const names = occurrencesOf(current, 10).map(({ recurrence_id }) => recurrence_id);
  return fc.constantFrom(...names).map((name) => ({ current, name }));
});

const plan = (
  current: PlannedSchedule,
  kind: Edit['kind'],
  scope: Edit['scope'],
  name: string | null,
  patch: SchedulePatch = {},
) => planEdit(current, { kind, scope, recurrence_id: name, patch }, countedIds());
const firstOf = (schedules: PlannedSchedule[]) =>
  schedules
    .flatMap((one) => occurrencesOf(one, SHOWN))
    .toSorted((a, b) => a.starts_at - b.starts_at || (a.recurrence_id < b.recurrence_id ? -1 : 1))
    .slice(0, SHOWN);
const bySize = (lists: { overrides: unknown[]; responses: unknown[] }) => [
  lists.overrides.length,
  lists.responses.length,
];
const sum = (all: number[][]) => all.reduce(([a = 0, b = 0], [c = 0, d = 0]) => [a + c, b + d], [0, 0]);
const reminderIds = (schedules: { reminders: { id: string }[] }[]) =>
  schedules.flatMap(({ reminders }) => reminders.map(({ id }) => id)).filter((id) => id.startsWith('r'));

/** Every row is where it was, where it is now, or among those that are lost. */
function expectAllAccounted(current: PlannedSchedule, { lost }: Plan, after: PlannedSchedule[]): void {
  expect(sum([...after.map(bySize), bySize(lost)])).toEqual(bySize(current));
  expect([...reminderIds(after), ...reminderIds([lost])].toSorted()).toEqual(reminderIds([current]).toSorted());
}

describe('of any series', () => {
  it('deleting one occurrence removes exactly that one', () => {
    fc.assert(
      fc.property(withName, ({ current, name }) => {
        const done = plan(current, 'delete', 'this', name);
        const after = applyPlan(current, done);
        const left = firstOf([current]).filter(({ recurrence_id }) => recurrence_id !== name);
        expect(firstOf(after).slice(0, left.length)).toEqual(left);
        if (after.length > 0) expectAllAccounted(current, done, after);
        expect(comparePlan(current, done, EVER)).toMatchObject({
          added: { count: 0 },
          removed: { count: 1 },
          moved: { count: 0 },
        });
      }),
    );
  });

  it('a change of the text from one on moves nothing, and loses nothing', () => {
    fc.assert(
      fc.property(withName, ({ current, name }) => {
        const done = plan(current, 'update', 'following', name, { color: '#112233' });
        const after = applyPlan(current, done);
        const starts = (schedules: PlannedSchedule[]) =>
          firstOf(schedules).map(({ recurrence_id, starts_at, ends_at }) => [recurrence_id, starts_at, ends_at]);
        expect(starts(after)).toEqual(starts([current]));
        expect(after).toHaveLength(isFirst(current, name) ? 1 : 2);
        expectAllAccounted(current, done, after);
        expect(bySize(done.lost)).toEqual([0, 0]);
        expect(comparePlan(current, done, EVER)).toMatchObject({
          added: { count: 0 },
          removed: { count: 0 },
          moved: { count: 0 },
        });
      }),
    );
  });

  it('deleting from one on removes exactly that one and those after it', () => {
    fc.assert(
      fc.property(withName, ({ current, name }) => {
        const done = plan(current, 'delete', 'following', name);
        const after = applyPlan(current, done);
        const head = firstOf([current]).filter(({ recurrence_id }) => recurrence_id < name);
        expect(firstOf(after)).toEqual(head);
      }),
    );
  });

  it('moving all moves the wall clock of each by as much', () => {
    const minutes = fc.integer({ min: -1_439, max: 1_439 });
    fc.assert(
      fc.property(schedule, minutes, (current, by) => {
        fc.pre(!current.is_all_day);
        const start = parseLocal(current.starts_local);
        const shifted = start + by * 60_000;
        fc.pre(Math.floor(start / DAY) === Math.floor(shifted / DAY));
        const done = plan(current, 'move', 'all', null, { starts_local: printLocal(shifted, false) });
        const after = applyPlan(current, done);
        const moved = (name: string) => printLocal(parseLocal(name) + by * 60_000, false);
        const names = (one: PlannedSchedule) =>
          firstOf([one])
            .map(({ recurrence_id }) => recurrence_id)
            .toSorted();
        expect(names(after[0]!)).toEqual(names(current).map(moved));
        expect(bySize(done.lost)).toEqual([0, 0]);
        expectAllAccounted(current, done, after);
        const back = plan(after[0]!, 'move', 'all', null, { starts_local: current.starts_local });
        expect(applyPlan(after[0]!, back)).toEqual([current]);
      }),
    );
  });

  it('moving from one on moves that one and those after it, and everything that hangs on them', () => {
    fc.assert(
      fc.property(withName, fc.integer({ min: 1, max: 300 }), ({ current, name }, by) => {
        fc.pre(!current.is_all_day);
        const shifted = parseLocal(name) + by * 60_000;
        fc.pre(Math.floor(parseLocal(name) / DAY) === Math.floor(shifted / DAY));
        const done = plan(current, 'move', 'following', name, { starts_local: printLocal(shifted, false) });
        const after = applyPlan(current, done);
        const moved = (one: string) => (one < name ? one : printLocal(parseLocal(one) + by * 60_000, false));
        const names = (list: PlannedSchedule[]) =>
          list.flatMap((one) => occurrencesOf(one, 400)).map(({ recurrence_id }) => recurrence_id);
        expect(names(after).toSorted().slice(0, SHOWN)).toEqual(names([current]).map(moved).toSorted().slice(0, SHOWN));
        expect(bySize(done.lost)).toEqual([0, 0]);
      }),
    );
  });

  it('whatever becomes of the rule, what hung on it is kept or told as lost', () => {
    const rules = fc.constantFrom(
      'FREQ=DAILY',
      'FREQ=DAILY;INTERVAL=2',
      'FREQ=WEEKLY;INTERVAL=2',
      'FREQ=MONTHLY',
      'FREQ=DAILY;COUNT=3',
      null,
    );
    fc.assert(
      fc.property(
        withName,
        rules,
        fc.constantFrom<Edit['scope']>('all', 'following'),
        ({ current, name }, rrule, scope) => {
          const done = plan(current, 'update', scope, scope === 'all' ? null : name, { rrule });
          const after = applyPlan(current, done);
          expectAllAccounted(current, done, after);
          for (const one of after) {
            const named = new Set(
              occurrencesOf({ ...one, overrides: [] }, 2_000).map(({ recurrence_id }) => recurrence_id),
            );
            if (after.at(-1) === one)
              for (const { recurrence_id } of one.overrides) expect(named).toContain(recurrence_id);
          }
        },
      ),
    );
  });

  it('the same edit again changes nothing', () => {
    const patches = fc.constantFrom<SchedulePatch>(
      { title: 'New' },
      { duration_seconds: 2 * 86_400 },
      { location: 'Here', transparency: 'transparent' },
    );
    fc.assert(
      fc.property(
        withName,
        patches,
        fc.constantFrom<Edit['scope']>('this', 'following', 'all'),
        ({ current, name }, patch, scope) => {
          const named = scope === 'all' ? null : name;
          const after = applyPlan(current, plan(current, 'update', scope, named, patch));
          const last = after.at(-1)!;
          const again = plan(last, 'update', scope, named, patch);
          expect(again).toEqual({
            schedules: [],
            lost: { overrides: [], responses: [], reminders: [] },
            occurrences_changed: false,
            shift: null,
          });
        },
      ),
    );
  });
});
