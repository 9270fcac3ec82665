import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import {
  seedCalendar,
  seedGuest,
  seedOverride,
  seedSchedule,
  seedSubscription,
  type SeededCalendar,
  type SeededSchedule,
} from '@potentia/db/testing/seed-calendar';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { UserCtx } from '../platform/ctx.ts';
import { as, look, materialise, see, titles } from './testing/view-kit.ts';

let database: TestDatabase;
let home: SeededWorkspace;
let calendar: SeededCalendar;
let owner: UserCtx;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  home = await seedWorkspace(database.db);
  calendar = await seedCalendar(database.db, home);
  owner = person(calendar);
});

const person = (who: { user_id: string }): UserCtx => as(database, who);
const subscriber = async (role: 'editor' | 'viewer' | 'freebusy'): Promise<UserCtx> =>
  person(await seedSubscription(database.db, calendar, role));
const put = (overrides: Parameters<typeof seedSchedule>[2] = {}, where = calendar): Promise<SeededSchedule> =>
  seedSchedule(database.db, where, overrides);
const write = (...schedules: SeededSchedule[]): Promise<void> => materialise(database, ...schedules);

describe('what a view holds', () => {
  it('is every occurrence in the window, in order, with what a grid shows', async () => {
    const schedule = await put({
      title: 'A "quoted" \\ title\n',
      rrule: 'FREQ=WEEKLY',
      time_zone: 'Europe/Berlin',
      starts_local: '2026-03-16T09:00:00',
    });
    await put({ title: 'Once', starts_local: '2026-03-20T10:00:00' });
    const items = await see(owner);
    expect(items.map(({ starts_at, starts_local }) => [starts_at, starts_local])).toEqual([
      ['2026-03-16T08:00:00Z', '2026-03-16T09:00:00'],
      ['2026-03-20T10:00:00Z', '2026-03-20T10:00:00'],
      ['2026-03-23T08:00:00Z', '2026-03-23T09:00:00'],
      ['2026-03-30T07:00:00Z', '2026-03-30T09:00:00'],
    ]);
    expect(items[0]).toEqual({
      calendar_id: calendar.calendar_id,
      schedule_id: schedule.schedule_id,
      recurrence_id: '2026-03-16T09:00:00',
      starts_at: '2026-03-16T08:00:00Z',
      ends_at: '2026-03-16T09:00:00Z',
      starts_local: '2026-03-16T09:00:00',
      time_zone: 'Europe/Berlin',
      is_all_day: false,
      is_recurring: true,
      is_override: false,
      title: 'A "quoted" \\ title\n',
      location: null,
      status: 'confirmed',
      transparency: 'opaque',
      visibility: 'default',
      color: null,
      my_response: null,
      organiser_user_id: calendar.user_id,
      can_edit: true,
    });
  });

  it('overlaps the window: what began before it, however long ago, but not what ended before or begins after', async () => {
    const schedules = [
      await put({ title: 'days', starts_local: '2026-02-01T00:00:00', duration_seconds: 40 * 86_400 }),
      await put({ title: 'hours', starts_local: '2026-02-28T23:00:00', duration_seconds: 7_200 }),
      await put({ title: 'over', starts_local: '2026-02-28T23:00:00', duration_seconds: 3_600 }),
      await put({ title: 'instant', starts_local: '2026-03-01T00:00:00', duration_seconds: 0 }),
      await put({ title: 'last', starts_local: '2026-03-31T23:59:59' }),
      await put({ title: 'next', starts_local: '2026-04-01T00:00:00' }),
    ];
    const expected = ['days', 'hours', 'instant', 'last'];
    expect(await titles(owner)).toEqual(expected);
    await write(...schedules);
    const { items, read } = await look(owner);
    expect(items.map(({ title }) => title)).toEqual(expected);
    expect(read).toEqual({ instances: 4, expanded: 0 });
  });

  it('shows all-day and floating schedules on the days of whoever looks, and nothing of the days beside', async () => {
    const schedules = [
      await put({ title: 'before', is_all_day: true, starts_local: '2026-03-02' }),
      await put({ title: 'day', is_all_day: true, starts_local: '2026-03-03' }),
      await put({ title: 'floating', time_zone: null, starts_local: '2026-03-03T09:00:00' }),
      await put({ title: 'early', time_zone: null, starts_local: '2026-03-03T00:30:00' }),
      await put({ title: 'late', time_zone: null, starts_local: '2026-03-03T23:00:00', duration_seconds: 1_800 }),
      await put({ title: 'after', is_all_day: true, starts_local: '2026-03-04' }),
    ];
    for (const is_materialised of [false, true]) {
      if (is_materialised) await write(...schedules);
      for (const [time_zone, from, to, day, nine] of [
        [
          'Pacific/Kiritimati',
          '2026-03-02T10:00:00Z',
          '2026-03-03T10:00:00Z',
          '2026-03-02T10:00:00Z',
          '2026-03-02T19:00:00Z',
        ],
        [
          'America/Los_Angeles',
          '2026-03-03T08:00:00Z',
          '2026-03-04T08:00:00Z',
          '2026-03-03T08:00:00Z',
          '2026-03-03T17:00:00Z',
        ],
      ] as const) {
        expect(await see(owner, { time_zone, from, to })).toMatchObject([
          {
            title: 'day',
            starts_at: day,
            ends_at: to,
            starts_local: '2026-03-03',
            recurrence_id: '2026-03-03',
            time_zone: null,
          },
          { title: 'early', starts_local: '2026-03-03T00:30:00' },
          { title: 'floating', starts_at: nine, starts_local: '2026-03-03T09:00:00', is_all_day: false },
          { title: 'late', starts_local: '2026-03-03T23:00:00' },
        ]);
      }
    }
  });

  it('names an occurrence that the clocks skip as the rule does, and shows it when it is', async () => {
    const schedule = await put({
      rrule: 'FREQ=DAILY;COUNT=3',
      time_zone: 'Europe/Berlin',
      starts_local: '2026-03-28T02:30:00',
    });
    for (const is_materialised of [false, true]) {
      if (is_materialised) await write(schedule);
      expect((await see(owner)).map((i) => [i.recurrence_id, i.starts_local, i.starts_at])).toEqual([
        ['2026-03-28T02:30:00', '2026-03-28T02:30:00', '2026-03-28T01:30:00Z'],
        ['2026-03-29T02:30:00', '2026-03-29T03:30:00', '2026-03-29T01:30:00Z'],
        ['2026-03-30T02:30:00', '2026-03-30T02:30:00', '2026-03-30T00:30:00Z'],
      ]);
    }
  });

  it("takes one's own zone when none is named", async () => {
    await put({ is_all_day: true, starts_local: '2026-03-03' });
    await database.asOwner(`update app.users set time_zone = 'Asia/Jakarta' where id = $1`, [calendar.user_id]);
    expect(await see(owner, { time_zone: undefined })).toMatchObject([{ starts_at: '2026-03-02T17:00:00Z' }]);
  });

  it('shows occurrences that differ as they are, where they have been moved to, and none that were cancelled', async () => {
    const schedule = await put({ title: 'Series', rrule: 'FREQ=DAILY;COUNT=5' });
    await seedOverride(database.db, schedule, { recurrence_id: '2026-03-03T09:00:00', is_cancelled: true });
    await seedOverride(database.db, schedule, { recurrence_id: '2026-03-04T09:00:00', title: 'Other' });
    await seedOverride(database.db, schedule, {
      recurrence_id: '2026-03-05T09:00:00',
      starts_local: '2026-03-20T08:00:00',
      duration_seconds: 60,
    });
    const expected = [
      ['2026-03-02T09:00:00Z', 'Series', false],
      ['2026-03-04T09:00:00Z', 'Other', true],
      ['2026-03-06T09:00:00Z', 'Series', false],
      ['2026-03-20T08:00:00Z', 'Series', true],
    ];
    const plain = async () => (await see(owner)).map((i) => [i.starts_at, i.title, i.is_override]);
    expect(await plain()).toEqual(expected);
    await write(schedule);
    expect(await plain()).toEqual(expected);
    expect(await see(owner, { from: '2026-03-20T00:00:00Z' })).toMatchObject([
      { recurrence_id: '2026-03-05T09:00:00', ends_at: '2026-03-20T08:01:00Z' },
    ]);
    // Words of one occurrence touch no instance.
    await seedOverride(database.db, schedule, { recurrence_id: '2026-03-06T09:00:00', title: 'Later' });
    expect((await look(owner)).read).toEqual({ instances: 4, expanded: 0 });
    expect(await titles(owner)).toEqual(['Series', 'Other', 'Later', 'Series']);
  });

  it("shows one's own answer to each occurrence, and the colour of one's subscription before others", async () => {
    const schedule = await put({ rrule: 'FREQ=DAILY;COUNT=3' });
    const viewer = await subscriber('viewer');
    const { user_id } = viewer.actor;
    const { guest_id } = await seedGuest(database.db, schedule, { user_id, response: 'accepted' });
    await database.asOwner(
      `insert into app.schedule_responses (workspace_id, calendar_id, schedule_id, guest_id, recurrence_id, applies_to, response)
       values ($1, $2, $3, $4, '2026-03-03T09:00:00', 'this', 'declined')`,
      [home.workspace_id, calendar.calendar_id, schedule.schedule_id, guest_id],
    );
    await database.asOwner(`update app.schedules set color = '#111111' where id = $1`, [schedule.schedule_id]);
    await database.asOwner(`update app.calendars set color = '#222222' where id = $1`, [calendar.calendar_id]);
    expect((await see(viewer)).map(({ my_response, color }) => [my_response, color])).toEqual([
      ['accepted', '#111111'],
      ['declined', '#111111'],
      ['accepted', '#111111'],
    ]);
    await database.asOwner(`update app.calendar_subscriptions set color = '#333333' where user_id = $1`, [user_id]);
    expect(await see(viewer, { to: '2026-03-03T00:00:00Z' })).toMatchObject([{ color: '#333333', can_edit: false }]);
    expect(await see(owner, { to: '2026-03-03T00:00:00Z' })).toMatchObject([{ color: '#111111', my_response: null }]);
  });

  it('leaves out calendars that are hidden unless they are named or asked for, but nothing that one is a guest of', async () => {
    const invited = await put({ title: 'invited', starts_local: '2026-03-02T08:00:00' });
    await put({ title: 'hidden' });
    const elsewhere = await seedCalendar(database.db, home, { owner: { user_id: calendar.user_id } });
    await put({ title: 'shown' }, elsewhere);
    await seedGuest(database.db, invited, { user_id: calendar.user_id });
    await database.asOwner('update app.calendar_subscriptions set is_hidden = true where calendar_id = $1', [
      calendar.calendar_id,
    ]);
    expect((await titles(owner)).toSorted()).toEqual(['invited', 'shown']);
    expect((await titles(owner, { include_hidden: true })).toSorted()).toEqual(['hidden', 'invited', 'shown']);
    expect(await titles(owner, { calendar_id: calendar.calendar_id })).toEqual(['invited', 'hidden']);
    expect(await titles(owner, { calendar_id: elsewhere.calendar_id })).toEqual(['shown']);
  });

  it('finds words in title, location and description, of occurrences as they are, and in none that one may not read', async () => {
    const schedule = await put({ title: 'Planning of Ångström', rrule: 'FREQ=DAILY;COUNT=2' });
    await seedOverride(database.db, schedule, { recurrence_id: '2026-03-03T09:00:00', title: 'Retro 100%' });
    await put({ title: 'planning in secret', visibility: 'private' });
    await database.asOwner(`update app.schedules set location = 'Room 5', description = 'the budget' where id = $1`, [
      schedule.schedule_id,
    ]);
    const viewer = await subscriber('viewer');
    const onlooker = await subscriber('freebusy');
    for (const is_materialised of [false, true]) {
      if (is_materialised) await write(schedule);
      expect(await titles(viewer, { q: 'PLAN ångs' })).toEqual(['Planning of Ångström']);
      expect(await titles(viewer, { q: 'budget room' })).toEqual(['Planning of Ångström', 'Retro 100%']);
      expect(await titles(viewer, { q: '100%' })).toEqual(['Retro 100%']);
      expect(await titles(viewer, { q: '_' })).toEqual([]);
      expect(await titles(viewer, { q: 'secret' })).toEqual([]);
      expect(await titles(owner, { q: 'secret' })).toEqual(['planning in secret']);
      expect(await titles(onlooker, { q: 'planning' })).toEqual([]);
    }
  });
});
