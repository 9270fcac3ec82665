import { expect, it } from 'vitest';
import { answer, countedIds, guest, override, planned } from '../testing/planned-schedule.ts';
import { comparePlan } from './compare-plan.ts';
import type { Edit, PlannedSchedule } from './plan-types.ts';
import { planEdit } from './plan.ts';

const MARCH = { from: Date.UTC(2026, 2, 1), to: Date.UTC(2026, 3, 1) };
const compare = (current: PlannedSchedule, edit: Partial<Edit>, window = MARCH) =>
  comparePlan(
    current,
    planEdit(current, { kind: 'update', scope: 'all', recurrence_id: null, patch: {}, ...edit }, countedIds()),
    window,
  );
const counts = ({ added, removed, moved }: ReturnType<typeof compare>) => [added.count, removed.count, moved.count];

it('a change of time moves the occurrences of the window alone, each under the name that it had', () => {
  const moved = compare(planned(), { patch: { starts_local: '2026-02-02T10:00:00' } });
  expect(counts(moved)).toEqual([0, 0, 5]);
  expect(moved.moved.items[0]).toEqual({
    recurrence_id: '2026-03-02T09:00:00',
    from: expect.objectContaining({ schedule_id: 's1', starts_at: Date.UTC(2026, 2, 2, 14) }),
    to: expect.objectContaining({ recurrence_id: '2026-03-02T10:00:00', starts_at: Date.UTC(2026, 2, 2, 15) }),
  });
});

it('what leaves the window, or comes into it, is moved', () => {
  const far = {
    recurrence_id: '2026-03-09T09:00:00',
    scope: 'this' as const,
    patch: { starts_local: '2027-03-09T09:00:00' },
  };
  expect(counts(compare(planned(), far))).toEqual([0, 0, 1]);
  const week = { from: Date.UTC(2027, 2, 9), to: Date.UTC(2027, 2, 10) };
  expect(counts(compare(planned(), far, week))).toEqual([0, 0, 1]);
  const there = planned({ overrides: [override('2026-03-09T09:00:00', { starts_local: '2027-03-09T09:00:00' })] });
  const back = { ...far, patch: { starts_local: '2026-03-09T09:00:00' } };
  expect(counts(compare(there, back))).toEqual([0, 0, 1]);
  expect(counts(compare(there, back, week))).toEqual([0, 0, 1]);
});

it('a cut moves nothing by itself, and shows what the new rule adds and removes', () => {
  const from = { scope: 'following' as const, recurrence_id: '2026-03-09T09:00:00' };
  expect(counts(compare(planned(), { ...from, patch: { title: 'New' } }))).toEqual([0, 0, 0]);
  const more = compare(planned(), { ...from, patch: { rrule: 'FREQ=WEEKLY;BYDAY=MO,WE' } });
  expect(counts(more)).toEqual([3, 0, 0]);
  expect(more.added.items[0]).toMatchObject({
    recurrence_id: '2026-03-11T09:00:00',
    schedule_id: expect.stringContaining('new'),
  });
  const fewer = compare(planned(), { ...from, patch: { rrule: 'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO' } });
  expect(counts(fewer)).toEqual([0, 2, 0]);
});

it('what is lost is counted of the whole series', () => {
  const current = planned({
    overrides: [override('2026-02-09T09:00:00', { title: 'x' }), override('2026-02-16T09:00:00', { title: 'y' })],
    guests: [guest('g1')],
    responses: [answer('2026-02-09T09:00:00')],
  });
  const { lost } = compare(current, { kind: 'delete', scope: 'this', recurrence_id: '2026-02-09T09:00:00' });
  expect(lost).toMatchObject({ overrides: { count: 1 }, responses: { count: 1 }, reminders: { count: 0 } });
  expect(compare(current, { kind: 'delete' }).lost.overrides.count).toBe(2);
});

it('lists are bounded, and say so', () => {
  const daily = planned({ rrule: 'FREQ=DAILY' });
  const years = { from: Date.UTC(2026, 0, 1), to: Date.UTC(2028, 0, 1) };
  const { removed } = compare(daily, { kind: 'delete' }, years);
  expect(removed).toMatchObject({ truncated: true, items: { length: 500 } });
  expect(removed.count).toBeGreaterThan(690);
});
