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
import { newId } from '../platform/uuid.ts';
import { inviteCtx } from '../workspace/testing/invite-kit.ts';
import { addGuests } from './add-guests.ts';
import { getSchedule } from './get-schedule.ts';
import type { Guest } from './guest-schemas.ts';
import { listGuests } from './list-guests.ts';
import { materialiseSchedule } from './materialise-schedule.ts';
import { removeGuest } from './remove-guest.ts';
import { respondToSchedule } from './respond-to-schedule.ts';
import { jobCtx } from './testing/instance-kit.ts';
import { updateGuest } from './update-guest.ts';
import { viewSchedules } from './view-schedules.ts';

let t: TestDatabase;
let workspace: SeededWorkspace;
let calendar: SeededCalendar;
let schedule: SeededSchedule;
let owner: string;
let editor: string;
let viewer: string;
let onlooker: string;
/** In the workspace, and no subscriber. */
let member: string;
let stranger: string;
beforeAll(async () => {
  t = await createTestDatabase();
  stranger = (await seedUser(t.db)).user_id;
});
afterAll(() => t.drop());
beforeEach(async () => {
  workspace = await seedWorkspace(t.db);
  owner = workspace.owner_user_id;
  member = (await addMember(t.db, workspace, 'guest')).user_id;
  calendar = await seedCalendar(t.db, workspace);
  editor = (await seedSubscription(t.db, calendar, 'editor')).user_id;
  viewer = (await seedSubscription(t.db, calendar, 'viewer')).user_id;
  onlooker = (await seedSubscription(t.db, calendar, 'freebusy')).user_id;
  schedule = await seedSchedule(t.db, calendar, { rrule: 'FREQ=DAILY;COUNT=5', last_at: '2026-03-08T00:00:00Z' });
});

const ctx = (user_id: string, overrides = {}) => inviteCtx(t, { user_id }, overrides);
const of = () => ({ schedule_id: schedule.schedule_id });
const address = () => `person-${newId()}@example.com`;
async function add(whom: object, who = owner): Promise<Guest> {
  const { result } = await addGuests(ctx(who), { ...of(), ...whom });
  return result.items[0] as Guest;
}
const guests = async (who = owner) => (await listGuests(ctx(who), of())).items;
const day = (n: number) => `2026-03-0${n}T09:00:00`;
const answer = (who: string, response: string, more: object = {}) =>
  respondToSchedule(ctx(who), { ...of(), response, ...more } as Parameters<typeof respondToSchedule>[1]);
const told = (type?: string) =>
  t.asOwner<{ user_id: string; type: string; response: string | null; scope: string }>(
    `select payload ->> 'user_id' as user_id, payload ->> 'type' as type, payload ->> 'response' as response, payload ->> 'scope' as scope
     from app.outbox where topic = 'me.deliver' and payload ->> 'schedule_id' = $1 and ($2::text is null or payload ->> 'type' = $2) order by created_at, id`,
    [schedule.schedule_id, type ?? null],
  );
const mails = () =>
  t.asOwner<{ template: string; kind: string | null; to: string | null; reference: string }>(
    `select payload ->> 'template' as template, payload ->> 'kind' as kind, payload ->> 'to' as to, payload ->> 'reference' as reference
     from app.outbox where topic = 'mail.send' and workspace_id = $1 order by created_at, id`,
    [schedule.workspace_id],
  );
const audits = () =>
  t.asOwner<{ action: string; before: object | null; after: object | null }>(
    `select action, before, after from app.audit_logs where workspace_id = $1 and target_type = 'guest' order by created_at, id`,
    [schedule.workspace_id],
  );
const numbers = async (who: string) =>
  (
    await t.asOwner<{ head: number; seq: number; shown: number }>(
      `select coalesce((select h.seq::int from app.user_calendar_heads h where h.user_id = $1), 0) as head, c.seq::int, s.seq::int as shown
       from app.calendars c join app.schedules s on s.calendar_id = c.id where s.id = $2`,
      [who, schedule.schedule_id],
    )
  )[0]!;
const seen = async (who: string) => {
  const { json } = await viewSchedules(ctx(who), { from: '2026-03-01T00:00:00Z', to: '2026-03-10T00:00:00Z' });
  const { items } = JSON.parse(json) as {
    items: { schedule_id: string; recurrence_id: string; my_response: string }[];
  };
  return items.filter(({ schedule_id }) => schedule_id === schedule.schedule_id);
};
const codeOf = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'done',
    (error: unknown) => (error as { code: string }).code,
  );

describe('a guest of the workspace', () => {
  it('sees the schedule from the moment on in which they are added, whether instances are written or not', async () => {
    await materialiseSchedule(jobCtx(t.job_db), { payload: of() });
    expect(await codeOf(getSchedule(ctx(member), of()))).toBe('schedule.not_found');
    expect(await seen(member)).toEqual([]);
    const before = await numbers(member);
    const guest = await add({ user_id: member });
    expect(guest).toMatchObject({
      user_id: member,
      email: null,
      response: 'needs_action',
      name: expect.stringMatching(/^User/),
    });
    expect(await seen(member)).toHaveLength(5);
    expect(await seen(viewer)).toHaveLength(5);
    const after = await numbers(member);
    expect(after.head).toBeGreaterThan(before.head);
    expect(after.seq).toBeGreaterThan(before.seq);
    expect(after.shown).toBe(after.seq);
    await materialiseSchedule(jobCtx(t.job_db), { payload: of() });
    expect(await seen(member)).toHaveLength(5);
    expect(await getSchedule(ctx(member), of())).toMatchObject({ role: 'guest', my_guest_id: guest.id });
    expect(await told()).toEqual([{ user_id: member, type: 'schedule.invited', response: null, scope: 'all' }]);
    expect(await mails()).toEqual([]);
  });

  it('is found by their address too, which is shown to nobody; an address outside of it stays one', async () => {
    const { email, user_id } = await seedUser(t.db);
    await addMember(t.db, workspace, 'member', { user_id });
    const outsider = await seedUser(t.db);
    expect(await add({ email: email.toUpperCase() })).toMatchObject({ user_id, email: null });
    expect(await add({ email: outsider.email, name: 'Ana' })).toMatchObject({
      user_id: null,
      email: outsider.email,
      name: 'Ana',
    });
    expect((await mails()).map(({ template, kind }) => ({ template, kind }))).toEqual([
      { template: 'schedule_invitation', kind: 'invited' },
    ]);
    expect(await codeOf(getSchedule(ctx(outsider.user_id), of()))).toBe('schedule.not_found');
  });

  it('who adds themselves has accepted, and is not told of it', async () => {
    expect(await add({ user_id: owner })).toMatchObject({ response: 'accepted' });
    expect(await told()).toEqual([]);
  });

  it('cannot be somebody outside of it, nor an API key, nor be added twice: nothing is written then', async () => {
    const key = (await addMember(t.db, workspace)).user_id;
    await t.asOwner(`update app.users set kind = 'api_key' where id = $1`, [key]);
    for (const user_id of [stranger, newId(), key]) {
      await expect(add({ guests: [{ user_id: member }, { user_id }] })).rejects.toMatchObject({
        code: 'guest.user_not_found',
        kind: 'not_found',
        meta: { errors: [{ pointer: '/guests/1/user_id' }] },
      });
    }
    expect(await guests()).toEqual([]);
    await add({ user_id: member });
    await expect(add({ user_id: member })).rejects.toMatchObject({
      code: 'guest.exists',
      kind: 'conflict',
      meta: { errors: [{ pointer: '/user_id' }] },
    });
    const email = address();
    expect(await codeOf(add({ guests: [{ email }, { email }] }))).toBe('guest.exists');
    expect(await guests()).toHaveLength(1);
    expect(await mails()).toEqual([]);
  });
});

describe('the list', () => {
  it('is for everybody who reads the schedule; of a private one for its guests and editors', async () => {
    await add({ user_id: member });
    for (const who of [owner, editor, viewer, member]) expect(await guests(who)).toHaveLength(1);
    await t.asOwner(`update app.schedules set visibility = 'private' where id = $1`, [schedule.schedule_id]);
    for (const who of [owner, editor, member]) expect(await guests(who)).toHaveLength(1);
    for (const who of [viewer, onlooker, stranger]) expect(await codeOf(guests(who))).toBe('schedule.not_found');
  });

  it('is read in pages, and holds at most 200', async () => {
    const many = (n: number) => Array.from({ length: n }, () => ({ email: address() }));
    await addGuests(ctx(owner), { ...of(), guests: many(100) });
    await addGuests(ctx(owner), { ...of(), guests: many(99) });
    expect(await codeOf(addGuests(ctx(owner), { ...of(), guests: many(2) }))).toBe('schedule.guests_full');
    expect(await codeOf(addGuests(ctx(owner), { ...of(), guests: many(101) }))).toBe('request.invalid');
    await add({ email: address() });
    const first = await listGuests(ctx(owner), { ...of(), limit: 150 });
    const rest = await listGuests(ctx(owner), { ...of(), limit: 150, cursor: first.next_cursor ?? '' });
    expect(new Set([...first.items, ...rest.items].map(({ id }) => id)).size).toBe(200);
    expect(rest.next_cursor).toBeNull();
  });
});

describe('who may', () => {
  it('add, change and remove guests are the editors of the schedule; strangers learn nothing of it', async () => {
    const guest = await add({ email: address() });
    await add({ user_id: member });
    const attempts = (who: string) => [
      add({ email: address() }, who),
      updateGuest(ctx(who), { ...of(), guest_id: guest.id, is_optional: true }),
      removeGuest(ctx(who), { ...of(), guest_id: guest.id }),
    ];
    const codes = async (who: string) => new Set(await Promise.all(attempts(who).map(codeOf)));
    expect(await codes(stranger)).toEqual(new Set(['schedule.not_found']));
    expect(await codes(onlooker)).toEqual(new Set(['schedule.not_found']));
    expect(await codes(viewer)).toEqual(new Set(['schedule.forbidden']));
    expect(await codes(member)).toEqual(new Set(['schedule.forbidden']));
    expect(await codes(editor)).toContain('done');
  });

  it('answer are guests alone, each for themselves', async () => {
    await add({ user_id: member });
    expect(await codeOf(answer(stranger, 'accepted'))).toBe('schedule.not_found');
    expect(await codeOf(answer(onlooker, 'accepted'))).toBe('schedule.not_found');
    for (const who of [owner, editor, viewer]) expect(await codeOf(answer(who, 'accepted'))).toBe('schedule.forbidden');
    expect(await codeOf(answer(member, 'accepted'))).toBe('done');
  });

  it('a guest of another schedule cannot be reached through this one', async () => {
    const other = await seedSchedule(t.db, calendar);
    const { guest_id } = await seedGuest(t.db, other, { email: address() });
    expect(await codeOf(updateGuest(ctx(owner), { ...of(), guest_id, is_optional: true }))).toBe('guest.not_found');
    expect(await codeOf(removeGuest(ctx(owner), { ...of(), guest_id }))).toBe('guest.not_found');
  });
});

describe('a guest who is removed', () => {
  it('has no access any more at once, is told, and is told so when they synchronise', async () => {
    const guest = await add({ user_id: member });
    await removeGuest(ctx(editor), { ...of(), guest_id: guest.id });
    expect(await codeOf(getSchedule(ctx(member), of()))).toBe('schedule.not_found');
    expect(await codeOf(answer(member, 'accepted'))).toBe('schedule.not_found');
    expect(await codeOf(guests(member))).toBe('schedule.not_found');
    expect(await seen(member)).toEqual([]);
    expect(await told('schedule.cancelled')).toMatchObject([{ user_id: member }]);
    const tombs = await t.asOwner('select seq::int from app.guest_tombstones where user_id = $1 and schedule_id = $2', [
      member,
      schedule.schedule_id,
    ]);
    expect(tombs).toEqual([{ seq: (await numbers(member)).head }]);
  });

  it('still reads what they subscribe to', async () => {
    const guest = await add({ user_id: viewer });
    await removeGuest(ctx(owner), { ...of(), guest_id: guest.id });
    expect(await getSchedule(ctx(viewer), of())).toMatchObject({ role: 'viewer', my_guest_id: null });
  });

  it('by address gets a mail that takes the invitation back; who came with an import hears nothing', async () => {
    const email = address();
    const guest = await add({ email });
    const imported = await seedGuest(t.db, schedule, { email: address() });
    for (const guest_id of [guest.id, imported.guest_id]) await removeGuest(ctx(owner), { ...of(), guest_id });
    expect(await mails()).toEqual([
      { template: 'schedule_invitation', kind: 'invited', to: null, reference: guest.id },
      { template: 'schedule_cancellation', kind: null, to: email, reference: guest.id },
    ]);
  });
});

describe('an answer', () => {
  beforeEach(async () => {
    await add({ user_id: member });
  });
  const mine = async () => (await seen(member)).map(({ my_response }) => my_response);

  it('to all is one to the series, and ends those to single occurrences', async () => {
    await answer(member, 'declined', { scope: 'this', recurrence_id: day(3) });
    const { guest, lost, dry_run } = await answer(member, 'accepted', { comment: 'gladly' });
    expect(guest).toMatchObject({ response: 'accepted', comment: 'gladly', responses: [] });
    expect({ lost, dry_run }).toEqual({
      lost: { responses: [{ recurrence_id: day(3), applies_to: 'this', response: 'declined' }] },
      dry_run: false,
    });
    expect(await mine()).toEqual(['accepted', 'accepted', 'accepted', 'accepted', 'accepted']);
  });

  it('to one occurrence leaves the series whole, and is seen in the same second', async () => {
    await answer(member, 'accepted');
    const before = await numbers(member);
    await answer(member, 'declined', { scope: 'this', recurrence_id: day(4) });
    expect(await mine()).toEqual(['accepted', 'accepted', 'declined', 'accepted', 'accepted']);
    const after = await numbers(member);
    expect(after.head).toBeGreaterThan(before.head);
    expect(after.shown).toBeGreaterThan(before.shown);
    expect(
      await t.asOwner('select count(*)::int as n from app.schedules where calendar_id = $1', [calendar.calendar_id]),
    ).toEqual([{ n: 1 }]);
  });

  it('to the one occurrence that there is is seen too, written and expanded', async () => {
    await t.asOwner('update app.schedules set rrule = null where id = $1', [schedule.schedule_id]);
    await answer(member, 'accepted', { scope: 'this', recurrence_id: day(2) });
    expect(await mine()).toEqual(['accepted']);
    await materialiseSchedule(jobCtx(t.job_db), { payload: of() });
    expect(await mine()).toEqual(['accepted']);
  });

  it('to one and those after it takes the place of those from there on; at the first it is one to all', async () => {
    await answer(member, 'declined', { scope: 'this', recurrence_id: day(3) });
    await answer(member, 'declined', { scope: 'this', recurrence_id: day(5) });
    await answer(member, 'tentative', { scope: 'following', recurrence_id: day(4) });
    expect(await mine()).toEqual(['needs_action', 'declined', 'tentative', 'tentative', 'tentative']);
    const { guest } = await answer(member, 'accepted', { scope: 'following', recurrence_id: day(2) });
    expect(guest).toMatchObject({ response: 'accepted', responses: [] });
  });

  it('names an occurrence that there is', async () => {
    for (const scope of ['this', 'following']) {
      const refused = answer(member, 'declined', { scope, recurrence_id: '2026-03-02T10:00:00' });
      await expect(refused).rejects.toMatchObject({ code: 'schedule.occurrence_not_found', kind: 'not_found' });
      expect(await codeOf(answer(member, 'declined', { scope }))).toBe('request.invalid');
    }
  });

  it('with dry_run says what it would be, and writes nothing', async () => {
    await answer(member, 'declined', { scope: 'this', recurrence_id: day(5) });
    const [before, history] = [await numbers(member), await audits()];
    for (const [scope, recurrence_id] of [
      ['this', day(5)],
      ['following', day(3)],
      ['all', undefined],
    ]) {
      const asked = { scope, ...(recurrence_id && { recurrence_id }) };
      const preview = await answer(member, 'tentative', { ...asked, dry_run: true, comment: 'maybe' });
      expect(await numbers(member)).toEqual(before);
      expect(await audits()).toEqual(history);
      expect(preview).toMatchObject({
        dry_run: true,
        guest: { comment: 'maybe' },
        lost: { responses: [{ recurrence_id: day(5) }] },
      });
      if (scope === 'all') {
        const { guest, lost } = await answer(member, 'tentative', asked);
        expect(lost).toEqual(preview.lost);
        expect(guest.responses).toEqual(preview.guest.responses);
      }
    }
  });

  it('is told to the organiser, unless it is their own or they see the schedule no more', async () => {
    await answer(member, 'accepted', { scope: 'following', recurrence_id: day(3) });
    expect(await told('schedule.responded')).toEqual([
      { user_id: owner, type: 'schedule.responded', response: 'accepted', scope: 'following' },
    ]);
    await add({ user_id: owner });
    await answer(owner, 'declined');
    await t.asOwner('update app.schedules set organiser_user_id = $1 where id = $2', [stranger, schedule.schedule_id]);
    await answer(member, 'declined');
    expect(await told('schedule.responded')).toHaveLength(1);
  });
});

it('who changes a guest says so: everything is audited, with what was', async () => {
  const email = address();
  const guest = await add({ email, name: 'Ana' });
  await updateGuest(ctx(editor), { ...of(), guest_id: guest.id, name: 'Anna', is_optional: true });
  await removeGuest(ctx(editor), { ...of(), guest_id: guest.id });
  const schedule_id = schedule.schedule_id;
  const was = { schedule_id, email, name: 'Ana', is_optional: false, response: 'needs_action' };
  const is = { ...was, name: 'Anna', is_optional: true };
  expect(await audits()).toEqual([
    { action: 'guest.create', before: null, after: was },
    { action: 'guest.update', before: was, after: is },
    { action: 'guest.delete', before: is, after: null },
  ]);
  await add({ user_id: member });
  await answer(member, 'declined', { scope: 'this', recurrence_id: day(3) });
  expect((await audits()).at(-1)).toEqual({
    action: 'guest.respond',
    before: { schedule_id, response: 'needs_action', scope: 'this', recurrence_id: day(3) },
    after: { schedule_id, response: 'needs_action', scope: 'this', recurrence_id: day(3), to_occurrence: 'declined' },
  });
});

it('the name of somebody with an account is their own', async () => {
  const guest = await add({ user_id: member });
  const rename = updateGuest(ctx(owner), { ...of(), guest_id: guest.id, name: 'Boss' });
  await expect(rename).rejects.toMatchObject({ code: 'guest.has_account', meta: { errors: [{ pointer: '/name' }] } });
});

it('mails have a limit, by who sends and by who gets them; a refusal adds nobody', async () => {
  for (const limited of ['organiser', 'address']) {
    const keys: string[] = [];
    const limiter = {
      take: (key: string) => {
        keys.push(key);
        const allowed = !key.startsWith(`guests:${limited}`);
        return Promise.resolve({
          allowed,
          limit: 1,
          remaining: 0,
          reset_ms: 0,
          retry_after_ms: 7,
          source: 'local' as const,
        });
      },
    };
    const email = address();
    const refused = addGuests(ctx(owner, { limiter }), { ...of(), email });
    await expect(refused).rejects.toMatchObject({
      kind: 'limit',
      code: 'guest.too_many_mails',
      meta: { retry_after_ms: 7, limit: limited },
    });
    expect(keys.join()).not.toContain(email);
  }
  expect(await guests()).toEqual([]);
});

it('an Idempotency-Key adds once', async () => {
  const keyed = ctx(owner, { idempotency_key: newId() });
  const input = { ...of(), email: address() };
  const first = await addGuests(keyed, input);
  expect(await addGuests(keyed, input)).toEqual({ ...first, replayed: true });
  expect(await mails()).toHaveLength(1);
});
