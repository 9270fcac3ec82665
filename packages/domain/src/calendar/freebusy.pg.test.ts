import { addMember, seedUser, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import { seedCalendar, seedSubscription, type SeededCalendar } from '@potentia/db/testing/seed-calendar';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { updateMe } from '../auth/update-me.ts';
import { addGuests } from './add-guests.ts';
import { createSchedule } from './create-schedule.ts';
import { deleteSchedule } from './delete-schedule.ts';
import { readFreebusy } from './read-freebusy.ts';
import { respondToSchedule } from './respond-to-schedule.ts';
import { startBusyKit, type BusyKit, type PlannerCtx } from './testing/busy-kit.ts';
import { updateSchedule } from './update-schedule.ts';
import { updateSubscription } from './update-subscription.ts';

let kit: BusyKit;
beforeAll(async () => {
  kit = await startBusyKit();
});
afterAll(() => kit[Symbol.asyncDispose]());

let home: SeededWorkspace;
let calendar: SeededCalendar;
let owner: PlannerCtx;
let colleague: string;
beforeEach(async () => {
  home = await seedWorkspace(kit.database.db);
  calendar = await seedCalendar(kit.database.db, home);
  owner = kit.ctxOf(home.owner_user_id);
  colleague = (await addMember(kit.database.db, home)).user_id;
});

const add = async (fields: object = {}): Promise<string> => {
  const times = { starts_local: '2026-03-02T09:00:00', duration_seconds: 3_600, time_zone: 'UTC' };
  const input = { calendar_id: calendar.calendar_id, title: 'Meeting', ...times, ...fields };
  return (await createSchedule(owner, input)).result.id;
};
/** What the owner's colleague is told, which must be the same before and after jobs have written instances. */
const busy = async (from?: string, to?: string, who = home.owner_user_id): Promise<string[] | null | undefined> => {
  const [expanded] = await kit.busy(colleague, who, from, to);
  await kit.materialise(calendar.calendar_id);
  await kit.redis.flushall();
  expect((await kit.busy(colleague, who, from, to))[0]).toEqual(expanded);
  return expanded;
};
const nine = '2026-03-02T09:00:00Z/2026-03-02T10:00:00Z';

describe('what makes somebody busy', () => {
  test('a schedule, once; what is tentative, maybe; what is transparent, cancelled or of no length, not', async () => {
    await add();
    await add({ starts_local: '2026-03-03T09:00:00', status: 'tentative' });
    await add({ starts_local: '2026-03-04T09:00:00', transparency: 'transparent' });
    await add({ starts_local: '2026-03-05T09:00:00', status: 'cancelled' });
    await add({ starts_local: '2026-03-06T09:00:00', duration_seconds: 0 });
    await add({ starts_local: '2026-03-07T09:00:00', visibility: 'private' });
    expect(await busy()).toEqual([
      `${nine} busy`,
      '2026-03-03T09:00:00Z/2026-03-03T10:00:00Z tentative',
      '2026-03-07T09:00:00Z/2026-03-07T10:00:00Z busy',
    ]);
  });

  test('what overlaps or touches is one; where busy and tentative meet it is busy', async () => {
    await add();
    await add({ starts_local: '2026-03-02T09:30:00' });
    await add({ starts_local: '2026-03-02T10:30:00', duration_seconds: 1_800 });
    await add({ starts_local: '2026-03-02T08:00:00', duration_seconds: 14_400, status: 'tentative' });
    expect(await busy()).toEqual([
      '2026-03-02T08:00:00Z/2026-03-02T09:00:00Z tentative',
      '2026-03-02T09:00:00Z/2026-03-02T11:00:00Z busy',
      '2026-03-02T11:00:00Z/2026-03-02T12:00:00Z tentative',
    ]);
  });

  test('each occurrence of a series by its own zone, through a change of the clock', async () => {
    await add({ starts_local: '2026-03-06T09:00:00', time_zone: 'America/New_York', rrule: 'FREQ=DAILY;COUNT=3' });
    expect(await busy()).toEqual([
      '2026-03-06T14:00:00Z/2026-03-06T15:00:00Z busy',
      '2026-03-07T14:00:00Z/2026-03-07T15:00:00Z busy',
      '2026-03-08T13:00:00Z/2026-03-08T14:00:00Z busy',
    ]);
  });

  test('not what was left out, cancelled, moved away or made transparent of a series; and where it was moved to', async () => {
    const schedule_id = await add({ rrule: 'FREQ=DAILY;COUNT=6', exdates: ['2026-03-03T09:00:00'] });
    const this_one = (day: number) => ({
      schedule_id,
      scope: 'this' as const,
      recurrence_id: `2026-03-0${day}T09:00:00`,
    });
    await deleteSchedule(owner, this_one(4));
    await updateSchedule(owner, { ...this_one(5), starts_local: '2026-03-09T12:00:00' });
    await updateSchedule(owner, { ...this_one(6), transparency: 'transparent' });
    await updateSchedule(owner, { ...this_one(7), status: 'tentative', duration_seconds: 60 });
    expect(await busy()).toEqual([
      `${nine} busy`,
      '2026-03-07T09:00:00Z/2026-03-07T09:01:00Z tentative',
      '2026-03-09T12:00:00Z/2026-03-09T13:00:00Z busy',
    ]);
  });

  test('an occurrence that alone is opaque, of a series that is not', async () => {
    const schedule_id = await add({ rrule: 'FREQ=DAILY;COUNT=3', transparency: 'transparent' });
    await updateSchedule(owner, {
      ...{ schedule_id, scope: 'this', recurrence_id: '2026-03-03T09:00:00' },
      transparency: 'opaque',
    });
    expect(await busy()).toEqual(['2026-03-03T09:00:00Z/2026-03-03T10:00:00Z busy']);
  });

  test('what goes over midnight, over a week and over months, also where it began long before the window', async () => {
    await add({ starts_local: '2026-03-08T23:00:00', duration_seconds: 7_200 });
    await add({ starts_local: '2025-12-01T00:00:00', duration_seconds: 92 * 86_400 });
    await add({ starts_local: '2026-03-14T12:00:00', duration_seconds: 40 * 86_400 });
    expect(await busy()).toEqual([
      '2026-03-01T00:00:00Z/2026-03-03T00:00:00Z busy',
      '2026-03-08T23:00:00Z/2026-03-09T01:00:00Z busy',
      '2026-03-14T12:00:00Z/2026-03-15T00:00:00Z busy',
    ]);
    expect(await busy('2026-01-05T12:00:00Z', '2026-01-05T13:00:00Z')).toEqual([
      '2026-01-05T12:00:00Z/2026-01-05T13:00:00Z busy',
    ]);
  });

  test('all-day and floating ones in the zone of the person, and anew when that changes', async () => {
    await add({ starts_local: '2026-03-03', duration_seconds: 86_400, time_zone: null });
    await add({ starts_local: '2026-03-05T09:00:00', time_zone: null });
    await updateMe(owner, { time_zone: 'Asia/Jakarta' });
    expect(await busy()).toEqual([
      '2026-03-02T17:00:00Z/2026-03-03T17:00:00Z busy',
      '2026-03-05T02:00:00Z/2026-03-05T03:00:00Z busy',
    ]);
    await updateMe(owner, { time_zone: 'Pacific/Kiritimati' });
    expect(await busy()).toEqual([
      '2026-03-02T10:00:00Z/2026-03-03T10:00:00Z busy',
      '2026-03-04T19:00:00Z/2026-03-04T20:00:00Z busy',
    ]);
  });

  test('a guest by their answer, to the series and to single occurrences, before what their subscription says', async () => {
    const schedule_id = await add({ rrule: 'FREQ=DAILY;COUNT=4' });
    const guest = kit.ctxOf(colleague);
    await addGuests(owner, { schedule_id, user_id: colleague });
    const told = () => busy(undefined, undefined, colleague);
    const days = (statuses: string[]) =>
      statuses.flatMap((status, i) =>
        status === '' ? [] : [`2026-03-0${2 + i}T09:00:00Z/2026-03-0${2 + i}T10:00:00Z ${status}`],
      );
    expect(await told()).toEqual(days(['tentative', 'tentative', 'tentative', 'tentative']));
    await respondToSchedule(guest, { schedule_id, response: 'accepted' });
    expect(await told()).toEqual(days(['busy', 'busy', 'busy', 'busy']));
    const from = { schedule_id, scope: 'following' as const, recurrence_id: '2026-03-04T09:00:00' };
    await respondToSchedule(guest, { ...from, response: 'declined' });
    await respondToSchedule(guest, {
      ...from,
      scope: 'this',
      recurrence_id: '2026-03-05T09:00:00',
      response: 'tentative',
    });
    expect(await told()).toEqual(days(['busy', 'busy', '', 'tentative']));
    await seedSubscription(kit.database.db, calendar, 'editor', { user_id: colleague });
    expect(await told()).toEqual(days(['busy', 'busy', '', 'tentative']));
  });

  test('what stands in a calendar only for those whom it affects, and no longer when it does not', async () => {
    await add();
    const { user_id } = await seedSubscription(kit.database.db, calendar, 'viewer');
    const { calendar_id } = calendar;
    expect(await busy(undefined, undefined, user_id)).toEqual([]);
    await updateSubscription(kit.ctxOf(user_id), { calendar_id, user_id, affects_busy: true });
    expect(await busy(undefined, undefined, user_id)).toEqual([`${nine} busy`]);
    await updateSubscription(kit.ctxOf(user_id), { calendar_id, user_id, affects_busy: false });
    expect(await busy(undefined, undefined, user_id)).toEqual([]);
  });

  test('nothing of a workspace that they have left, at once', async () => {
    const { user_id } = await seedSubscription(kit.database.db, calendar, 'editor');
    const other = await seedWorkspace(kit.database.db, owner.actor);
    await addMember(kit.database.db, other, 'member', { user_id });
    await add();
    expect((await kit.busy(home.owner_user_id, user_id))[0]).toEqual([`${nine} busy`]);
    await kit.database.asOwner('delete from app.workspace_members where user_id = $1 and workspace_id = $2', [
      user_id,
      home.workspace_id,
    ]);
    expect((await kit.busy(home.owner_user_id, user_id))[0]).toEqual([]);
  });

  test('nothing of a workspace that is deleted, and again when it is restored', async () => {
    const guest = (await addMember(kit.database.db, home, 'guest')).user_id;
    await addGuests(owner, { schedule_id: await add(), user_id: guest });
    const delete_at = (when: string | null) =>
      kit.database.asOwner('update app.workspaces set deleted_at = $1::timestamptz where id = $2', [
        when,
        home.workspace_id,
      ]);
    const told = async () => [
      (await kit.busy(guest, guest))[0],
      (await kit.busy(home.owner_user_id, home.owner_user_id))[0],
    ];
    expect(await told()).toEqual([[`${nine} tentative`], [`${nine} busy`]]);
    await delete_at('2026-03-01T00:00:00Z');
    expect(await told()).toEqual([[], []]);
    await delete_at(null);
    expect(await told()).toEqual([[`${nine} tentative`], [`${nine} busy`]]);
  });
});

describe('who may ask', () => {
  const asks = async (who: string, about: string): Promise<boolean> => (await kit.busy(who, about))[0] !== null;

  test('members about everybody in their workspace, oneself about oneself; not another tenant, nor who was removed', async () => {
    const guest = (await addMember(kit.database.db, home, 'guest')).user_id;
    const stranger = (await seedUser(kit.database.db)).user_id;
    expect(await asks(colleague, home.owner_user_id)).toBe(true);
    expect(await asks(home.owner_user_id, guest)).toBe(true);
    expect(await asks(stranger, stranger)).toBe(true);
    for (const about of [home.owner_user_id, colleague, guest]) expect(await asks(stranger, about)).toBe(false);
    expect(await asks(colleague, stranger)).toBe(false);
    await kit.database.asOwner('delete from app.workspace_members where user_id = $1', [colleague]);
    expect(await asks(colleague, home.owner_user_id)).toBe(false);
    expect(await asks(home.owner_user_id, colleague)).toBe(false);
  });

  test('a guest of the workspace only about the owner of a calendar that they subscribe to', async () => {
    const guest = (await addMember(kit.database.db, home, 'guest')).user_id;
    expect(await asks(guest, home.owner_user_id)).toBe(false);
    await seedSubscription(kit.database.db, calendar, 'freebusy', { user_id: guest });
    expect(await asks(guest, home.owner_user_id)).toBe(true);
    expect(await asks(guest, colleague)).toBe(false);
    await kit.database.asOwner('update app.workspaces set deleted_at = now() where id = $1', [home.workspace_id]);
    expect(await asks(guest, home.owner_user_id)).toBe(false);
    expect(await asks(colleague, home.owner_user_id)).toBe(false);
  });

  test('one whom one may not ask about spoils nothing, and looks like one who does not exist; keys are no people', async () => {
    await add();
    const stranger = (await seedUser(kit.database.db)).user_id;
    const nobody = '019c0000-0000-7000-8000-000000000000';
    const key = (await addMember(kit.database.db, home)).user_id;
    await kit.database.asOwner(`update app.users set kind = 'api_key' where id = $1`, [key]);
    for (const round of ['from Postgres', 'from Redis']) {
      const told = await kit.busy(colleague, [stranger, home.owner_user_id, nobody, key]);
      expect(told, round).toEqual([null, [`${nine} busy`], null, null]);
    }
    const answer = await readFreebusy(kit.ctxOf(colleague), {
      user_ids: [stranger, nobody],
      from: '2026-03-01T00:00:00Z',
      to: '2026-03-02T00:00:00Z',
    });
    expect(JSON.parse(JSON.stringify(answer))).toEqual({
      people: [stranger, nobody].map((user_id) => ({ user_id, found: false, busy: [] })),
    });
  });

  test('nobody learns a word of what it is', async () => {
    await add({ title: 'Secret merger', location: 'Hidden room' });
    const answer = await readFreebusy(kit.ctxOf(colleague), {
      user_ids: [home.owner_user_id],
      from: '2026-03-01T00:00:00Z',
      to: '2026-03-09T00:00:00Z',
    });
    const text = JSON.stringify([answer, await kit.redis.zrange(`fb:{${home.owner_user_id}}`, '0', '-1')]);
    expect(text).not.toMatch(/Secret|Hidden/);
    expect(answer.people).toMatchObject([{ found: true, busy: [{ status: 'busy' }] }]);
  });

  test('windows that are empty or too long, and too many or doubled people, are refused by the field', async () => {
    const ctx = kit.ctxOf(colleague);
    const window = { from: '2026-03-01T00:00:00Z', to: '2026-03-02T00:00:00Z' };
    const refused = async (input: object): Promise<unknown> => {
      const error: unknown = await readFreebusy(ctx, { user_ids: [colleague], ...window, ...input }).catch(
        (reason: unknown) => reason,
      );
      return (error as { meta: { errors: { pointer: string }[] } }).meta.errors[0]?.pointer;
    };
    expect(await refused({ to: window.from })).toBe('/to');
    expect(await refused({ to: '2026-05-03T00:00:01Z' })).toBe('/to');
    expect(await refused({ from: '1800-01-01T00:00:00Z' })).toBe('/from');
    expect(await refused({ user_ids: [colleague, colleague] })).toBe('/user_ids');
    expect(await refused({ user_ids: Array.from({ length: 51 }, () => crypto.randomUUID()) })).toBe('/user_ids');
    expect(await refused({ limit: 1 })).toBe('/limit');
  });
});

describe('copies in Redis', () => {
  test('answer until something changes, and then no longer', async () => {
    const schedule_id = await add();
    await kit.outcomes();
    const ask = async (): Promise<unknown> => {
      const [told] = await kit.busy(colleague, home.owner_user_id, '2026-03-02T00:00:00Z', '2026-03-09T00:00:00Z');
      return [told, await kit.outcomes()];
    };
    expect(await ask()).toEqual([[`${nine} busy`], { miss: 1 }]);
    expect(await ask()).toEqual([[`${nine} busy`], { hit: 1 }]);
    await kit.materialise(calendar.calendar_id);
    expect(await ask()).toEqual([[`${nine} busy`], { hit: 1 }]);
    await updateSchedule(owner, { schedule_id, starts_local: '2026-03-02T11:00:00' });
    expect(await ask()).toEqual([['2026-03-02T11:00:00Z/2026-03-02T12:00:00Z busy'], { stale: 1 }]);
    await deleteSchedule(owner, { schedule_id });
    expect(await ask()).toEqual([[], { stale: 1 }]);
  });

  test('that somebody else wrote into Redis are not believed', async () => {
    await add();
    const key = `fb:{${home.owner_user_id}}`;
    const told = await kit.busy(colleague, home.owner_user_id);
    const members = await kit.redis.zrange(key, '0', '-1');
    await kit.redis.del(key);
    for (const member of ['', ':', '::', 'x', `${members[0]!.split(':')[0]}:old:00000000`])
      await kit.redis.zadd(key, Number(members[0]!.split(':')[0]), member);
    expect(await kit.busy(colleague, home.owner_user_id)).toEqual(told);
    expect((await kit.redis.zrange(key, '0', '-1')).toSorted()).toEqual(members.toSorted());
  });

  test('are bounded in number and in time', async () => {
    const key = `fb:{${home.owner_user_id}}`;
    for (let year = 2020; year < 2031; year++)
      await kit.busy(colleague, home.owner_user_id, `${year}-01-01T00:00:00Z`, `${year}-03-03T00:00:00Z`);
    expect(await kit.redis.zcard(key)).toBe(80);
    expect(await kit.redis.pttl(key)).toBeGreaterThan(3_600_000);
  });

  test('many who ask at once about the same and different people all get their own answer', async () => {
    await add();
    const people = await Promise.all(
      Array.from({ length: 8 }, async () => (await addMember(kit.database.db, home)).user_id),
    );
    const stranger = (await seedUser(kit.database.db)).user_id;
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, n) => {
          const by = n % 5 === 4 ? stranger : people[n % 8]!;
          const about = n % 2 ? [home.owner_user_id, people[n % 7]!] : [people[n % 7]!, home.owner_user_id];
          return kit.busy(by, about, n % 3 ? undefined : '2026-03-02T09:30:00Z');
        }),
      );
      answers.forEach((answer, n) => {
        const span = n % 3 ? `${nine} busy` : '2026-03-02T09:30:00Z/2026-03-02T10:00:00Z busy';
        const expected = n % 5 === 4 ? [null, null] : n % 2 ? [[span], []] : [[], [span]];
        expect(answer, `answer ${n}`).toEqual(expected);
      });
    }
  });
});
