import { addMember, seedUser, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import { seedCalendar, seedSubscription, type SeededCalendar } from '@potentia/db/testing/seed-calendar';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addGuests } from './add-guests.ts';
import { createSchedule } from './create-schedule.ts';
import { findConflicts } from './find-conflicts.ts';
import { findSlots } from './find-slots.ts';
import type { Series } from './rules/series.ts';
import { startBusyKit, type BusyKit, type PlannerCtx } from './testing/busy-kit.ts';
import { updateSchedule } from './update-schedule.ts';

let kit: BusyKit;
beforeAll(async () => {
  kit = await startBusyKit();
});
afterAll(() => kit[Symbol.asyncDispose]());

let home: SeededWorkspace;
let calendar: SeededCalendar;
let owner: PlannerCtx;
let colleague: PlannerCtx;
beforeEach(async () => {
  home = await seedWorkspace(kit.database.db);
  calendar = await seedCalendar(kit.database.db, home);
  const now = { clock: () => new Date('2026-03-01T12:00:00Z') };
  owner = { ...kit.ctxOf(home.owner_user_id), ...now };
  colleague = { ...kit.ctxOf((await addMember(kit.database.db, home)).user_id), ...now };
});

const series = (fields: Partial<Series> = {}): Series => ({
  starts_local: '2026-03-02T09:30:00',
  time_zone: 'UTC',
  is_all_day: false,
  duration_seconds: 3_600,
  rrule: null,
  rdates: [],
  exdates: [],
  overrides: [],
  ...fields,
});
const add = async (fields: object = {}) => {
  const times = { starts_local: '2026-03-02T09:00:00', duration_seconds: 3_600, time_zone: 'UTC' };
  const input = { calendar_id: calendar.calendar_id, title: 'Meeting', ...times, ...fields };
  return (await createSchedule(owner, input)).result;
};
const about = { user_ids: [] as string[] };
beforeEach(() => {
  about.user_ids = [home.owner_user_id];
});
const at = (day: string, hour: string) => `2026-03-${day}T${hour}:00:00Z`;

describe('conflicts', () => {
  test('name what is in the way, for whoever may read it, before and after it is materialised', async () => {
    const { id } = await add();
    const named = { schedule_id: id, recurrence_id: '2026-03-02T09:00:00', title: 'Meeting' };
    const told = { user_id: home.owner_user_id, starts_at: at('02', '09'), ends_at: at('02', '10'), status: 'busy' };
    for (const _round of [1, 2]) {
      expect(await findConflicts(owner, { ...about, series: series() })).toEqual([{ ...told, occurrence: named }]);
      expect(await findConflicts(colleague, { ...about, series: series() })).toEqual([{ ...told, occurrence: null }]);
      await kit.materialise(calendar.calendar_id);
    }
  });

  test('show no title to those who see only free/busy, nor of what is private', async () => {
    const onlooker = kit.ctxOf((await seedSubscription(kit.database.db, calendar, 'freebusy')).user_id);
    const viewer = kit.ctxOf((await seedSubscription(kit.database.db, calendar, 'viewer')).user_id);
    const now = { clock: owner.clock };
    await add({ title: 'Open' });
    await add({ title: 'Private', visibility: 'private' });
    const titles = async (ctx: PlannerCtx) =>
      (await findConflicts({ ...ctx, ...now }, { ...about, series: series() }))
        .map(({ occurrence }) => occurrence?.title ?? null)
        .toSorted();
    expect(await titles(owner)).toEqual(['Open', 'Private']);
    expect((await titles(viewer)).toSorted()).toEqual(['Open', null].toSorted());
    expect(await titles(onlooker)).toEqual([null, null]);
  });

  test('are of each occurrence, as it was moved and called, and end where they touch', async () => {
    const { id } = await add({ rrule: 'FREQ=DAILY;COUNT=4' });
    const one = { schedule_id: id, scope: 'this' as const, recurrence_id: '2026-03-03T09:00:00' };
    await updateSchedule(owner, { ...one, starts_local: '2026-03-03T10:15:00', title: 'Moved' });
    const found = await findConflicts(owner, { ...about, series: series({ rrule: 'FREQ=DAILY;COUNT=3' }) });
    expect(found.map(({ starts_at, occurrence }) => [starts_at, occurrence?.title])).toEqual([
      [at('02', '09'), 'Meeting'],
      ['2026-03-03T10:15:00Z', 'Moved'],
      [at('04', '09'), 'Meeting'],
    ]);
    const after = series({ starts_local: '2026-03-02T10:00:00' });
    expect(await findConflicts(owner, { ...about, series: after })).toEqual([]);
  });

  test('leave out the schedule itself, whom one may not ask about, and what is over', async () => {
    const { id } = await add({ rrule: 'FREQ=DAILY;COUNT=3' });
    const asked = { ...about, series: series({ rrule: 'FREQ=DAILY;COUNT=3' }) };
    expect(await findConflicts(owner, { ...asked, ignore_schedule_ids: [id] })).toEqual([]);
    const stranger = { ...kit.ctxOf((await seedUser(kit.database.db)).user_id), clock: owner.clock };
    expect(await findConflicts(stranger, asked)).toEqual([]);
    const later = { ...owner, clock: () => new Date('2026-03-03T12:00:00Z') };
    expect(await findConflicts(later, asked)).toHaveLength(1);
  });

  test('are the first twenty, of as many people', async () => {
    await add({ rrule: 'FREQ=DAILY' });
    const found = await findConflicts(owner, { ...about, series: series({ rrule: 'FREQ=DAILY' }) });
    expect(found).toHaveLength(20);
    expect(found.map(({ starts_at }) => starts_at)).toEqual(
      Array.from({ length: 20 }, (_, day) => at(String(day + 2).padStart(2, '0'), '09')),
    );
  });

  test('of a day without a zone are those of the day where each person is', async () => {
    await kit.database.asOwner(`update app.users set time_zone = 'Asia/Tokyo' where id = $1`, [home.owner_user_id]);
    await add({ starts_local: '2026-03-02T16:00:00' });
    const day = (starts_local: string) =>
      series({ starts_local, time_zone: null, is_all_day: true, duration_seconds: 86_400 });
    expect(await findConflicts(owner, { ...about, series: day('2026-03-02') })).toEqual([]);
    expect(await findConflicts(owner, { ...about, series: day('2026-03-03') })).toMatchObject([
      { starts_at: at('02', '16') },
    ]);
  });

  test('are none of occurrences that were cancelled or make nobody busy', async () => {
    await add({ rrule: 'FREQ=DAILY;COUNT=3' });
    const second = await add({ rrule: 'FREQ=DAILY;COUNT=3' });
    const one = (day: number) =>
      ({ schedule_id: second.id, scope: 'this', recurrence_id: `2026-03-0${day}T09:00:00` }) as const;
    await updateSchedule(owner, { ...one(2), status: 'cancelled' });
    await updateSchedule(owner, { ...one(4), transparency: 'transparent' });
    const moved = await updateSchedule(owner, { schedule_id: second.id, duration_seconds: 1_800 });
    expect(moved).toMatchObject({ conflicts: [{ starts_at: at('03', '09') }] });
  });

  test('are told by whoever writes a schedule and by whoever changes one, of guests too', async () => {
    await add();
    const second = await add({ title: 'Second' });
    expect(second.conflicts).toMatchObject([{ occurrence: { title: 'Meeting' } }]);
    const moved = await updateSchedule(owner, { schedule_id: second.id, starts_local: '2026-03-09T09:00:00' });
    expect(moved).toMatchObject({ conflicts: [] });
    const { user_id } = colleague.actor;
    const own = await seedCalendar(kit.database.db, home, { owner: colleague.actor });
    const times = { starts_local: '2026-03-10T09:00:00', duration_seconds: 3_600, time_zone: 'UTC' };
    await createSchedule(colleague, { calendar_id: own.calendar_id, title: 'Dentist', ...times });
    await addGuests(owner, { schedule_id: second.id, user_id });
    const again = await updateSchedule(owner, { schedule_id: second.id, starts_local: '2026-03-10T09:30:00' });
    expect(again).toMatchObject({ conflicts: [{ user_id, occurrence: null, starts_at: at('10', '09') }] });
  });
});

describe('slots', () => {
  test('are free for everybody, told by the clock of each; whom one may not ask about is named', async () => {
    const { user_id } = colleague.actor;
    await kit.database.asOwner(`update app.users set time_zone = 'Europe/Berlin' where id = $1`, [user_id]);
    await add();
    await add({ starts_local: '2026-03-02T10:00:00', status: 'tentative' });
    const stranger = (await seedUser(kit.database.db)).user_id;
    const asked = {
      user_ids: [home.owner_user_id, user_id, stranger],
      from: '2026-03-02T00:00:00Z',
      to: '2026-03-03T00:00:00Z',
      duration_minutes: 60,
      limit: 1,
    };
    const local = (starts_local: string, berlin: string) => [
      { user_id: home.owner_user_id, time_zone: 'UTC', starts_local },
      { user_id, time_zone: 'Europe/Berlin', starts_local: berlin },
    ];
    expect(await findSlots(owner, asked)).toEqual({
      slots: [
        {
          starts_at: at('02', '11'),
          ends_at: at('02', '12'),
          local: local('2026-03-02T11:00:00', '2026-03-02T12:00:00'),
        },
      ],
      not_found: [stranger],
    });
    expect(await findSlots(owner, { ...asked, include_tentative: false })).toMatchObject({
      slots: [{ starts_at: at('02', '10') }],
    });
    expect(await findSlots(owner, { ...asked, working_hours: null })).toMatchObject({
      slots: [{ starts_at: at('02', '00') }],
    });
    const early = { user_id: home.owner_user_id, working_hours: { start: '06:00', end: '09:00' } };
    expect(await findSlots(owner, { ...asked, people: [early] })).toMatchObject({
      slots: [{ starts_at: at('02', '08') }],
    });
    expect(await findSlots(owner, { ...asked, user_ids: [stranger] })).toEqual({ slots: [], not_found: [stranger] });
  });

  test('refuse exceptions for people who are not asked about', async () => {
    const window = { from: '2026-03-02T00:00:00Z', to: '2026-03-03T00:00:00Z', duration_minutes: 60 };
    const people = [{ user_id: colleague.actor.user_id }];
    await expect(findSlots(owner, { ...about, ...window, people })).rejects.toMatchObject({
      meta: { errors: [{ pointer: '/people/0/user_id' }] },
    });
  });
});
