import { randomUUID } from 'node:crypto';
import { addMember, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import {
  seedCalendar,
  seedGuest,
  seedSchedule,
  type SeededCalendar,
  type SeededSchedule,
} from '@potentia/db/testing/seed-calendar';
import { sealRsvp } from '@potentia/domain/calendar/rsvp-token';
import { createSealer } from '@potentia/domain/platform/seal';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
let owner: Person;
let member: Person;
let workspace: SeededWorkspace;
let calendar: SeededCalendar;
let schedule: SeededSchedule;
/** The key that the service under test has. */
const sealer = createSealer([{ kid: 'test', key: Buffer.alloc(32, 7) }]);

beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  [owner, member] = await Promise.all([person(backends.issuer), person(backends.issuer)]);
  for (const who of [owner, member]) await api.call(who, 'GET', '/api/v1/me');
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});
beforeEach(async () => {
  const { db } = backends.database;
  workspace = await seedWorkspace(db, owner);
  await addMember(db, workspace, 'guest', member);
  calendar = await seedCalendar(db, workspace);
  schedule = await seedSchedule(db, calendar, { title: 'Plans', rrule: 'FREQ=DAILY;COUNT=3' });
});

const path = (rest = '') => `/api/v1/schedules/${schedule.schedule_id}${rest}`;
const address = () => `person-${randomUUID()}@example.com`;
const later = Date.now() + 86_400_000;

describe('guests', () => {
  it('are added one or several, listed, changed and removed', async () => {
    const one = await api.call(owner, 'POST', path('/guests'), { user_id: member.user_id });
    expect(one, one.text).toMatchObject({ status: 201, body: { items: [{ user_id: member.user_id }] } });
    const several = await api.call(owner, 'POST', path('/guests'), {
      guests: [
        { email: address(), name: 'Ana' },
        { email: address(), is_optional: true },
      ],
    });
    expect(several).toMatchObject({ status: 201, body: { items: [{ name: 'Ana' }, { is_optional: true }] } });
    const [{ id }] = several.body.items;
    const changed = await api.call(owner, 'PATCH', path(`/guests/${id}`), { is_optional: true });
    expect(changed).toMatchObject({ status: 200, body: { id, name: 'Ana', is_optional: true } });
    expect(await api.call(member, 'GET', path(`/guests/${id}`))).toMatchObject({ status: 200, body: changed.body });
    expect((await api.call(owner, 'DELETE', path(`/guests/${id}`))).status).toBe(204);
    expect(await api.call(member, 'GET', path(`/guests/${id}`))).toMatchObject({
      status: 404,
      body: { code: 'guest.not_found' },
    });
    expect((await api.call(member, 'GET', path('/guests'))).body.items).toHaveLength(2);
  });

  it('are refused by the field that is wrong', async () => {
    for (const [body, pointer] of [
      [{ user_id: member.user_id, role: 'x' }, '/role'],
      [{ email: 'nobody' }, '/email'],
      [{ email: address(), user_id: member.user_id }, ''],
      [{}, ''],
      [{ guests: [{ email: address(), phone: '1' }] }, '/guests/0/phone'],
      [{ guests: [{}] }, '/guests/0'],
    ] as const) {
      const answer = await api.call(owner, 'POST', path('/guests'), body);
      expect(answer, JSON.stringify(body)).toMatchObject({ status: 400, body: { errors: [{ pointer }] } });
    }
  });

  it('are invited with a new schedule, all or nothing', async () => {
    const body = {
      calendar_id: calendar.calendar_id,
      title: 'Lunch',
      starts_local: '2026-03-02T12:00:00',
      duration_seconds: 3_600,
    };
    const made = await api.call(owner, 'POST', '/api/v1/schedules', {
      ...body,
      guests: [{ user_id: member.user_id }, { user_id: owner.user_id }, { email: address() }],
    });
    expect(made, made.text).toMatchObject({ status: 201, body: { guest_count: 3, my_response: 'accepted' } });
    expect(await api.call(member, 'GET', `/api/v1/schedules/${made.body.id}`)).toMatchObject({
      status: 200,
      body: { role: 'guest', my_response: 'needs_action' },
    });
    const refused = await api.call(owner, 'POST', '/api/v1/schedules', {
      ...body,
      guests: [{ user_id: randomUUID() }],
    });
    expect(refused).toMatchObject({ status: 404, body: { errors: [{ pointer: '/guests/0/user_id' }] } });
    const list = await api.call(owner, 'GET', `/api/v1/calendars/${calendar.calendar_id}/schedules`);
    expect(list.body.items).toHaveLength(2);
  });
});

it('a guest answers one occurrence, by the query', async () => {
  await api.call(owner, 'POST', path('/guests'), { user_id: member.user_id });
  const query = '?scope=this&recurrence_id=2026-03-03T09:00:00';
  const answer = await api.call(member, 'PATCH', path(`/respond${query}`), { response: 'declined' });
  expect(answer, answer.text).toMatchObject({
    status: 200,
    body: { dry_run: false, guest: { response: 'needs_action', responses: [{ response: 'declined' }] } },
  });
  expect((await api.call(member, 'PATCH', path('/respond?scope=this'), { response: 'declined' })).body).toMatchObject({
    errors: [{ pointer: '/recurrence_id' }],
  });
});

describe('a link', () => {
  const linked = async () => {
    const { guest_id } = await seedGuest(backends.database.db, schedule, { email: address() });
    return { guest_id, token: sealRsvp(sealer, guest_id, later) };
  };
  const preview = (token: string) => api.call(null, 'POST', '/api/v1/rsvp/preview', { token });
  const respond = (token: string, response: string, more = {}) =>
    api.call(null, 'POST', '/api/v1/rsvp', { token, response, ...more });
  const storedOf = async (guest_id: string) =>
    (
      await backends.database.asOwner<{ response: string; comment: string | null }>(
        'select response, comment from app.schedule_guests where id = $1',
        [guest_id],
      )
    )[0];

  it('shows what it is to and no more, and is answered as often as one likes; the organiser is told', async () => {
    const { guest_id, token } = await linked();
    const shown = await preview(token);
    expect(shown).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
    const about = { title: 'Plans', organiser_name: expect.any(String), is_cancelled: false, is_all_day: false };
    const when = {
      starts_local: '2026-03-02T09:00:00',
      time_zone: 'UTC',
      duration_seconds: 3600,
      rrule: 'FREQ=DAILY;COUNT=3',
    };
    expect(shown.body).toEqual({ ...about, ...when, response: 'needs_action' });
    expect(await storedOf(guest_id)).toEqual({ response: 'needs_action', comment: null });
    expect(await respond(token, 'tentative', { comment: 'maybe' })).toMatchObject({
      status: 200,
      body: { response: 'tentative' },
    });
    const last = await respond(token, 'declined');
    expect(last).toMatchObject({ status: 200, body: { response: 'declined' } });
    expect(await storedOf(guest_id)).toEqual({ response: 'declined', comment: 'maybe' });
    const told = await backends.database.asOwner<{ user_id: string; response: string }>(
      `select payload ->> 'user_id' as user_id, payload ->> 'response' as response from app.outbox
       where topic = 'me.deliver' and payload ->> 'guest_id' = $1 order by created_at, id`,
      [guest_id],
    );
    expect(told).toEqual(['tentative', 'declined'].map((response) => ({ user_id: owner.user_id, response })));
    const audits = await backends.database.asOwner(
      `select actor_type, reason, action, before ->> 'response' as before, after ->> 'response' as after from app.audit_logs
       where request_id = $1`,
      [last.headers['x-request-id']],
    );
    expect(audits).toEqual([
      { actor_type: 'system', reason: 'rsvp.link', action: 'guest.respond', before: 'tentative', after: 'declined' },
    ]);
  });

  it('ends the answers to single occurrences, and counts as a change of the calendar', async () => {
    const { guest_id, token } = await linked();
    await backends.database.asOwner(
      `insert into app.schedule_responses (workspace_id, calendar_id, schedule_id, guest_id, recurrence_id, applies_to, response)
       values ($1, $2, $3, $4, '2026-03-03T09:00:00', 'this', 'declined')`,
      [schedule.workspace_id, schedule.calendar_id, schedule.schedule_id, guest_id],
    );
    const seq = () =>
      backends.database.asOwner<{ seq: number }>('select seq::int from app.schedules where id = $1', [
        schedule.schedule_id,
      ]);
    const [before] = await seq();
    await respond(token, 'accepted');
    expect((await seq())[0]?.seq).toBeGreaterThan(before?.seq ?? 0);
    const left = await backends.database.asOwner('select 1 from app.schedule_responses where guest_id = $1', [
      guest_id,
    ]);
    expect(left).toEqual([]);
  });

  it('that is forged, changed, of another purpose, or of a guest who was removed or never was, is none', async () => {
    const { guest_id, token } = await linked();
    const elsewhere = createSealer([{ kid: 'test', key: Buffer.alloc(32, 8) }]);
    const removed = await linked();
    await api.call(owner, 'DELETE', path(`/guests/${removed.guest_id}`));
    const account = await seedGuest(backends.database.db, schedule, { user_id: member.user_id });
    const bad = [
      'none',
      'v1.test.a.b.c',
      `${token.slice(0, -2)}${token.endsWith('AA') ? 'BB' : 'AA'}`,
      sealer.seal(`${guest_id}:${later}`, `invitation:${guest_id}`),
      sealer.seal('{}', 'rsvp'),
      sealRsvp(elsewhere, guest_id, later),
      removed.token,
      sealRsvp(sealer, randomUUID(), later),
      // Whoever has an account answers with it.
      sealRsvp(sealer, account.guest_id, later),
    ];
    for (const one of bad) {
      for (const answer of [await preview(one), await respond(one, 'accepted')]) {
        expect(answer, one).toMatchObject({ status: 404, body: { code: 'rsvp.not_found' } });
      }
    }
    expect(await storedOf(guest_id)).toEqual({ response: 'needs_action', comment: null });
    expect(await storedOf(account.guest_id)).toEqual({ response: 'needs_action', comment: null });
  });

  it('ends, and answers nothing that was cancelled', async () => {
    const { guest_id, token } = await linked();
    const old = sealRsvp(sealer, guest_id, Date.now() - 1);
    for (const answer of [await preview(old), await respond(old, 'accepted')]) {
      expect(answer).toMatchObject({ status: 409, body: { code: 'rsvp.expired' } });
    }
    await api.call(owner, 'PATCH', path(), { status: 'cancelled' });
    expect(await preview(token)).toMatchObject({ status: 200, body: { is_cancelled: true } });
    expect(await respond(token, 'accepted')).toMatchObject({ status: 409, body: { code: 'rsvp.cancelled' } });
  });

  it('changes nothing by a GET, and takes no other answer', async () => {
    const { token } = await linked();
    expect((await api.call(null, 'GET', `/api/v1/rsvp?token=${token}`)).status).toBe(405);
    expect((await respond(token, 'needs_action')).status).toBe(400);
    expect((await respond(token, 'accepted', { scope: 'this' })).body.errors[0].pointer).toBe('/scope');
  });

  it('of a workspace that was deleted is dead', async () => {
    const { token } = await linked();
    await backends.database.asOwner('update app.workspaces set deleted_at = now() where id = $1', [
      schedule.workspace_id,
    ]);
    expect(await preview(token)).toMatchObject({ status: 404, body: { code: 'rsvp.not_found' } });
    expect(await respond(token, 'accepted')).toMatchObject({ status: 404, body: { code: 'rsvp.not_found' } });
  });
});
