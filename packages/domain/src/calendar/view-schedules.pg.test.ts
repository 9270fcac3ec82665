import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { addMember, seedUser, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
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
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { personCtx } from '../platform/testing/person.ts';
import type { BusyCtx } from './busy-cache.ts';
import { createSchedule } from './create-schedule.ts';
import { deleteSchedule } from './delete-schedule.ts';
import { fanOutCalendar } from './fan-out-calendar.ts';
import { materialiseSchedule } from './materialise-schedule.ts';
import { expandSeries } from './rules/expand.ts';
import type { Series } from './rules/series.ts';
import { jobCtx } from './testing/instance-kit.ts';
import { updateSchedule } from './update-schedule.ts';
import { type ViewItem, viewPage, type viewQuery } from './view-schemas.ts';
import { viewSchedules } from './view-schedules.ts';

const NOW = '2026-03-10T12:00:00Z';
const MARCH = { from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z', time_zone: 'UTC' };
/** As while Redis is away. */
const NO_COPIES: BusyCtx['busy'] = { read: () => null, write: () => Promise.resolve(), count: () => undefined };

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
  owner = as(calendar);
});

const as = ({ user_id }: { user_id: string }): UserCtx =>
  personCtx(database.db, user_id, { clock: () => new Date(NOW) });
const subscriber = async (role: 'editor' | 'viewer' | 'freebusy', overrides = {}): Promise<UserCtx> =>
  as(await seedSubscription(database.db, calendar, role, undefined, overrides));
const put = (overrides: Parameters<typeof seedSchedule>[2] = {}, where = calendar): Promise<SeededSchedule> =>
  seedSchedule(database.db, where, overrides);
const materialise = async (...schedules: { schedule_id: string }[]): Promise<void> => {
  const ctx = jobCtx(database.job_db, () => new Date(NOW));
  for (const { schedule_id } of schedules) await materialiseSchedule(ctx, { payload: { schedule_id } });
};

async function look(ctx: UserCtx, query: Partial<z.input<typeof viewQuery>> = {}) {
  const { json, read } = await viewSchedules(ctx, { ...MARCH, ...query });
  return { ...viewPage.parse(JSON.parse(json)), read };
}
const see = async (ctx: UserCtx, query: Partial<z.input<typeof viewQuery>> = {}): Promise<ViewItem[]> =>
  (await look(ctx, query)).items;
const titles = async (ctx: UserCtx, query: Partial<z.input<typeof viewQuery>> = {}): Promise<(string | null)[]> =>
  (await see(ctx, query)).map(({ title }) => title);
const failsWith = (code: string) => expect.objectContaining({ code }) as Error;

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
    await materialise(...schedules);
    const { items, read } = await look(owner);
    expect(items.map(({ title }) => title)).toEqual(expected);
    expect(read).toEqual({ instances: 4, expanded: 0 });
  });

  it('shows all-day and floating schedules on the days of whoever looks, and nothing of the days beside', async () => {
    const schedules = [
      await put({ title: 'before', is_all_day: true, starts_local: '2026-03-02' }),
      await put({ title: 'day', is_all_day: true, starts_local: '2026-03-03' }),
      await put({ title: 'floating', time_zone: null, starts_local: '2026-03-03T09:00:00' }),
      await put({ title: 'after', is_all_day: true, starts_local: '2026-03-04' }),
    ];
    for (const is_materialised of [false, true]) {
      if (is_materialised) await materialise(...schedules);
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
          { title: 'floating', starts_at: nine, starts_local: '2026-03-03T09:00:00', is_all_day: false },
        ]);
      }
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
    await materialise(schedule);
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
      if (is_materialised) await materialise(schedule);
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

describe('who sees what', () => {
  it('subscribers see occurrences by their role; a viewer sees of what is private, and an onlooker of all, only that somebody is busy', async () => {
    const [editor, viewer, onlooker] = [
      await subscriber('editor'),
      await subscriber('viewer'),
      await subscriber('freebusy'),
    ];
    const schedules = [
      await put({ title: 'open' }),
      await put({ title: 'private', visibility: 'private', starts_local: '2026-03-03T09:00:00' }),
      await put({ title: 'twin', visibility: 'private', starts_local: '2026-03-03T09:00:00' }),
      await put({
        title: 'free',
        visibility: 'private',
        transparency: 'transparent',
        starts_local: '2026-03-04T09:00:00',
      }),
      await put({ title: 'off', visibility: 'private', status: 'cancelled', starts_local: '2026-03-05T09:00:00' }),
    ];
    for (const is_materialised of [false, true]) {
      if (is_materialised) await materialise(...schedules);
      for (const ctx of [owner, editor]) {
        expect((await titles(ctx)).toSorted()).toEqual(['free', 'off', 'open', 'private', 'twin']);
        expect((await see(ctx)).every(({ can_edit }) => can_edit)).toBe(true);
      }
      const block = {
        calendar_id: calendar.calendar_id,
        schedule_id: null,
        recurrence_id: null,
        starts_at: '2026-03-03T09:00:00Z',
        ends_at: '2026-03-03T10:00:00Z',
        title: null,
        visibility: 'busy',
        organiser_user_id: null,
        can_edit: false,
      };
      expect(await see(viewer)).toMatchObject([{ title: 'open', can_edit: false }, block]);
      expect(await see(onlooker)).toMatchObject([
        { starts_at: '2026-03-02T09:00:00Z', schedule_id: null, title: null },
        block,
      ]);
      const told = JSON.stringify([await look(onlooker), await look(onlooker, { limit: 1 })]);
      for (const { schedule_id } of schedules) expect(told).not.toContain(schedule_id);
      const { next_cursor } = await look(onlooker, { limit: 1 });
      expect(Buffer.from(next_cursor ?? '', 'base64url').toString()).toContain(calendar.calendar_id);
    }
  });

  it('whoever organises what is private sees it as a viewer, and guests see it whatever their role', async () => {
    const viewer = await subscriber('viewer');
    const onlooker = await subscriber('freebusy');
    const schedule = await put({ title: 'private', visibility: 'private', organiser_user_id: viewer.actor.user_id });
    const guest = await seedGuest(database.db, schedule);
    await seedGuest(database.db, schedule, { user_id: onlooker.actor.user_id });
    expect(await see(viewer)).toMatchObject([{ title: 'private', can_edit: true }]);
    expect(await see(onlooker)).toMatchObject([{ title: 'private', can_edit: false, my_response: 'needs_action' }]);
    expect(await see(as({ user_id: guest.user_id! }))).toMatchObject([
      { title: 'private', my_response: 'needs_action' },
    ]);
  });

  it('nothing is left for whoever is no more a subscriber, a guest or in the workspace, though their rows remain', async () => {
    const [viewer, leaver] = [await subscriber('viewer'), await subscriber('viewer')];
    const schedule = await put({ title: 'Series', rrule: 'FREQ=DAILY;COUNT=3' });
    const guests = [await seedGuest(database.db, schedule), await seedGuest(database.db, schedule)];
    const [guest, guest_leaver] = guests.map(({ user_id }) => as({ user_id: user_id! })) as [UserCtx, UserCtx];
    const everybody = [viewer, leaver, guest, guest_leaver];
    await materialise(schedule);
    await fanOutCalendar(
      jobCtx(database.job_db, () => new Date(NOW)),
      { payload: { calendar_id: calendar.calendar_id } },
    );
    for (const ctx of everybody) expect(await titles(ctx)).toHaveLength(3);
    await database.asOwner('delete from app.calendar_subscriptions where user_id = $1', [viewer.actor.user_id]);
    await database.asOwner('delete from app.schedule_guests where user_id = $1', [guest.actor.user_id]);
    await database.asOwner('delete from app.workspace_members where user_id = any ($1)', [
      [leaver.actor.user_id, guest_leaver.actor.user_id],
    ]);
    for (const ctx of everybody) expect(await look(ctx)).toMatchObject({ items: [], next_cursor: null });
    for (const ctx of everybody) expect(await titles(ctx, { include_hidden: true, q: 'Series' })).toEqual([]);
  });

  it('a stranger, an unsubscribed member and a deleted workspace show nothing; a calendar that one may not see is none', async () => {
    const schedule = await put();
    const member = as(await addMember(database.db, home));
    const stranger = as(await seedUser(database.db));
    for (const ctx of [member, stranger]) {
      expect(await see(ctx)).toEqual([]);
      await expect(look(ctx, { calendar_id: calendar.calendar_id })).rejects.toEqual(failsWith('calendar.not_found'));
    }
    await expect(look(owner, { calendar_id: schedule.schedule_id })).rejects.toEqual(failsWith('calendar.not_found'));
    await database.asOwner('update app.workspaces set deleted_at = now() where id = $1', [home.workspace_id]);
    expect(await see(owner)).toEqual([]);
    await expect(look(owner, { calendar_id: calendar.calendar_id })).rejects.toEqual(failsWith('calendar.not_found'));
  });

  it('whoever reads the rows of others sees what they would of their own, once', async () => {
    const schedules = [
      await put({ title: 'daily', rrule: 'FREQ=DAILY;COUNT=3' }),
      await put({ title: 'long', starts_local: '2026-02-20T00:00:00', duration_seconds: 20 * 86_400 }),
    ];
    await materialise(...schedules);
    const expected = ['long', 'daily', 'daily', 'daily'];
    const borrower = await subscriber('viewer');
    expect(await titles(borrower)).toEqual(expected);
    expect((await look(borrower)).read).toEqual({ instances: 4, expanded: 0 });
    const shared = await seedCalendar(database.db, home, { fan_out: 'shared' });
    await database.asOwner('update app.calendar_subscriptions set instances_of = null where calendar_id = $1', [
      shared.calendar_id,
    ]);
    const reader = as(await seedSubscription(database.db, shared, 'viewer', undefined, { instances_of: null }));
    const rows = [
      await put({ title: 'daily', rrule: 'FREQ=DAILY;COUNT=3' }, shared),
      await put({ title: 'long', starts_local: '2026-02-20T00:00:00', duration_seconds: 20 * 86_400 }, shared),
    ];
    await materialise(...rows);
    expect(await look(reader)).toMatchObject({
      items: expected.map((title) => ({ title })),
      read: { instances: 4, expanded: 0 },
    });
  });
});

describe('pages', () => {
  const walk = async (ctx: UserCtx, query: Partial<z.input<typeof viewQuery>>): Promise<ViewItem[]> => {
    const items: ViewItem[] = [];
    let cursor: string | undefined;
    do {
      const page = await look(ctx, { ...query, cursor });
      items.push(...page.items);
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    return items;
  };

  it('together hold what one page would, whatever their size, of stored and of expanded occurrences', async () => {
    const stored = [
      await put({ title: 'a', rrule: 'FREQ=DAILY' }),
      await put({ title: 'b', rrule: 'FREQ=DAILY' }),
      await put({ title: 'long', starts_local: '2026-02-20T09:00:00', duration_seconds: 20 * 86_400 }),
      await put({ title: 'day', is_all_day: true, starts_local: '2026-03-02', rrule: 'FREQ=WEEKLY' }),
    ];
    await materialise(...stored);
    await put({
      title: 'dirty',
      rrule: 'FREQ=DAILY;INTERVAL=2',
      time_zone: 'Asia/Jakarta',
      first_at: '2026-03-01T00:00:00Z',
    });
    await put({ title: 'dirty long', starts_local: '2026-02-21T09:00:00', duration_seconds: 30 * 86_400 });
    for (const to of ['2026-04-01T00:00:00Z', '2026-07-01T00:00:00Z']) {
      const all = await see(owner, { to, limit: 5_000, time_zone: 'Asia/Jakarta' });
      expect(all.length).toBeGreaterThan(70);
      for (const limit of [1, 7, 30]) expect(await walk(owner, { to, limit, time_zone: 'Asia/Jakarta' })).toEqual(all);
    }
  });

  it('refuse a cursor of another list, and a window that is none or too long', async () => {
    const problem = (pointer: string) =>
      expect.objectContaining({
        meta: { errors: expect.arrayContaining([expect.objectContaining({ pointer })]) },
      }) as Error;
    for (const cursor of [
      'x',
      Buffer.from('"x"').toString('base64url'),
      Buffer.from('[1e300,"",0]').toString('base64url'),
    ])
      await expect(look(owner, { cursor })).rejects.toEqual(problem('/cursor'));
    await expect(look(owner, { to: MARCH.from })).rejects.toEqual(problem('/to'));
    await expect(look(owner, { to: '2027-04-06T00:00:00Z' })).rejects.toEqual(problem('/to'));
    expect(await see(owner, { to: '2027-04-05T00:00:00Z' })).toEqual([]);
    await expect(look(owner, { from: '1800-01-01T00:00:00Z', to: '1800-02-01T00:00:00Z' })).rejects.toEqual(
      problem('/from'),
    );
    await expect(look(owner, { time_zone: '+02:00' })).rejects.toEqual(problem('/time_zone'));
    await expect(look(owner, { q: ' ' })).rejects.toEqual(problem('/q'));
  });

  it('of more series than one page expands hold the beginning of the window, and a window that is too full is refused', async () => {
    await database.asOwner(
      `insert into app.schedules (id, workspace_id, calendar_id, uid, organiser_user_id, title, starts_local, time_zone, duration_seconds,
         first_at, last_at, created_by)
       select gen_random_uuid(), $1, $2, n::text, $3, n::text, at, 'UTC', 600, at at time zone 'UTC', (at + interval '10 minutes') at time zone 'UTC', $3
       from generate_series(0, 1499) n, lateral (select timestamp '2026-03-01' + n * interval '29 minutes' as at) a`,
      [home.workspace_id, calendar.calendar_id, calendar.user_id],
    );
    const items = await walk(owner, { limit: 5_000 });
    expect(items.map(({ title }) => title)).toEqual(
      Array.from({ length: 1_500 }, (_, n) => String(n)).filter((_, n) => n * 29 < 31 * 1440),
    );
    await database.asOwner(
      `update app.schedules set rrule = 'FREQ=DAILY', last_at = null, first_at = '2026-01-01', starts_local = '2026-01-01T09:00:00' where calendar_id = $1`,
      [calendar.calendar_id],
    );
    await expect(look(owner)).rejects.toEqual(failsWith('view.too_large'));
  });
});

describe('the moment of a write', () => {
  const WINDOWS = [
    MARCH,
    { ...MARCH, from: '2026-01-15T00:00:00Z' },
    // Across the end of what is materialised, behind it, and before its beginning.
    { ...MARCH, from: '2027-04-01T00:00:00Z', to: '2027-05-15T00:00:00Z' },
    { ...MARCH, from: '2030-01-01T00:00:00Z', to: '2030-02-01T00:00:00Z' },
    { ...MARCH, from: '2025-11-01T00:00:00Z', to: '2025-12-20T00:00:00Z' },
  ];

  async function expected(window: (typeof WINDOWS)[number]): Promise<string[]> {
    const rows = await database.asOwner<{ title: string; series: Series }>(
      'select s.title, app.series_json(s) as series from app.schedules s where calendar_id = $1',
      [calendar.calendar_id],
    );
    const cut = { from: Date.parse(window.from), to: Date.parse(window.to) };
    return rows.flatMap(({ title, series }) =>
      expandSeries(series, cut).map(
        (o) => `${new Date(o.starts_at).toISOString().slice(0, 19)}Z ${o.recurrence_id} ${title}`,
      ),
    );
  }
  const compareAll = async (what: string): Promise<void> => {
    for (const window of WINDOWS) {
      const seen = (await see(owner, window)).map((i) => `${i.starts_at} ${i.recurrence_id} ${i.title}`);
      expect(seen.toSorted(), `${what}, ${window.from}`).toEqual((await expected(window)).toSorted());
    }
  };

  it('shows what was written in it, while jobs write the instances, and where no instances reach', async () => {
    const writer: BusyCtx = { ...owner, busy: NO_COPIES };
    const { calendar_id } = calendar;
    const made = await createSchedule(writer, {
      ...{ calendar_id, title: 'New', starts_local: '2025-10-01T09:00:00', time_zone: 'Europe/Berlin' },
      ...{ duration_seconds: 5_400, rrule: 'FREQ=DAILY' },
    });
    const schedule_id = made.result.id;
    const listIds = () =>
      database.asOwner<{ schedule_id: string }>('select id as schedule_id from app.schedules where calendar_id = $1', [
        calendar_id,
      ]);
    // A schedule that is edited faster than it is written is tried again.
    const isBusy = (error: { code?: string }) => expect(error.code).toBe('schedule.busy');
    let is_over = false;
    const jobs = Promise.all(
      [1, 2].map(async () => {
        while (!is_over) for (const one of await listIds()) await materialise(one).catch(isBusy);
      }),
    );
    try {
      await compareAll('created');
      for (let day = 2; day < 8; day++) {
        const named = { schedule_id, recurrence_id: `2026-03-0${day}T09:00:00` };
        await updateSchedule(writer, { ...named, scope: 'this', starts_local: `2026-03-1${day}T14:00:00` });
        await compareAll('one moved');
        await deleteSchedule(writer, { ...named, recurrence_id: `2026-03-2${day}T09:00:00`, scope: 'this' });
        await compareAll('one deleted');
        await updateSchedule(writer, { schedule_id, title: `Title ${day}` });
        await compareAll('renamed');
        await updateSchedule(writer, { schedule_id, duration_seconds: 3_600 + day });
        await compareAll('longer');
      }
      await updateSchedule(writer, {
        ...{ schedule_id, scope: 'following', recurrence_id: '2026-03-19T09:00:00' },
        ...{ starts_local: '2026-03-19T10:00:00', title: 'Cut off' },
      });
      await compareAll('cut off');
      await deleteSchedule(writer, { schedule_id });
      await compareAll('deleted');
    } finally {
      is_over = true;
      await jobs;
    }
    await compareAll('when the jobs are done');
    const { read } = await look(owner);
    expect(read.instances).toBeGreaterThan(0);
    expect(read.expanded).toBe(0);
  });
});
