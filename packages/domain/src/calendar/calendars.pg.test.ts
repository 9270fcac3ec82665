import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { addMember, seedUser, seedWorkspace } from '@potentia/db/testing/seed';
import { seedCalendar, seedGuest, seedSchedule } from '@potentia/db/testing/seed-calendar';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { updateMe } from '../auth/update-me.ts';
import { personCtx } from '../platform/testing/person.ts';
import { newId } from '../platform/uuid.ts';
import * as schemas from './calendar-schemas.ts';
import { createCalendar } from './create-calendar.ts';
import { deleteCalendar } from './delete-calendar.ts';
import { getCalendar } from './get-calendar.ts';
import { listCalendars } from './list-calendars.ts';
import { askedOf, auditOf, headsOf, makeCompany, toldOf } from './testing/company.ts';
import { transferCalendar } from './transfer-calendar.ts';
import { updateCalendar } from './update-calendar.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const failsWith = (code: string, rest: object = {}) => expect.objectContaining({ code, ...rest }) as Error;

async function somebody(): Promise<ReturnType<typeof personCtx> & { personal_workspace_id: string }> {
  const { user_id, personal_workspace_id } = await seedUser(database.db);
  return { ...personCtx(database.db, user_id), personal_workspace_id };
}

describe('a calendar', () => {
  it('is made in a workspace by a member, who owns and subscribes to it, once per Idempotency-Key, and audited', async () => {
    const { owner: ctx, workspace_id } = await makeCompany(database);
    const before = await headsOf(database, [ctx]);
    const input = { workspace_id, name: 'Team', color: '#1A73E8', time_zone: 'Asia/Jakarta' };
    const once = { ...ctx, idempotency_key: newId() };
    const { result } = await createCalendar(once, input);
    expect(schemas.calendar.parse(result)).toMatchObject({
      name: 'Team',
      workspace_id,
      owner_user_id: ctx.actor.user_id,
      color: '#1a73e8',
      my_color: null,
      time_zone: 'Asia/Jakarta',
      role: 'owner',
      is_exclusive: false,
      is_hidden: false,
      affects_busy: true,
      version: 1,
    });
    expect(await createCalendar(once, input)).toEqual({ result, replayed: true });
    expect(await getCalendar(ctx, { calendar_id: result.id })).toEqual(result);
    expect(await auditOf(database, result.id)).toMatchObject([
      { action: 'calendar.create', actor_user_id: ctx.actor.user_id, before: null, after: { name: 'Team' } },
    ]);
    expect(await toldOf(database, result.id)).toMatchObject([{ user_id: ctx.actor.user_id, role: 'owner' }]);
    expect(await headsOf(database, [ctx])).toEqual([before[0]! + 1]);
  });

  it("is made in the personal space without a workspace, in its person's zone without one", async () => {
    const ctx = await somebody();
    await updateMe(ctx, { time_zone: 'Europe/Berlin' });
    const { result } = await createCalendar(ctx, { name: 'Mine' });
    expect(result).toMatchObject({ workspace_id: ctx.personal_workspace_id, time_zone: 'Europe/Berlin' });
  });

  it('is made by no guest of a workspace, nobody from outside, and with no name or zone that is none', async () => {
    const { guest, stranger, owner, workspace_id } = await makeCompany(database);
    const input = { workspace_id, name: 'Team' };
    await expect(createCalendar(guest, input)).rejects.toThrow(failsWith('workspace.forbidden'));
    await expect(createCalendar(stranger, input)).rejects.toThrow(failsWith('workspace.not_found'));
    for (const [field, value] of Object.entries({ name: ' ', time_zone: 'Mars/Olympus', color: 'red' })) {
      const errors = [expect.objectContaining({ pointer: `/${field}` }) as object];
      await expect(createCalendar(owner, { ...input, [field]: value })).rejects.toThrow(
        failsWith('request.invalid', { meta: { errors } }),
      );
    }
  });

  it('is one of at most 500 of a workspace, and of at most 500 that one person subscribes to', async () => {
    const { workspace_id, owner } = await makeCompany(database);
    const fill = (space: string, user_id: string, n: number) =>
      database.asOwner(
        `with made as (insert into app.calendars (id, workspace_id, owner_user_id, name)
           select gen_random_uuid(), $1, $2, 'filler' from generate_series(1, $3) returning *)
         insert into app.calendar_subscriptions (workspace_id, calendar_id, user_id, role, affects_busy, created_by)
         select workspace_id, id, owner_user_id, 'owner', true, owner_user_id from made`,
        [space, user_id, n],
      );
    const other = (await seedUser(database.db)).user_id;
    await fill(workspace_id, other, 498);
    const made = await Promise.allSettled(
      [1, 2, 3].map(() => createCalendar(owner, { workspace_id, name: 'one more' })),
    );
    expect(made.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected']);
    await expect(createCalendar(owner, { workspace_id, name: 'x' })).rejects.toThrow(failsWith('calendar.too_many'));
    const busy = await somebody();
    await fill(busy.personal_workspace_id, busy.actor.user_id, 499);
    const home = await seedWorkspace(database.db, { user_id: busy.actor.user_id });
    await expect(createCalendar(busy, { workspace_id: home.workspace_id, name: 'x' })).rejects.toThrow(
      failsWith('subscription.too_many'),
    );
  });

  it('is shown to its subscribers, with what each chose, and to nobody else, admins of the workspace among them', async () => {
    const { owner, editor, viewer, onlooker, boss, guest, stranger, calendar_id } = await makeCompany(database);
    for (const [ctx, role, affects_busy] of [
      [owner, 'owner', true],
      [editor, 'editor', true],
      [viewer, 'viewer', false],
      [onlooker, 'freebusy', false],
    ] as const)
      expect(await getCalendar(ctx, { calendar_id })).toMatchObject({ id: calendar_id, role, affects_busy });
    const nothing = failsWith('calendar.not_found', { message: 'There is no such calendar.', meta: {} });
    for (const ctx of [boss, guest, stranger]) {
      await expect(getCalendar(ctx, { calendar_id })).rejects.toThrow(nothing);
      await expect(getCalendar(ctx, { calendar_id: newId() })).rejects.toThrow(nothing);
    }
  });
});

describe('the list of calendars', () => {
  it('has everything that one subscribes to, across workspaces, in pages, the oldest first', async () => {
    const ctx = await somebody();
    const made: string[] = [];
    for (const workspace_id of [null, (await seedWorkspace(database.db, ctx.actor)).workspace_id, null])
      made.push((await createCalendar(ctx, { workspace_id, name: 'x' })).result.id);
    await seedCalendar(database.db);
    const all = await listCalendars(ctx, {});
    expect(schemas.calendarPage.parse(all)).toMatchObject({ next_cursor: null });
    expect(all.items.map(({ id }) => id).slice(1)).toEqual(made);
    const paged: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await listCalendars(ctx, { limit: 1, cursor });
      paged.push(...page.items.map(({ id }) => id));
      cursor = page.next_cursor;
    }
    expect(paged).toEqual(all.items.map(({ id }) => id));
    const one = await listCalendars(ctx, { workspace_id: all.items[2]!.workspace_id });
    expect(one.items.map(({ id }) => id)).toEqual([made[1]]);
    await expect(listCalendars(ctx, { cursor: 'x' })).rejects.toThrow(failsWith('request.invalid'));
  });

  it('shows nothing of a workspace that is deleted, or that one is no more in', async () => {
    const { viewer, calendar_id, workspace_id } = await makeCompany(database);
    const ids = async () => (await listCalendars(viewer, {})).items.map(({ id }) => id);
    expect(await ids()).toContain(calendar_id);
    await database.asOwner('update app.workspaces set deleted_at = now() where id = $1', [workspace_id]);
    expect(await ids()).not.toContain(calendar_id);
    await expect(getCalendar(viewer, { calendar_id })).rejects.toThrow(failsWith('calendar.not_found'));
    await database.asOwner('update app.workspaces set deleted_at = null where id = $1', [workspace_id]);
    expect(await ids()).toContain(calendar_id);
  });
});

describe('everybody', () => {
  it('begins with a calendar of their own, which takes what names none, and gets no other when they delete it', async () => {
    const ctx = await somebody();
    const takes = () => database.db.call('select app.default_calendar($1) as id', [ctx.actor.user_id]);
    const [first] = (await listCalendars(ctx, {})).items;
    expect(first).toMatchObject({ name: 'Calendar', role: 'owner', workspace_id: ctx.personal_workspace_id });
    expect(await takes()).toEqual([{ id: first!.id }]);
    await deleteCalendar(ctx, { calendar_id: first!.id });
    await seedUser(database.db, { user_id: ctx.actor.user_id });
    expect(await listCalendars(ctx, {})).toMatchObject({ items: [] });
    expect(await takes()).toEqual([{ id: null }]);
    await createCalendar(ctx, { name: 'A room', is_exclusive: true });
    const { result } = await createCalendar(ctx, { name: 'The next' });
    expect(await takes()).toEqual([{ id: result.id }]);
  });

  it('takes the calendars of their personal space that kept to their zone along to another, audited', async () => {
    const ctx = await somebody();
    const { result: fixed } = await createCalendar(ctx, { name: 'In Tokyo', time_zone: 'Asia/Tokyo' });
    const [first] = (await listCalendars(ctx, {})).items;
    const before = await headsOf(database, [ctx]);
    await updateMe(ctx, { time_zone: 'America/New_York' });
    expect((await listCalendars(ctx, {})).items.map(({ time_zone }) => time_zone)).toEqual([
      'America/New_York',
      'Asia/Tokyo',
    ]);
    expect(await headsOf(database, [ctx])).toEqual([before[0]! + 1]);
    expect((await auditOf(database, first!.id)).at(-1)).toMatchObject({
      action: 'calendar.update',
      before: { time_zone: 'UTC' },
      after: { time_zone: 'America/New_York' },
    });
    expect(await auditOf(database, fixed.id)).toHaveLength(1);
    await updateMe(ctx, { time_zone: 'America/New_York' });
    expect(await headsOf(database, [ctx])).toEqual([before[0]! + 1]);
  });

  it('leaves their rooms where they are while something is booked there', async () => {
    const ctx = await somebody();
    const { result: empty } = await createCalendar(ctx, { name: 'Boat', is_exclusive: true });
    const { result: booked } = await createCalendar(ctx, { name: 'Room', is_exclusive: true });
    const place = { calendar_id: booked.id, workspace_id: ctx.personal_workspace_id, user_id: ctx.actor.user_id };
    await seedSchedule(database.db, place);
    await updateMe(ctx, { time_zone: 'Europe/Berlin' });
    expect(await getCalendar(ctx, { calendar_id: empty.id })).toMatchObject({ time_zone: 'Europe/Berlin' });
    expect(await getCalendar(ctx, { calendar_id: booked.id })).toMatchObject({ time_zone: 'UTC' });
  });
});

describe('changing a calendar', () => {
  it('is for its owner, counts versions, and is audited; what stays as it was is no change', async () => {
    const { owner, editor, viewer, boss, stranger, calendar_id } = await makeCompany(database);
    const changed = await updateCalendar(owner, { calendar_id, name: 'New', description: 'Words', color: '#ABCDEF' });
    expect(changed).toMatchObject({ name: 'New', description: 'Words', color: '#abcdef', version: 2 });
    expect(await updateCalendar(owner, { calendar_id, name: 'New' })).toEqual(changed);
    expect(await updateCalendar(owner, { calendar_id, description: null })).toMatchObject({
      description: null,
      version: 3,
    });
    for (const ctx of [editor, viewer])
      await expect(updateCalendar(ctx, { calendar_id, name: 'x' })).rejects.toThrow(
        failsWith('calendar.forbidden', { meta: expect.objectContaining({ needed_role: 'owner' }) as object }),
      );
    for (const ctx of [boss, stranger])
      await expect(updateCalendar(ctx, { calendar_id, name: 'x' })).rejects.toThrow(failsWith('calendar.not_found'));
    expect((await auditOf(database, calendar_id)).map(({ action }) => action)).toEqual([
      'calendar.update',
      'calendar.update',
    ]);
  });

  it('fails on a stale version with the calendar as it is', async () => {
    const { owner, calendar_id } = await makeCompany(database);
    await updateCalendar(owner, { calendar_id, expected_version: 1, name: 'Two' });
    await expect(updateCalendar(owner, { calendar_id, expected_version: 1, name: 'Three' })).rejects.toThrow(
      failsWith('calendar.version_conflict', {
        kind: 'precondition',
        meta: { current: expect.objectContaining({ name: 'Two', version: 2 }) as object },
      }),
    );
  });

  it('makes only an empty calendar exclusive', async () => {
    const { owner, calendar, calendar_id } = await makeCompany(database);
    expect(await updateCalendar(owner, { calendar_id, is_exclusive: true })).toMatchObject({ is_exclusive: true });
    expect(await updateCalendar(owner, { calendar_id, is_exclusive: false })).toMatchObject({ is_exclusive: false });
    await seedSchedule(database.db, calendar);
    await expect(updateCalendar(owner, { calendar_id, is_exclusive: true })).rejects.toThrow(
      failsWith('calendar.not_empty', { kind: 'conflict' }),
    );
  });

  it('an exclusive one keeps its zone while something stands in it, since days and floating times have their place by it', async () => {
    const { owner, calendar, calendar_id } = await makeCompany(database, { is_exclusive: true });
    await updateCalendar(owner, { calendar_id, time_zone: 'Asia/Tokyo' });
    await seedSchedule(database.db, calendar);
    await expect(updateCalendar(owner, { calendar_id, time_zone: 'Europe/Berlin' })).rejects.toThrow(
      failsWith('calendar.not_empty', {
        kind: 'conflict',
        meta: expect.objectContaining({ errors: [expect.objectContaining({ pointer: '/time_zone' })] }) as object,
      }),
    );
    expect(await updateCalendar(owner, { calendar_id, time_zone: 'Asia/Tokyo', name: 'Room' })).toMatchObject({
      name: 'Room',
      time_zone: 'Asia/Tokyo',
    });
    expect(await updateCalendar(owner, { calendar_id, time_zone: 'Europe/Berlin', is_exclusive: false })).toMatchObject(
      { time_zone: 'Europe/Berlin' },
    );
  });
});

describe('deleting a calendar', () => {
  it('takes what stands in it along; subscribers and guests are told, each in their way', async () => {
    const company = await makeCompany(database);
    const { owner, editor, viewer, onlooker, guest, calendar, calendar_id } = company;
    const schedule = await seedSchedule(database.db, calendar);
    for (const { actor } of [guest, viewer]) await seedGuest(database.db, schedule, actor);
    const people = [owner, editor, viewer, onlooker, guest];
    const before = await headsOf(database, people);
    await deleteCalendar(owner, { calendar_id });
    for (const ctx of people)
      await expect(getCalendar(ctx, { calendar_id })).rejects.toThrow(failsWith('calendar.not_found'));
    for (const table of ['schedules', 'calendar_subscriptions', 'schedule_guests']) {
      const left = await database.asOwner(`select 1 from app.${table} where calendar_id = $1`, [calendar_id]);
      expect(left, table).toEqual([]);
    }
    expect(await headsOf(database, people)).toEqual(before.map((seq) => seq + 1));
    const told = await toldOf(database, calendar_id);
    expect(told.map(({ user_id }) => user_id).toSorted()).toEqual(
      [owner, editor, viewer, onlooker].map(({ actor }) => actor.user_id).toSorted(),
    );
    expect(told.every(({ type }) => type === 'calendar.unsubscribed')).toBe(true);
    const buried = await database.asOwner<{ user_id: string }>(
      'select user_id from app.guest_tombstones where schedule_id = $1',
      [schedule.schedule_id],
    );
    // The reader, too: they may have synchronised when they were a guest alone.
    expect(buried.map(({ user_id }) => user_id).toSorted()).toEqual(
      [guest, viewer].map(({ actor }) => actor.user_id).toSorted(),
    );
    expect((await auditOf(database, calendar_id)).at(-1)).toMatchObject({
      action: 'calendar.delete',
      before: { name: 'Seeded calendar', subscriptions: 4, schedules: 1 },
      after: null,
    });
  });

  it('takes back by mail, and on their channels from who does not subscribe, what its guests were invited to and is yet to come', async () => {
    const { owner, viewer, guest, calendar, calendar_id } = await makeCompany(database);
    const [past, endless] = [
      await seedSchedule(database.db, calendar),
      await seedSchedule(database.db, calendar, { rrule: 'FREQ=DAILY' }),
    ];
    for (const schedule of [past, endless]) {
      for (const { actor } of [guest, viewer]) await seedGuest(database.db, schedule, actor);
      const { guest_id } = await seedGuest(database.db, schedule, { email: `${newId()}@example.com` });
      await database.asOwner('update app.schedule_guests set mail_id = gen_random_uuid() where id = $1', [guest_id]);
    }
    await deleteCalendar(owner, { calendar_id });
    const sent = await database.asOwner<{ schedule_id: string; template: string | null; user_id: string | null }>(
      `select payload ->> 'schedule_id' as schedule_id, payload ->> 'template' as template, payload ->> 'user_id' as user_id
       from app.outbox where payload ->> 'schedule_id' = any ($1) order by template`,
      [[past.schedule_id, endless.schedule_id]],
    );
    expect(sent).toEqual([
      { schedule_id: endless.schedule_id, template: 'schedule_cancellation', user_id: null },
      { schedule_id: endless.schedule_id, template: null, user_id: guest.actor.user_id },
    ]);
  });

  it('is for its owner alone', async () => {
    const { editor, viewer, onlooker, boss, guest, stranger, calendar_id } = await makeCompany(database);
    for (const ctx of [editor, viewer, onlooker])
      await expect(deleteCalendar(ctx, { calendar_id })).rejects.toThrow(failsWith('calendar.forbidden'));
    for (const ctx of [boss, guest, stranger])
      await expect(deleteCalendar(ctx, { calendar_id })).rejects.toThrow(failsWith('calendar.not_found'));
  });
});

describe('handing a calendar over', () => {
  it('makes a subscriber its owner and the former one an editor, who read what they read before', async () => {
    const { owner, editor, viewer, calendar, calendar_id } = await makeCompany(database);
    const { schedule_id } = await seedSchedule(database.db, calendar);
    await database.asOwner(
      `update app.schedules set materialised_from = '-infinity', materialised_until = 'infinity' where id = $1`,
      [schedule_id],
    );
    expect(await transferCalendar(owner, { calendar_id, user_id: viewer.actor.user_id })).toMatchObject({
      role: 'editor',
      owner_user_id: viewer.actor.user_id,
    });
    expect(await getCalendar(viewer, { calendar_id })).toMatchObject({ role: 'owner', affects_busy: false });
    const reads = await database.asOwner<{ user_id: string; instances_of: string }>(
      'select user_id, instances_of from app.calendar_subscriptions where calendar_id = $1',
      [calendar_id],
    );
    expect(Object.fromEntries(reads.map((row) => [row.user_id, row.instances_of]))).toMatchObject({
      [owner.actor.user_id]: owner.actor.user_id,
      [viewer.actor.user_id]: owner.actor.user_id,
      [editor.actor.user_id]: owner.actor.user_id,
    });
    // Nobody reads other instances, so none are to be written, however many schedules there are.
    expect(
      await database.asOwner(`select sequence, materialised_until::text as until from app.schedules where id = $1`, [
        schedule_id,
      ]),
    ).toEqual([{ sequence: 0, until: 'infinity' }]);
    expect(await askedOf(database, 'calendar.materialise', schedule_id)).toBe(0);
    expect((await auditOf(database, calendar_id)).at(-1)).toMatchObject({
      action: 'calendar.transfer',
      before: { owner_user_id: owner.actor.user_id },
      after: { owner_user_id: viewer.actor.user_id },
    });
    await expect(transferCalendar(owner, { calendar_id, user_id: owner.actor.user_id })).rejects.toThrow(
      failsWith('calendar.forbidden'),
    );
  });

  it('leaves instances alone where the new owner has their own, and where all read the same', async () => {
    for (const fan_out of ['each', 'shared']) {
      const { owner, editor, calendar, calendar_id } = await makeCompany(database);
      const { schedule_id } = await seedSchedule(database.db, calendar);
      await database.asOwner(`update app.calendars set fan_out = $2 where id = $1`, [calendar_id, fan_out]);
      await database.asOwner(
        `update app.calendar_subscriptions set instances_of = case when $2 = 'each' then user_id end where calendar_id = $1`,
        [calendar_id, fan_out],
      );
      await transferCalendar(owner, { calendar_id, user_id: editor.actor.user_id });
      expect(await askedOf(database, 'calendar.materialise', schedule_id), fan_out).toBe(0);
    }
  });

  it('is for the owner alone, and to a subscriber alone; to oneself it is nothing', async () => {
    const { owner, editor, boss, guest, stranger, calendar_id } = await makeCompany(database);
    const to = (ctx: typeof owner) => ({ calendar_id, user_id: ctx.actor.user_id });
    await expect(transferCalendar(editor, to(editor))).rejects.toThrow(failsWith('calendar.forbidden'));
    await expect(transferCalendar(boss, to(boss))).rejects.toThrow(failsWith('calendar.not_found'));
    for (const ctx of [boss, guest, stranger])
      await expect(transferCalendar(owner, to(ctx))).rejects.toThrow(failsWith('subscription.not_found'));
    expect(await transferCalendar(owner, to(owner))).toMatchObject({ role: 'owner', version: 1 });
    expect(await auditOf(database, calendar_id)).toEqual([]);
  });
});

it('a calendar of an API key is like any other, and a key has no personal space', async () => {
  const { home, workspace_id } = await makeCompany(database);
  const key = personCtx(database.db, (await addMember(database.db, home)).user_id);
  await database.asOwner(`update app.users set kind = 'api_key' where id = $1`, [key.actor.user_id]);
  await database.asOwner(`delete from app.workspaces where owner_user_id = $1`, [key.actor.user_id]);
  const { result } = await createCalendar(key, { workspace_id, name: 'Of a program' });
  expect(result).toMatchObject({ role: 'owner', owner_user_id: key.actor.user_id });
  expect(await toldOf(database, result.id)).toEqual([]);
  await expect(createCalendar(key, { name: 'x' })).rejects.toThrow(failsWith('request.invalid'));
});
