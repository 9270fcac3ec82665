import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { addMember, seedUser } from '@potentia/db/testing/seed';
import { seedGuest, seedReminder, seedSchedule, seedSubscription } from '@potentia/db/testing/seed-calendar';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { personCtx } from '../platform/testing/person.ts';
import { newId } from '../platform/uuid.ts';
import * as schemas from './calendar-schemas.ts';
import { createSubscription } from './create-subscription.ts';
import { deleteSubscription } from './delete-subscription.ts';
import { getCalendar } from './get-calendar.ts';
import { getSubscription } from './get-subscription.ts';
import { listSubscriptions } from './list-subscriptions.ts';
import { askedOf, auditOf, headsOf, makeCompany, toldOf } from './testing/company.ts';
import { updateSubscription } from './update-subscription.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const failsWith = (code: string, rest: object = {}) => expect.objectContaining({ code, ...rest }) as Error;
const joined = async (home: Parameters<typeof addMember>[1], role: 'member' | 'guest' = 'member') =>
  personCtx(database.db, (await addMember(database.db, home, role)).user_id);

describe('a subscription', () => {
  it('is given by the owner to anybody in the workspace, guests too, at once; they are told, and jobs are asked', async () => {
    const { owner, guest, home, calendar_id } = await makeCompany(database);
    const member = await joined(home);
    const before = await headsOf(database, [member, guest, owner]);
    const { result } = await createSubscription(owner, { calendar_id, user_id: member.actor.user_id, role: 'editor' });
    expect(schemas.subscription.parse(result)).toMatchObject({
      calendar_id,
      user_id: member.actor.user_id,
      role: 'editor',
      name: expect.stringMatching('User') as string,
      color: null,
      is_hidden: null,
      affects_busy: null,
      created_by: owner.actor.user_id,
    });
    await createSubscription(owner, { calendar_id, user_id: guest.actor.user_id, role: 'freebusy' });
    expect(await getCalendar(member, { calendar_id })).toMatchObject({ role: 'editor', affects_busy: true });
    expect(await getCalendar(guest, { calendar_id })).toMatchObject({ role: 'freebusy', affects_busy: false });
    expect(await toldOf(database, calendar_id)).toEqual([
      { user_id: member.actor.user_id, type: 'calendar.subscribed', role: 'editor' },
      { user_id: guest.actor.user_id, type: 'calendar.subscribed', role: 'freebusy' },
    ]);
    expect(await askedOf(database, 'calendar.fan_out', calendar_id)).toBe(2);
    expect(await headsOf(database, [member, guest, owner])).toEqual([before[0]! + 1, before[1]! + 1, before[2]]);
    expect(await auditOf(database, calendar_id)).toMatchObject([
      { action: 'subscription.create', after: { user_id: member.actor.user_id, role: 'editor' } },
      { action: 'subscription.create', after: { user_id: guest.actor.user_id, role: 'freebusy' } },
    ]);
  });

  it("reads what the owner's reads until there is something of its own", async () => {
    const { owner, guest, calendar_id } = await makeCompany(database);
    for (const [fan_out, instances_of] of [
      ['each', owner.actor.user_id],
      ['shared', null],
    ]) {
      await database.asOwner(
        'update app.calendar_subscriptions set instances_of = $3 where calendar_id = $1 and user_id = $2',
        [calendar_id, owner.actor.user_id, instances_of],
      );
      const { user_id } = (
        await createSubscription(owner, { calendar_id, user_id: guest.actor.user_id, role: 'viewer' })
      ).result;
      const rows = await database.asOwner(
        'select instances_of from app.calendar_subscriptions where calendar_id = $1 and user_id = $2',
        [calendar_id, user_id],
      );
      expect(rows, fan_out!).toEqual([{ instances_of }]);
      await deleteSubscription(owner, { calendar_id, user_id });
    }
  });

  it('is given once per Idempotency-Key, and is there once', async () => {
    const { owner, guest, calendar_id } = await makeCompany(database);
    const once = { ...owner, idempotency_key: newId() };
    const input = { calendar_id, user_id: guest.actor.user_id, role: 'viewer' as const };
    const { result } = await createSubscription(once, input);
    expect(await createSubscription(once, input)).toEqual({ result, replayed: true });
    await expect(createSubscription(owner, { ...input, role: 'editor' })).rejects.toThrow(
      failsWith('subscription.exists', { kind: 'conflict', meta: { current: result } }),
    );
    const at_once = await makeCompany(database);
    const both = await Promise.allSettled(
      [1, 2].map(() =>
        createSubscription(at_once.owner, {
          calendar_id: at_once.calendar_id,
          user_id: at_once.guest.actor.user_id,
          role: 'viewer',
        }),
      ),
    );
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });

  it('is for nobody outside of the workspace, of whom it is not told whether they exist', async () => {
    const { owner, stranger, calendar_id } = await makeCompany(database);
    const unknown = failsWith('subscription.user_not_found', { kind: 'not_found' });
    for (const user_id of [stranger.actor.user_id, newId()])
      await expect(createSubscription(owner, { calendar_id, user_id, role: 'viewer' })).rejects.toThrow(unknown);
  });

  it('is given by nobody but the owner, and never as owner', async () => {
    const { owner, editor, viewer, onlooker, boss, guest, stranger, calendar_id } = await makeCompany(database);
    const input = { calendar_id, user_id: guest.actor.user_id, role: 'viewer' as const };
    for (const ctx of [editor, viewer, onlooker])
      await expect(createSubscription(ctx, input)).rejects.toThrow(failsWith('calendar.forbidden'));
    for (const ctx of [boss, guest, stranger])
      await expect(createSubscription(ctx, input)).rejects.toThrow(failsWith('calendar.not_found'));
    const role = 'owner' as 'viewer';
    await expect(createSubscription(owner, { ...input, role })).rejects.toThrow(failsWith('request.invalid'));
  });

  it('is one of at most 500 of a person, which it says', async () => {
    const { owner, guest, workspace_id, calendar_id } = await makeCompany(database);
    await database.asOwner(
      `with made as (insert into app.calendars (id, workspace_id, owner_user_id, name)
         select gen_random_uuid(), $1, $2, 'filler' from generate_series(1, 499) returning *)
       insert into app.calendar_subscriptions (workspace_id, calendar_id, user_id, role, affects_busy, created_by)
       select workspace_id, id, $2, 'owner', true, owner_user_id from made`,
      [workspace_id, guest.actor.user_id],
    );
    await expect(
      createSubscription(owner, { calendar_id, user_id: guest.actor.user_id, role: 'viewer' }),
    ).rejects.toThrow(failsWith('subscription.too_many', { message: expect.stringContaining('500') as string }));
  });
});

describe('who subscribes', () => {
  it('is seen by everybody who reads the calendar, in pages; what is somebody else’s own affair is not', async () => {
    const { owner, editor, viewer, onlooker, calendar_id } = await makeCompany(database);
    const everybody = [owner, editor, viewer, onlooker].map(({ actor }) => actor.user_id).toSorted();
    for (const ctx of [owner, editor, viewer]) {
      const { items } = schemas.subscriptionPage.parse(await listSubscriptions(ctx, { calendar_id }));
      expect(items.map(({ user_id }) => user_id)).toEqual(everybody);
      for (const item of items)
        expect(item.is_hidden, item.user_id).toBe(item.user_id === ctx.actor.user_id ? false : null);
      expect(await getSubscription(ctx, { calendar_id, user_id: everybody[0]! })).toEqual(items[0]);
    }
    const paged: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await listSubscriptions(viewer, { calendar_id, limit: 3, cursor });
      paged.push(...page.items.map(({ user_id }) => user_id));
      cursor = page.next_cursor;
    }
    expect(paged).toEqual(everybody);
    await expect(getSubscription(viewer, { calendar_id, user_id: newId() })).rejects.toThrow(
      failsWith('subscription.not_found'),
    );
  });

  it('is themselves alone for who sees only free/busy, and nothing for who sees no calendar', async () => {
    const { owner, onlooker, boss, guest, stranger, calendar_id } = await makeCompany(database);
    const mine = { calendar_id, user_id: onlooker.actor.user_id };
    const { items } = await listSubscriptions(onlooker, { calendar_id });
    expect(items).toMatchObject([{ user_id: onlooker.actor.user_id, role: 'freebusy', is_hidden: false }]);
    expect(await getSubscription(onlooker, mine)).toEqual(items[0]);
    for (const user_id of [owner.actor.user_id, newId()])
      await expect(getSubscription(onlooker, { calendar_id, user_id })).rejects.toThrow(
        failsWith('calendar.forbidden'),
      );
    for (const ctx of [boss, guest, stranger]) {
      await expect(listSubscriptions(ctx, { calendar_id })).rejects.toThrow(failsWith('calendar.not_found'));
      await expect(getSubscription(ctx, mine)).rejects.toThrow(failsWith('calendar.not_found'));
    }
  });
});

describe('changing a subscription', () => {
  it('is for its subscriber as to how it shows and whether it makes busy', async () => {
    const { viewer, owner, calendar_id } = await makeCompany(database);
    const mine = { calendar_id, user_id: viewer.actor.user_id };
    const before = await headsOf(database, [viewer]);
    const changed = await updateSubscription(viewer, {
      ...mine,
      color: '#00FF00',
      is_hidden: true,
      affects_busy: true,
    });
    expect(changed).toMatchObject({ color: '#00ff00', is_hidden: true, affects_busy: true, version: 2 });
    expect(await updateSubscription(viewer, { ...mine, is_hidden: true })).toEqual(changed);
    expect(await headsOf(database, [viewer])).toEqual([before[0]! + 1]);
    expect(await getCalendar(viewer, { calendar_id })).toMatchObject({ my_color: '#00ff00', is_hidden: true });
    await expect(updateSubscription(owner, { ...mine, affects_busy: false })).rejects.toThrow(
      failsWith('subscription.not_yours', { kind: 'forbidden' }),
    );
    expect(await auditOf(database, calendar_id)).toMatchObject([
      {
        action: 'subscription.update',
        before: { affects_busy: false },
        after: { affects_busy: true, is_hidden: true },
      },
    ]);
    expect(await toldOf(database, calendar_id)).toEqual([]);
  });

  it('is for the owner as to the role, of which the subscriber is told', async () => {
    const { viewer, owner, calendar_id } = await makeCompany(database);
    const theirs = { calendar_id, user_id: viewer.actor.user_id };
    const before = await headsOf(database, [viewer]);
    expect(await updateSubscription(owner, { ...theirs, role: 'freebusy' })).toMatchObject({ role: 'freebusy' });
    expect(await toldOf(database, calendar_id)).toEqual([
      { user_id: viewer.actor.user_id, type: 'calendar.subscribed', role: 'freebusy' },
    ]);
    expect(await headsOf(database, [viewer])).toEqual([before[0]! + 1]);
    await expect(updateSubscription(owner, { ...theirs, expected_version: 1, role: 'editor' })).rejects.toThrow(
      failsWith('subscription.version_conflict', { kind: 'precondition' }),
    );
  });

  it('gives nobody a role of their own making, nor takes the owner’s', async () => {
    const { owner, editor, viewer, onlooker, boss, guest, stranger, calendar_id } = await makeCompany(database);
    const role = 'editor' as const;
    for (const ctx of [editor, viewer, onlooker]) {
      const mine = { calendar_id, user_id: ctx.actor.user_id };
      await expect(updateSubscription(ctx, { ...mine, role: 'viewer' })).rejects.toThrow(
        failsWith('calendar.forbidden'),
      );
      const theirs = { calendar_id, user_id: owner.actor.user_id };
      await expect(updateSubscription(ctx, { ...theirs, role })).rejects.toThrow(failsWith('calendar.forbidden'));
    }
    for (const ctx of [boss, guest, stranger])
      for (const user_id of [ctx.actor.user_id, viewer.actor.user_id])
        await expect(updateSubscription(ctx, { calendar_id, user_id, is_hidden: true })).rejects.toThrow(
          failsWith('calendar.not_found'),
        );
    await expect(updateSubscription(owner, { calendar_id, user_id: owner.actor.user_id, role })).rejects.toThrow(
      failsWith('subscription.owner_fixed', { kind: 'conflict' }),
    );
    await expect(updateSubscription(owner, { calendar_id, user_id: guest.actor.user_id, role })).rejects.toThrow(
      failsWith('subscription.not_found'),
    );
  });
});

describe('the end of a subscription', () => {
  it('comes by the subscriber or the owner, and takes reminders along but for what one is a guest of', async () => {
    const { owner, editor, viewer, calendar, calendar_id } = await makeCompany(database);
    const [read, attended] = [await seedSchedule(database.db, calendar), await seedSchedule(database.db, calendar)];
    await seedGuest(database.db, attended, viewer.actor);
    for (const schedule of [read, attended])
      for (const { actor } of [viewer, editor]) await seedReminder(database.db, schedule, actor);
    const before = await headsOf(database, [viewer, editor]);
    await deleteSubscription(viewer, { calendar_id, user_id: viewer.actor.user_id });
    await deleteSubscription(owner, { calendar_id, user_id: editor.actor.user_id });
    for (const ctx of [viewer, editor])
      await expect(getCalendar(ctx, { calendar_id })).rejects.toThrow(failsWith('calendar.not_found'));
    expect(
      await database.asOwner('select user_id, schedule_id from app.schedule_reminders where calendar_id = $1', [
        calendar_id,
      ]),
    ).toEqual([{ user_id: viewer.actor.user_id, schedule_id: attended.schedule_id }]);
    expect(await headsOf(database, [viewer, editor])).toEqual(before.map((seq) => seq + 1));
    expect((await toldOf(database, calendar_id)).map(({ user_id, type }) => [user_id, type])).toEqual([
      [viewer.actor.user_id, 'calendar.unsubscribed'],
      [editor.actor.user_id, 'calendar.unsubscribed'],
    ]);
    expect(await askedOf(database, 'calendar.fan_out', calendar_id)).toBe(2);
    expect((await auditOf(database, calendar_id)).map(({ action, actor_user_id }) => [action, actor_user_id])).toEqual([
      ['subscription.delete', viewer.actor.user_id],
      ['subscription.delete', owner.actor.user_id],
    ]);
  });

  it('comes by nobody else, and never to the owner’s', async () => {
    const { owner, editor, viewer, onlooker, boss, guest, stranger, calendar_id } = await makeCompany(database);
    for (const ctx of [editor, viewer, onlooker])
      await expect(deleteSubscription(ctx, { calendar_id, user_id: owner.actor.user_id })).rejects.toThrow(
        failsWith('calendar.forbidden'),
      );
    for (const ctx of [boss, guest, stranger])
      for (const user_id of [ctx.actor.user_id, viewer.actor.user_id])
        await expect(deleteSubscription(ctx, { calendar_id, user_id })).rejects.toThrow(
          failsWith('calendar.not_found'),
        );
    await expect(deleteSubscription(owner, { calendar_id, user_id: owner.actor.user_id })).rejects.toThrow(
      failsWith('subscription.owner_fixed'),
    );
    await expect(deleteSubscription(owner, { calendar_id, user_id: guest.actor.user_id })).rejects.toThrow(
      failsWith('subscription.not_found'),
    );
    expect((await listSubscriptions(owner, { calendar_id })).items).toHaveLength(4);
  });
});

it('a calendar of another tenant is no way to somebody’s subscription', async () => {
  const [mine, theirs] = [await makeCompany(database), await makeCompany(database)];
  const { user_id } = theirs.viewer.actor;
  const { calendar_id } = mine;
  await expect(getSubscription(mine.owner, { calendar_id, user_id })).rejects.toThrow(
    failsWith('subscription.not_found'),
  );
  await expect(updateSubscription(mine.owner, { calendar_id, user_id, role: 'editor' })).rejects.toThrow(
    failsWith('subscription.not_found'),
  );
  await expect(deleteSubscription(mine.owner, { calendar_id, user_id })).rejects.toThrow(
    failsWith('subscription.not_found'),
  );
  const { user_id: seeded } = await seedUser(database.db);
  await seedSubscription(database.db, theirs.calendar, 'viewer', { user_id: seeded });
  await expect(getCalendar(personCtx(database.db, seeded), { calendar_id: theirs.calendar_id })).rejects.toThrow(
    failsWith('calendar.not_found'),
  );
});
