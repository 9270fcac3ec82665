import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { addMember, seedUser, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import {
  seedCalendar,
  seedGuest,
  seedSchedule,
  seedSubscription,
  type SeededCalendar,
  type SeededSchedule,
} from '@potentia/db/testing/seed-calendar';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { UserCtx } from '../platform/ctx.ts';
import { fanOutCalendar } from './fan-out-calendar.ts';
import { as, jobs, look, materialise, see, titles } from './testing/view-kit.ts';

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
const failsWith = (code: string) => expect.objectContaining({ code }) as Error;

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
      if (is_materialised) await write(...schedules);
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
    expect(await see(person({ user_id: guest.user_id! }))).toMatchObject([
      { title: 'private', my_response: 'needs_action' },
    ]);
  });

  it('nothing is left for whoever is no more a subscriber, a guest or in the workspace, though their rows remain', async () => {
    const [viewer, leaver] = [await subscriber('viewer'), await subscriber('viewer')];
    const schedule = await put({ title: 'Series', rrule: 'FREQ=DAILY;COUNT=3' });
    const guests = [await seedGuest(database.db, schedule), await seedGuest(database.db, schedule)];
    const [guest, guest_leaver] = guests.map(({ user_id }) => person({ user_id: user_id! })) as [UserCtx, UserCtx];
    const everybody = [viewer, leaver, guest, guest_leaver];
    await write(schedule);
    await fanOutCalendar(jobs(database), { payload: { calendar_id: calendar.calendar_id } });
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
    const member = person(await addMember(database.db, home));
    const stranger = person(await seedUser(database.db));
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
    await write(...schedules);
    const expected = ['long', 'daily', 'daily', 'daily'];
    const borrower = await subscriber('viewer');
    expect(await titles(borrower)).toEqual(expected);
    expect((await look(borrower)).read).toEqual({ instances: 4, expanded: 0 });
    const shared = await seedCalendar(database.db, home, { fan_out: 'shared' });
    await database.asOwner('update app.calendar_subscriptions set instances_of = null where calendar_id = $1', [
      shared.calendar_id,
    ]);
    const reader = person(await seedSubscription(database.db, shared, 'viewer', undefined, { instances_of: null }));
    const rows = [
      await put({ title: 'daily', rrule: 'FREQ=DAILY;COUNT=3' }, shared),
      await put({ title: 'long', starts_local: '2026-02-20T00:00:00', duration_seconds: 20 * 86_400 }, shared),
    ];
    await write(...rows);
    expect(await look(reader)).toMatchObject({
      items: expected.map((title) => ({ title })),
      read: { instances: 4, expanded: 0 },
    });
  });
});
