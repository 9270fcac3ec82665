import {
  createCalendar as insertCalendar,
  createSubscription as insertSubscription,
} from '@potentia/db/calendar/calendar-queries';
import { type Tx, withContext } from '@potentia/db/context';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { addMember, seedApiKey } from '@potentia/db/testing/seed';
import {
  seedCalendar,
  seedGuest,
  seedReminder,
  seedSchedule,
  seedSubscription,
} from '@potentia/db/testing/seed-calendar';
import { leaveWorkspace as endMembership } from '@potentia/db/workspace/queries';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expireApiKeys } from '../auth/expire-api-keys.ts';
import { revokeApiKey } from '../auth/revoke-api-key.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { personCtx } from '../platform/testing/person.ts';
import { newId } from '../platform/uuid.ts';
import { deleteWorkspace } from '../workspace/delete-workspace.ts';
import { leaveWorkspace } from '../workspace/leave-workspace.ts';
import { purgeWorkspaces } from '../workspace/purge-workspaces.ts';
import { removeWorkspaceMember } from '../workspace/remove-workspace-member.ts';
import { transferWorkspace } from '../workspace/transfer-workspace.ts';
import { createCalendar } from './create-calendar.ts';
import { createSubscription } from './create-subscription.ts';
import { getCalendar } from './get-calendar.ts';
import { listCalendars } from './list-calendars.ts';
import { askedOf, auditOf, type Company, headsOf, makeCompany, toldOf } from './testing/company.ts';

/* What becomes of somebody's calendars, subscriptions and invitations when they are no more in the workspace. */

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const failsWith = (code: string) => expect.objectContaining({ code }) as Error;
const count = async (table: string, where: string, params: unknown[]): Promise<number> => {
  const [row] = await database.asOwner<{ n: number }>(
    `select count(*)::int as n from app.${table} where ${where}`,
    params,
  );
  return row?.n ?? 0;
};

/** `who` owns one calendar with a schedule, writes in another, is a guest in a third; here and in another workspace. */
async function entangle(company: Company, who: UserCtx) {
  const { db } = database;
  const { user_id } = who.actor;
  const owned = await seedCalendar(db, company.home, { owner: who.actor });
  await seedSubscription(db, owned, 'viewer', company.viewer.actor);
  const schedule = await seedSchedule(db, owned);
  const attended = await seedSchedule(db, await seedCalendar(db, company.home));
  await seedGuest(db, attended, { user_id });
  await seedSubscription(db, company.calendar, 'editor', who.actor);
  await seedReminder(db, schedule, who.actor);
  const elsewhere = await makeCompany(database);
  await addMember(db, elsewhere.home, 'member', who.actor);
  await seedSubscription(db, elsewhere.calendar, 'editor', who.actor);
  await seedGuest(db, await seedSchedule(db, elsewhere.calendar), { user_id });
  return { user_id, owned, schedule, attended, elsewhere };
}

const doors: Record<string, (company: Company, who: UserCtx) => Promise<unknown>> = {
  leaving: ({ workspace_id }, who) => leaveWorkspace(who, { workspace_id }),
  'being removed': ({ workspace_id, boss }, who) =>
    removeWorkspaceMember(boss, { workspace_id, user_id: who.actor.user_id }),
};

describe.each(Object.keys(doors))('%s', (name) => {
  it('passes what one owned to the owner of the workspace, and ends the rest, there and nowhere else', async () => {
    const company = await makeCompany(database);
    const { boss, workspace_id, home, viewer } = company;
    const who = personCtx(database.db, (await addMember(database.db, home, 'guest')).user_id);
    const { user_id, owned, schedule, attended, elsewhere } = await entangle(company, who);
    const [before, boss_before] = await headsOf(database, [who, boss]);
    await doors[name]!(company, who);

    const { calendar_id } = owned;
    expect(await getCalendar(boss, { calendar_id })).toMatchObject({
      role: 'owner',
      owner_user_id: boss.actor.user_id,
      affects_busy: false,
    });
    expect(await getCalendar(viewer, { calendar_id })).toMatchObject({ role: 'viewer' });
    await expect(getCalendar(who, { calendar_id })).rejects.toThrow(failsWith('calendar.not_found'));
    expect(await count('calendar_subscriptions', 'user_id = $1 and workspace_id = $2', [user_id, workspace_id])).toBe(
      0,
    );
    expect(await count('schedule_guests', 'user_id = $1 and workspace_id = $2', [user_id, workspace_id])).toBe(0);
    expect(await count('schedule_reminders', 'user_id = $1 and workspace_id = $2', [user_id, workspace_id])).toBe(0);
    expect(await count('guest_tombstones', 'user_id = $1 and schedule_id = $2', [user_id, attended.schedule_id])).toBe(
      1,
    );
    const seen = (await listCalendars(who, {})).items.map(({ id }) => id);
    expect(seen).toContain(elsewhere.calendar_id);
    expect(await count('schedule_guests', 'user_id = $1', [user_id])).toBe(1);

    const [after, boss_after] = await headsOf(database, [who, boss]);
    expect(after).toBeGreaterThan(before!);
    expect(boss_after).toBeGreaterThan(boss_before!);
    expect(await askedOf(database, 'calendar.materialise', schedule.schedule_id)).toBe(0);
    expect(await askedOf(database, 'calendar.fan_out', calendar_id)).toBe(1);
    expect(await askedOf(database, 'calendar.fan_out', company.calendar_id)).toBe(1);
    const actor_user_id = name === 'leaving' ? user_id : boss.actor.user_id;
    expect(await auditOf(database, calendar_id)).toMatchObject([
      { action: 'calendar.transfer', actor_user_id, after: { owner_user_id: boss.actor.user_id } },
    ]);
    expect(await auditOf(database, company.calendar_id)).toMatchObject([
      { action: 'subscription.delete', actor_user_id, before: { user_id, role: 'editor' } },
    ]);
    expect(await toldOf(database, calendar_id)).toMatchObject([{ user_id: boss.actor.user_id, role: 'owner' }]);
  });
});

it('the owner of the workspace who subscribed already keeps what they chose', async () => {
  const company = await makeCompany(database);
  const { boss, owner, workspace_id, calendar_id, calendar } = company;
  await seedSubscription(database.db, calendar, 'freebusy', boss.actor, { affects_busy: true });
  await leaveWorkspace(owner, { workspace_id });
  expect(await getCalendar(boss, { calendar_id })).toMatchObject({ role: 'owner', affects_busy: true });
});

it('whoever comes back finds nothing of what they had', async () => {
  const { viewer, home, workspace_id, calendar_id } = await makeCompany(database);
  await leaveWorkspace(viewer, { workspace_id });
  await addMember(database.db, home, 'member', viewer.actor);
  await expect(getCalendar(viewer, { calendar_id })).rejects.toThrow(failsWith('calendar.not_found'));
});

it('handing the workspace over takes calendars from neither of the two', async () => {
  const { boss, owner, workspace_id, home, calendar_id } = await makeCompany(database);
  const theirs = await seedCalendar(database.db, home);
  await transferWorkspace(boss, { workspace_id, user_id: owner.actor.user_id });
  expect(await getCalendar(owner, { calendar_id })).toMatchObject({ role: 'owner' });
  expect(await getCalendar(boss, { calendar_id: theirs.calendar_id })).toMatchObject({ role: 'owner' });
});

it('a change of role within the workspace takes nothing', async () => {
  const { viewer, home, calendar_id } = await makeCompany(database);
  await addMember(database.db, home, 'guest', viewer.actor);
  expect(await getCalendar(viewer, { calendar_id })).toMatchObject({ role: 'viewer' });
});

describe('the end of an API key', () => {
  const keyOf = async (company: Company, overrides: { expires_at?: string } = {}) => {
    const { id } = await seedApiKey(database.db, company.home, { scopes: ['calendar:write'], ...overrides });
    const calendar = await seedCalendar(database.db, company.home, { owner: { user_id: id } });
    return { api_key_id: id, calendar_id: calendar.calendar_id };
  };

  it('by revocation passes its calendars to the owner of the workspace', async () => {
    const company = await makeCompany(database);
    const { api_key_id, calendar_id } = await keyOf(company);
    await revokeApiKey(company.boss, { workspace_id: company.workspace_id, api_key_id });
    expect(await getCalendar(company.boss, { calendar_id })).toMatchObject({ role: 'owner' });
    expect((await auditOf(database, calendar_id)).at(-1)).toMatchObject({ actor_user_id: company.boss.actor.user_id });
  });

  it('by its date does so too, by nobody', async () => {
    const company = await makeCompany(database);
    const { calendar_id } = await keyOf(company, { expires_at: new Date(Date.now() - 1_000).toISOString() });
    await expireApiKeys({ db: database.job_db });
    expect(await getCalendar(company.boss, { calendar_id })).toMatchObject({ role: 'owner' });
    expect((await auditOf(database, calendar_id)).at(-1)).toMatchObject({
      action: 'calendar.transfer',
      actor_user_id: null,
      reason: 'membership.end',
    });
  });
});

it('whoever leaves does not stand in the way of an edit that they wait for', async () => {
  const { viewer, home, workspace_id } = await makeCompany(database);
  const { user_id } = viewer.actor;
  const calendars = [await seedCalendar(database.db, home), await seedCalendar(database.db, home)].sort((a, b) =>
    a.calendar_id < b.calendar_id ? -1 : 1,
  );
  const schedules = [];
  for (const calendar of calendars) {
    const schedule = await seedSchedule(database.db, calendar);
    await seedGuest(database.db, schedule, { user_id });
    schedules.push(schedule.schedule_id);
  }
  // As an edit of what stands in the later calendar: that is held, and then its guests are counted up.
  await database.asOwner('begin');
  await database.asOwner('select app.next_calendar_seq($1, $2)', [workspace_id, calendars[1]!.calendar_id]);
  const leaving = leaveWorkspace(viewer, { workspace_id });
  leaving.catch(() => undefined);
  const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  await expect.poll(async () => (await database.asOwner(waiting)).length).toBe(1);
  await database.asOwner('select app.bump_user_calendars(array[$1]::uuid[])', [user_id]);
  await database.asOwner('commit');
  await leaving;
  expect(await count('guest_tombstones', 'user_id = $1 and schedule_id = any ($2)', [user_id, schedules])).toBe(2);
});

describe('whoever leaves while they are given something', () => {
  /** Runs `first` in a transaction that stays open until `second` waits for it; what became of `second`. */
  async function atOnce(first: (tx: Tx) => Promise<unknown>, second: () => Promise<unknown>, user_id: string) {
    let outcome: Promise<unknown> | undefined;
    await withContext(database.db, { user_id }, async (tx) => {
      await first(tx);
      outcome = second().then(
        () => 'done',
        (error: unknown) => (error as { code: string }).code,
      );
      await expect
        .poll(async () => {
          const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
          return (await database.asOwner(waiting)).length;
        })
        .toBe(1);
    });
    return outcome;
  }
  const request_id = 'r';

  it('is not left with a subscription', async () => {
    const { owner, guest, workspace_id, calendar_id } = await makeCompany(database);
    const [asked, left] = [owner.actor, guest.actor];
    const input = { calendar_id, target_user_id: left.user_id, role: 'viewer', request_id };
    const leave = () => leaveWorkspace(guest, { workspace_id });
    const given = (tx: Tx) => insertSubscription(tx, { user_id: asked.user_id, ...input });
    expect(await atOnce(given, leave, asked.user_id)).toBe('done');
    expect(
      await count('calendar_subscriptions', 'user_id = $1 and workspace_id = $2', [left.user_id, workspace_id]),
    ).toBe(0);

    const second = await makeCompany(database);
    const { user_id } = second.guest.actor;
    const gone = (tx: Tx) => endMembership(tx, { user_id, workspace_id: second.workspace_id, request_id });
    const give = () => createSubscription(second.owner, { calendar_id: second.calendar_id, user_id, role: 'viewer' });
    expect(await atOnce(gone, give, user_id)).toBe('subscription.user_not_found');
  });

  it('leaves the calendar that they were making to the owner of the workspace, or makes none', async () => {
    const { boss, viewer, workspace_id } = await makeCompany(database);
    const { user_id } = viewer.actor;
    const calendar_id = newId();
    const fields = { name: 'x', description: null, color: null, time_zone: null, is_exclusive: false };
    const making = (tx: Tx) => insertCalendar(tx, { user_id, calendar_id, workspace_id, fields, request_id });
    expect(await atOnce(making, () => leaveWorkspace(viewer, { workspace_id }), user_id)).toBe('done');
    expect(await getCalendar(boss, { calendar_id })).toMatchObject({ role: 'owner' });

    const second = await makeCompany(database);
    const leaver = second.editor;
    const home = { workspace_id: second.workspace_id };
    const gone = (tx: Tx) => endMembership(tx, { user_id: leaver.actor.user_id, ...home, request_id });
    const make = () => createCalendar(leaver, { ...home, name: 'x' });
    expect(await atOnce(gone, make, leaver.actor.user_id)).toBe('workspace.not_found');
  });
});

it('a purged workspace leaves nothing of its calendars, and its members lose nothing elsewhere', async () => {
  const company = await makeCompany(database);
  const who = personCtx(database.db, (await addMember(database.db, company.home)).user_id);
  const { elsewhere } = await entangle(company, who);
  const { workspace_id, boss } = company;
  await deleteWorkspace(boss, { workspace_id, name: 'Seeded workspace' });
  await database.asOwner(`update app.workspaces set deleted_at = now() - interval '31 days' where id = $1`, [
    workspace_id,
  ]);
  const job = { ...personCtx(database.job_db, boss.actor.user_id), request_id: 'purge' };
  expect(await purgeWorkspaces(job, { step_rows: 2 })).toBe(1);
  const tables = await database.asOwner<{ name: string }>(
    `select c.relname as name from pg_class c where c.relnamespace = 'app'::regnamespace and c.relkind = 'r'
       and obj_description(c.oid, 'pg_class') like '%family: calendar%'`,
  );
  expect(tables.length).toBeGreaterThan(8);
  for (const { name } of tables) expect(await count(name, 'workspace_id = $1', [workspace_id]), name).toBe(0);
  expect(await getCalendar(who, { calendar_id: elsewhere.calendar_id })).toMatchObject({ role: 'editor' });
});
