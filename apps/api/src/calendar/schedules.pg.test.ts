import { randomUUID } from 'node:crypto';
import { addMember, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import { seedCalendar, seedSubscription, type SeededCalendar } from '@potentia/db/testing/seed-calendar';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
let owner: Person;
let editor: Person;
let viewer: Person;
let onlooker: Person;
/** In the workspace, and no subscriber. */
let member: Person;
let stranger: Person;
let workspace: SeededWorkspace;
let calendar: SeededCalendar;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  const people = await Promise.all(Array.from({ length: 6 }, () => person(backends.issuer)));
  for (const who of people) await api.call(who, 'GET', '/api/v1/me');
  [owner, editor, viewer, onlooker, member, stranger] = people as [Person, Person, Person, Person, Person, Person];
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});
beforeEach(async () => {
  const { db } = backends.database;
  workspace = await seedWorkspace(db, owner);
  for (const who of [editor, viewer, onlooker, member]) await addMember(db, workspace, 'member', who);
  calendar = await seedCalendar(db, workspace, { time_zone: 'Europe/Berlin' });
  await seedSubscription(db, calendar, 'editor', editor);
  await seedSubscription(db, calendar, 'viewer', viewer);
  await seedSubscription(db, calendar, 'freebusy', onlooker);
});

const SCHEDULES = '/api/v1/schedules';
const daily = () => ({
  calendar_id: calendar.calendar_id,
  title: 'Standup',
  starts_local: '2026-03-02T09:00:00',
  duration_seconds: 900,
  rrule: 'FREQ=DAILY;COUNT=5',
});
const create = (body: object, who: Person | null = owner, headers?: Record<string, string>) =>
  api.call(who, 'POST', SCHEDULES, body, headers);
async function made(body: object = daily(), who = owner): Promise<Answer['body']> {
  const answer = await create(body, who);
  expect(answer.status, answer.text).toBe(201);
  return answer.body;
}
const pathOf = ({ id }: { id: string }) => `${SCHEDULES}/${id}`;
const get = (schedule: { id: string }, who = owner) => api.call(who, 'GET', pathOf(schedule));
const patch = (schedule: { id: string }, query: string, body: object, who = owner) =>
  api.call(who, 'PATCH', `${pathOf(schedule)}?${query}`, body);

/** Everything that could have been written, as text. */
async function everything(): Promise<string> {
  const tables = ['calendars', 'outbox', 'audit_logs', 'user_calendar_heads', 'guest_tombstones', 'schedules'];
  const rows = ['overrides', 'guests', 'responses', 'reminders', 'instances', 'bookings', 'tombstones'];
  const all = await Promise.all(
    [...tables, ...rows.map((name) => `schedule_${name}`)].map((table) =>
      backends.database.asOwner(`select to_jsonb(t) as row from app.${table} t order by to_jsonb(t)::text`),
    ),
  );
  return JSON.stringify(all);
}

describe('a new schedule', () => {
  it('is answered as it stands, with an ETag and a place, and once per Idempotency-Key', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await create({ ...daily(), exdates: ['2026-03-04T09:00:00'], location: 'Room 1' }, owner, headers);
    expect(first).toMatchObject({
      status: 201,
      headers: { etag: '"1"' },
      body: {
        title: 'Standup',
        location: 'Room 1',
        time_zone: 'Europe/Berlin',
        rrule: 'FREQ=DAILY;COUNT=5',
        exdates: ['2026-03-04T09:00:00'],
        first_at: '2026-03-02T08:00:00Z',
        role: 'editor',
        organiser_user_id: owner.user_id,
        conflicts: [],
        overrides: [],
      },
    });
    expect(first.headers['location']).toBe(pathOf(first.body));
    const again = await create({ ...daily(), exdates: ['2026-03-04T09:00:00'], location: 'Room 1' }, owner, headers);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
    expect((await create(daily(), owner, headers)).status).toBe(422);
    const { conflicts: _conflicts, ...detail } = first.body;
    expect((await get(first.body)).body).toEqual(detail);
    const list = await api.call(viewer, 'GET', `/api/v1/calendars/${calendar.calendar_id}/schedules`);
    expect(list.body).toMatchObject({ items: [{ id: first.body.id, role: 'viewer' }], next_cursor: null });
  });

  it('takes its end as a local time too, in the same zone, across a change of clocks', async () => {
    const night = {
      starts_local: '2026-03-28T22:00:00',
      ends_local: '2026-03-29T06:00:00',
      duration_seconds: undefined,
    };
    expect(await made({ ...daily(), ...night, rrule: null })).toMatchObject({ duration_seconds: 7 * 3_600 });
    const away = { ...night, time_zone: null, rrule: null };
    expect(await made({ ...daily(), ...away })).toMatchObject({ duration_seconds: 8 * 3_600, time_zone: null });
    const days = { starts_local: '2026-03-28', ends_local: '2026-03-30', duration_seconds: undefined, rrule: null };
    expect(await made({ ...daily(), ...days })).toMatchObject({
      is_all_day: true,
      time_zone: null,
      duration_seconds: 172_800,
      starts_local: '2026-03-28',
    });
    const { duration_seconds: _length, ...endless } = { ...daily(), starts_local: '2026-03-28', rrule: null };
    expect(await made(endless)).toMatchObject({ is_all_day: true, duration_seconds: 86_400 });
  });

  it.each([
    ['/ends_local', { ends_local: '2026-03-02T08:00:00', duration_seconds: undefined }],
    ['/ends_local', { ends_local: '2026-03-02', duration_seconds: undefined }],
    ['/ends_local', { ends_local: '2028-03-02T08:00:00', duration_seconds: undefined }],
    ['/duration_seconds', { duration_seconds: undefined }],
    ['/duration_seconds', { ends_local: '2026-03-02T10:00:00' }],
    ['/duration_seconds', { starts_local: '2026-03-02', duration_seconds: 3_600 }],
    ['/duration_seconds', { starts_local: '2026-03-02', duration_seconds: 0 }],
    ['/starts_local', { is_all_day: true }],
    ['/starts_local', { starts_local: '2026-02-30T09:00:00' }],
    ['/starts_local', { starts_local: '2026-03-02T09:00:00Z' }],
    ['/rdates/1', { rdates: ['2026-03-03T09:00:00', '2026-03-03'] }],
    ['/exdates/0', { exdates: ['2026-03-03'] }],
    ['/time_zone', { time_zone: 'Berlin' }],
    ['/time_zone', { starts_local: '2026-03-02', duration_seconds: 86_400, time_zone: 'Europe/Berlin' }],
    ['/url', { url: 'javascript:alert(1)' }],
    ['/colour', { colour: '#ff0000' }],
    ['/rdates', { rdates: Array.from({ length: 1_001 }, () => '2026-03-03T09:00:00') }],
  ])('is refused for %s (%#)', async (pointer, change) => {
    const answer = await create({ ...daily(), ...change });
    expect(answer).toMatchObject({ status: 400, body: { code: 'request.invalid', errors: [{ pointer }] } });
  });

  it.each([
    'FREQ=SECONDLY',
    'FREQ=MINUTELY;INTERVAL=5',
    'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=DAILY;COUNT=3;UNTIL=20270101T000000Z',
    'FREQ=DAILY;COUNT=0',
    'FREQ=DAILY;INTERVAL=-1',
    'FREQ=DAILY;INTERVAL=.007',
    'FREQ=DAILY;BYHOUR=99',
    'FREQ=DAILY;FREQ=WEEKLY',
    'FREQ=DAILY;BYSETPOS=1',
    'DAILY',
    'x'.repeat(512),
  ])('is refused for the rule %s, with the reason, before anything is written', async (rrule) => {
    const before = await everything();
    const answer = await create({ ...daily(), rrule });
    expect(answer).toMatchObject({
      status: 400,
      body: {
        code: 'schedule.rule_refused',
        reason: expect.stringMatching(/^rule\./),
        errors: [{ pointer: '/rrule' }],
      },
    });
    expect(answer.body.errors[0].message.length).toBeGreaterThan(10);
    expect(await everything()).toBe(before);
  });

  it('is for editors: 403 for who sees the calendar, 404 for everybody else', async () => {
    expect((await create(daily(), editor)).status).toBe(201);
    for (const who of [viewer, onlooker])
      expect(await create(daily(), who)).toMatchObject({ status: 403, body: { code: 'calendar.forbidden' } });
    for (const who of [member, stranger]) {
      const foreign = await create(daily(), who);
      expect(foreign).toMatchObject({ status: 404, body: { code: 'calendar.not_found' } });
      const none = await create({ ...daily(), calendar_id: randomUUID() }, who);
      expect({ ...none.body, request_id: 0 }).toEqual({ ...foreign.body, request_id: 0 });
    }
    expect((await create(daily(), null)).status).toBe(401);
  });

  it('names who is busy already, and is written all the same', async () => {
    const starts_local = '2027-03-02T09:00:00';
    const other = await made({ ...daily(), starts_local, title: 'Other' });
    const clash = await made({ ...daily(), starts_local: '2027-03-02T09:10:00', rrule: null });
    expect(clash.conflicts).toMatchObject([
      {
        user_id: owner.user_id,
        starts_at: '2027-03-02T08:00:00Z',
        occurrence: { schedule_id: other.id, title: 'Other' },
      },
    ]);
    const free = await made({ ...daily(), starts_local: '2027-03-02T09:30:00', rrule: null });
    expect(free.conflicts).toEqual([]);
    const transparent = await made({ ...daily(), starts_local, transparency: 'transparent' });
    expect(transparent.conflicts).toEqual([]);
  });
});

describe('guests of a new schedule', () => {
  it('are invited with it, told, and looked up for conflicts; once per Idempotency-Key', async () => {
    const body = { ...daily(), starts_local: '2027-06-07T09:00:00', rrule: null };
    const own = await api.call(member, 'POST', '/api/v1/calendars', { name: 'Own' });
    await made({ ...body, calendar_id: own.body.id, time_zone: 'Europe/Berlin' }, member);
    const address = `${randomUUID()}@example.com`;
    const guests = [
      { user_id: member.user_id },
      { email: viewer.email, is_optional: true },
      { email: address, name: 'Ann' },
    ];
    const headers = { 'idempotency-key': randomUUID() };
    const first = await create({ ...body, guests }, owner, headers);
    expect(first, first.text).toMatchObject({
      status: 201,
      body: { guest_count: 3, my_guest_id: null, conflicts: [{ user_id: member.user_id, occurrence: null }] },
    });
    expect((await create({ ...body, guests }, owner, headers)).body).toEqual(first.body);
    const told = await backends.database.asOwner<{ topic: string; user_id: string | null }>(
      `select topic, user_id from app.outbox where request_id = $1 and topic <> 'calendar.materialise'`,
      [first.headers['x-request-id']],
    );
    const delivered = told.filter(({ topic }) => topic === 'me.deliver').map(({ user_id }) => user_id);
    expect(delivered.toSorted()).toEqual([member.user_id, viewer.user_id].toSorted());
    expect(told.filter(({ topic }) => topic === 'mail.send')).toHaveLength(1);
    expect((await get(first.body, member)).body).toMatchObject({ role: 'guest', my_response: 'needs_action' });
  });

  it('are refused by name, and then nothing is written', async () => {
    const before = await everything();
    for (const [guest, status, pointer] of [
      [{ user_id: stranger.user_id }, 404, '/guests/0/user_id'],
      [{ user_id: randomUUID() }, 404, '/guests/0/user_id'],
      [{ email: 'nobody' }, 400, '/guests/0/email'],
      [{}, 400, '/guests/0'],
    ] as const)
      expect(await create({ ...daily(), guests: [guest] })).toMatchObject({ status, body: { errors: [{ pointer }] } });
    expect(await everything()).toBe(before);
  });

  it('keep their answers to the occurrences that a cut moves to a schedule of its own', async () => {
    const schedule = await made({ ...daily(), guests: [{ user_id: member.user_id }] });
    const respond = (name: string, response: string) =>
      api.call(member, 'PATCH', `${pathOf(schedule)}/respond?scope=this&recurrence_id=${name}`, { response });
    expect((await respond('2026-03-03T09:00:00', 'declined')).status).toBe(200);
    expect((await respond('2026-03-05T09:00:00', 'tentative')).status).toBe(200);
    const query = 'scope=following&recurrence_id=2026-03-04T09:00:00';
    const { body } = await patch(schedule, query, { starts_local: '2026-03-04T10:00:00' });
    const answers = async ({ id }: { id: string }) =>
      (await api.call(owner, 'GET', `${SCHEDULES}/${id}/guests`)).body.items.map(
        (guest: { responses: object[] }) => guest.responses,
      );
    expect(await answers(schedule)).toMatchObject([[{ recurrence_id: '2026-03-03T09:00:00', response: 'declined' }]]);
    expect(await answers(body.cut_off)).toMatchObject([
      [{ recurrence_id: '2026-03-05T10:00:00', response: 'tentative' }],
    ]);
    expect((await get(body.cut_off, member)).body.my_guest_id).not.toBe((await get(schedule, member)).body.my_guest_id);
  });
});

describe('an exclusive calendar', () => {
  const body = () => ({ ...daily(), starts_local: '2027-03-02T09:00:00', visibility: 'private' });
  beforeEach(async () => {
    calendar = await seedCalendar(backends.database.db, workspace, { is_exclusive: true, time_zone: 'Europe/Berlin' });
    await seedSubscription(backends.database.db, calendar, 'editor', editor);
  });

  it('refuses what overlaps, and says which occurrence and by what', async () => {
    const taken = await made(body());
    const before = await everything();
    const clash = await create({ ...body(), starts_local: '2027-03-01T09:14:00', rrule: 'FREQ=DAILY;COUNT=2' }, editor);
    expect(clash).toMatchObject({
      status: 409,
      body: {
        code: 'schedule.booked',
        occurrence: { recurrence_id: '2027-03-02T09:14:00', starts_at: '2027-03-02T08:14:00Z' },
        booked_by: { schedule_id: taken.id, recurrence_id: '2027-03-02T09:00:00', title: 'Standup' },
      },
    });
    expect(await everything()).toBe(before);
    expect((await create({ ...body(), starts_local: '2027-03-02T09:15:00' }, editor)).status).toBe(201);
    expect((await patch(taken, '', { title: 'Renamed' })).status).toBe(200);
    const moved = await patch(taken, 'scope=this&recurrence_id=2027-03-03T09:00:00', {
      starts_local: '2027-03-03T09:05:00',
    });
    expect(moved).toMatchObject({ status: 409, body: { code: 'schedule.booked' } });
    expect(
      (await api.call(owner, 'DELETE', `${pathOf(taken)}?scope=this&recurrence_id=2027-03-03T09:00:00`)).status,
    ).toBe(204);
    expect((await create({ ...body(), starts_local: '2027-03-03T09:00:00', rrule: null }, editor)).status).toBe(201);
  });

  it('takes no series without an end, and of two at once one', async () => {
    expect(await create({ ...body(), rrule: 'FREQ=DAILY' })).toMatchObject({
      status: 400,
      body: { code: 'schedule.booking_unbounded', errors: [{ pointer: '/rrule' }] },
    });
    const both = await Promise.all([create(body()), create(body(), editor)]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([201, 409]);
  });
});

describe('a change', () => {
  it('of one occurrence makes an override of it, and nothing else', async () => {
    const schedule = await made();
    const query = 'scope=this&recurrence_id=2026-03-03T09:00:00';
    const answer = await patch(schedule, query, {
      title: 'Retro',
      starts_local: '2026-03-03T10:00:00',
      ends_local: '2026-03-03T11:00:00',
    });
    expect(answer).toMatchObject({
      status: 200,
      headers: { etag: '"2"' },
      body: {
        ...{ title: 'Standup', starts_local: schedule.starts_local, version: 2, sequence: 1, cut_off: null },
        overrides: [
          {
            ...{ recurrence_id: '2026-03-03T09:00:00', starts_local: '2026-03-03T10:00:00', duration_seconds: 3_600 },
            ...{ title: 'Retro', is_cancelled: false },
          },
        ],
      },
    });
    expect(await patch(schedule, query, { rrule: 'FREQ=WEEKLY' })).toMatchObject({
      status: 400,
      body: { code: 'schedule.not_per_occurrence', errors: [{ pointer: '/rrule' }] },
    });
  });

  it('of this and following cuts the series in two', async () => {
    const schedule = await made();
    const query = 'scope=following&recurrence_id=2026-03-04T09:00:00';
    const { status, body } = await patch(schedule, query, { starts_local: '2026-03-04T08:00:00', title: 'Early' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id: schedule.id,
      title: 'Standup',
      rrule: 'FREQ=DAILY;COUNT=2',
      cut_off: { title: 'Early', starts_local: '2026-03-04T08:00:00', rrule: 'FREQ=DAILY;COUNT=3', version: 1 },
    });
    expect(body.cut_off.uid).not.toBe(schedule.uid);
    expect((await get(body.cut_off)).body).toEqual(body.cut_off);
  });

  it('of all is the default; with a named occurrence the whole series moves by as much, if all is said', async () => {
    const schedule = await made();
    expect((await patch(schedule, '', { title: 'New' })).body).toMatchObject({ title: 'New', sequence: 0 });
    const named = 'recurrence_id=2026-03-04T09:00:00';
    const later = { starts_local: '2026-03-04T10:30:00' };
    expect(await patch(schedule, named, later)).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/recurrence_id' }] },
    });
    expect((await patch(schedule, `scope=all&${named}`, later)).body).toMatchObject({
      starts_local: '2026-03-02T10:30:00',
      sequence: 1,
    });
    expect(await patch(schedule, `scope=all&${named}`, { title: 'x' })).toMatchObject({ status: 400 });
    expect(await patch(schedule, 'scope=this', { title: 'x' })).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/recurrence_id' }] },
    });
    expect(await patch(schedule, 'scope=this&recurrence_id=2026-03-20T09:00:00', { title: 'x' })).toMatchObject({
      status: 404,
      body: { code: 'schedule.occurrence_not_found' },
    });
  });

  it('of the title asks for no instances, of the time it does', async () => {
    const schedule = await made();
    const asked = async () =>
      (
        await backends.database.asOwner<{ n: number }>(
          `select count(*)::int as n from app.outbox where topic = 'calendar.materialise' and payload ->> 'schedule_id' = $1`,
          [schedule.id],
        )
      )[0]?.n;
    expect(await asked()).toBe(1);
    await patch(schedule, '', { title: 'New', location: 'Room 2', status: 'tentative' });
    expect(await asked()).toBe(1);
    await patch(schedule, '', { ends_local: '2026-03-02T10:00:00' });
    expect(await asked()).toBe(2);
    expect((await get(schedule)).body).toMatchObject({ duration_seconds: 3_600, version: 3, sequence: 1 });
  });

  it('makes days of times, and times of days', async () => {
    const schedule = await made();
    expect(await patch(schedule, '', { starts_local: '2026-03-02' })).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/starts_local' }] },
    });
    const days = await patch(schedule, '', { is_all_day: true, starts_local: '2026-03-02', ends_local: '2026-03-04' });
    expect(days.body).toMatchObject({ is_all_day: true, time_zone: null, duration_seconds: 172_800 });
    const times = await patch(schedule, '', { is_all_day: false, starts_local: '2026-03-02T07:00:00' });
    expect(times.body).toMatchObject({
      is_all_day: false,
      time_zone: 'Europe/Berlin',
      starts_local: '2026-03-02T07:00:00',
    });
    const floating = await patch(schedule, '', { time_zone: null });
    expect(floating.body).toMatchObject({
      time_zone: null,
      starts_local: '2026-03-02T07:00:00',
      duration_seconds: 3_600,
    });
  });

  it('of what is private is audited without its words, which are not for the admins of the workspace', async () => {
    const schedule = await made({ ...daily(), visibility: 'private', title: 'Secret' });
    const one = 'scope=this&recurrence_id=2026-03-03T09:00:00';
    expect((await patch(schedule, one, { title: 'Secret of a day' })).status).toBe(200);
    expect((await patch(schedule, '', { description: 'Secret too', visibility: 'default' })).status).toBe(200);
    await patch(schedule, '', { visibility: 'private' });
    await api.call(owner, 'DELETE', pathOf(schedule));
    const rows = await backends.database.asOwner<{ action: string }>(
      'select action, before, after from app.audit_logs where target_id = $1 order by id',
      [schedule.id],
    );
    expect(rows.map(({ action }) => action.slice(9))).toEqual(['create', 'update', 'update', 'update', 'delete']);
    expect(JSON.stringify(rows)).not.toMatch(/Secret/);
  });

  it('of a rule is refused as in a new one; of nothing, or of an unknown field, too', async () => {
    const schedule = await made();
    expect(await patch(schedule, '', { rrule: 'FREQ=SECONDLY' })).toMatchObject({
      status: 400,
      body: { code: 'schedule.rule_refused', errors: [{ pointer: '/rrule' }] },
    });
    for (const body of [{}, { version: 1 }, { calendar_id: calendar.calendar_id }, { uid: 'x' }])
      expect((await patch(schedule, '', body)).status, JSON.stringify(body)).toBe(400);
    expect((await patch(schedule, '', { rrule: null })).body).toMatchObject({ rrule: null });
    expect((await get(schedule)).body.version).toBe(2);
  });

  it('of a version that is no more answers 409 or 412 with how it stands', async () => {
    const schedule = await made();
    await patch(schedule, '', { title: 'New' });
    const current = { title: 'New', version: 2 };
    expect(await patch(schedule, '', { version: 1, title: 'x' })).toMatchObject({
      status: 409,
      body: { code: 'schedule.version_conflict', current },
    });
    for (const [method, path] of [
      ['PATCH', ''],
      ['POST', '/move'],
      ['DELETE', ''],
    ] as const) {
      const body = method === 'DELETE' ? undefined : { starts_local: '2026-03-02T10:00:00' };
      const stale = await api.call(owner, method, pathOf(schedule) + path, body, { 'if-match': '"1"' });
      expect(stale, method).toMatchObject({ status: 412, body: { current } });
    }
    const fresh = await api.call(owner, 'PATCH', pathOf(schedule), { title: 'x' }, { 'if-match': '"2"' });
    expect(fresh.status).toBe(200);
  });

  it('stops at 1,000 overrides and 5,000 exdates of one series, and is still quick with them', async () => {
    const at = (day: number) => new Date(Date.UTC(2026, 2, 2 + day, 9)).toISOString().slice(0, 19);
    const exdates = Array.from({ length: 5_000 }, (_, n) => at(2_000 + n));
    const schedule = await made({ ...daily(), rrule: 'FREQ=DAILY', exdates, transparency: 'transparent' });
    await backends.database.asOwner(
      `insert into app.schedule_overrides (workspace_id, calendar_id, schedule_id, recurrence_id, title)
       select $1, $2, $3, timestamp '2026-03-02T09:00:00' + n * interval '1 day', 'Day ' || n from generate_series(0, 999) n`,
      [workspace.workspace_id, calendar.calendar_id, schedule.id],
    );
    const refused = { status: 400, body: { code: 'schedule.too_many_exceptions' } };
    expect(await patch(schedule, `scope=this&recurrence_id=${at(1_500)}`, { title: 'x' })).toMatchObject(refused);
    expect(await api.call(owner, 'DELETE', `${pathOf(schedule)}?scope=this&recurrence_id=${at(1_500)}`)).toMatchObject(
      refused,
    );
    const began = performance.now();
    expect((await patch(schedule, `scope=this&recurrence_id=${at(500)}`, { title: 'x' })).status).toBe(200);
    const cut = await patch(schedule, `scope=following&recurrence_id=${at(400)}`, { title: 'y' });
    expect(cut.body).toMatchObject({ override_count: 400, exdates: [], cut_off: { override_count: 599 } });
    expect(cut.body.cut_off.exdates).toHaveLength(5_000);
    expect(performance.now() - began).toBeLessThan(2_500);
  });

  it('by many at once is done by each in turn', async () => {
    const schedule = await made();
    const names = Array.from({ length: 7 }, (_, n) => `2026-03-0${2 + (n % 5)}T09:00:00`);
    const answers = await Promise.all(
      names.map((name, n) => patch(schedule, `scope=this&recurrence_id=${name}`, { title: `Edit ${n}` })),
    );
    expect(answers.map(({ status }) => status)).toEqual(names.map(() => 200));
    expect((await get(schedule)).body).toMatchObject({ version: 8, override_count: 5 });
  });
});

describe('a busy calendar', () => {
  it('tells a stranger nothing, keeps a place for a colleague, and no other calendar waits for it', async () => {
    const schedule = await made();
    const other = await api.call(stranger, 'POST', '/api/v1/calendars', { name: 'Other' });
    const { asOwner } = backends.database;
    await patch(schedule, '', { title: 'Known' });
    await asOwner('begin');
    await asOwner('select 1 from app.calendars where id = $1 for update', [calendar.calendar_id]);
    const crowd = Array.from({ length: 100 }, (_, n) => patch(schedule, '', { title: `Edit ${n}` }));
    const first = await Promise.race(crowd);
    const foreign = await patch(schedule, '', { title: 'x' }, stranger);
    const elsewhere = await create({ ...daily(), calendar_id: other.body.id }, stranger);
    const late = create(daily(), editor);
    await asOwner('rollback');
    expect(first).toMatchObject({ status: 429, body: { code: 'calendar.busy' } });
    expect(foreign).toMatchObject({ status: 404, body: { code: 'schedule.not_found' } });
    expect(elsewhere.status).toBe(201);
    expect((await late).status).toBe(201);
    const statuses = (await Promise.all(crowd)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(100 - 64 - 2);
  });
});

describe('deleting', () => {
  const remove = (schedule: { id: string }, query = '', who = owner) =>
    api.call(who, 'DELETE', `${pathOf(schedule)}?${query}`);

  it('leaves one occurrence out, ends the series before one, or ends it all', async () => {
    const schedule = await made();
    expect((await remove(schedule, 'scope=this&recurrence_id=2026-03-03T09:00:00')).status).toBe(204);
    expect((await get(schedule)).body).toMatchObject({ exdates: ['2026-03-03T09:00:00'], rrule: 'FREQ=DAILY;COUNT=5' });
    expect((await remove(schedule, 'scope=this&recurrence_id=2026-03-03T09:00:00')).status).toBe(404);
    expect((await remove(schedule, 'scope=following&recurrence_id=2026-03-05T09:00:00')).status).toBe(204);
    expect((await get(schedule)).body).toMatchObject({ rrule: 'FREQ=DAILY;COUNT=3' });
    expect((await remove(schedule, 'scope=this&recurrence_id=2026-03-02T09:00:00')).status).toBe(204);
    expect((await remove(schedule, 'scope=this&recurrence_id=2026-03-04T09:00:00')).status).toBe(204);
    expect((await get(schedule)).status).toBe(404);
    expect((await remove(schedule)).status).toBe(404);
  });

  it('of all by a named occurrence is refused: it would be more than was meant', async () => {
    const schedule = await made();
    expect((await remove(schedule, 'recurrence_id=2026-03-03T09:00:00')).status).toBe(400);
    expect((await get(schedule)).status).toBe(200);
  });
});

describe('moving', () => {
  const move = (schedule: { id: string }, body: object, query = '', who = owner) =>
    api.call(who, 'POST', `${pathOf(schedule)}/move?${query}`, body);

  it('to another time is for the occurrences that the scope says', async () => {
    const schedule = await made();
    const one = await move(
      schedule,
      { starts_local: '2026-03-03T12:00:00' },
      'scope=this&recurrence_id=2026-03-03T09:00:00',
    );
    expect(one.body.overrides).toMatchObject([
      { recurrence_id: '2026-03-03T09:00:00', starts_local: '2026-03-03T12:00:00' },
    ]);
    const all = await move(schedule, { starts_local: '2026-03-02T10:00:00', time_zone: 'Asia/Jakarta' });
    expect(all.body).toMatchObject({
      starts_local: '2026-03-02T10:00:00',
      time_zone: 'Asia/Jakarta',
      first_at: '2026-03-02T03:00:00Z',
    });
    expect(all.body.overrides).toMatchObject([
      { recurrence_id: '2026-03-03T10:00:00', starts_local: '2026-03-03T13:00:00' },
    ]);
    expect((await move(schedule, {})).status).toBe(400);
  });

  it('is done once per Idempotency-Key', async () => {
    const schedule = await made();
    const path = `${pathOf(schedule)}/move?scope=following&recurrence_id=2026-03-04T09:00:00`;
    const headers = { 'idempotency-key': randomUUID() };
    const body = { starts_local: '2026-03-04T10:00:00' };
    const first = await api.call(owner, 'POST', path, body, headers);
    const again = await api.call(owner, 'POST', path, body, headers);
    expect(first.status).toBe(200);
    expect(again).toMatchObject({ status: 200, headers: { 'idempotency-replayed': 'true' } });
    expect(again.body).toEqual(first.body);
    expect((await api.call(owner, 'POST', path, { starts_local: '2026-03-04T11:00:00' }, headers)).status).toBe(422);
  });

  it('to another calendar needs an editor there, and takes the whole schedule along', async () => {
    const { db } = backends.database;
    const schedule = await made();
    const to = await seedCalendar(db, workspace, { time_zone: 'UTC' });
    const body = { calendar_id: to.calendar_id };
    expect(await move(schedule, body, '', editor)).toMatchObject({ status: 404, body: { code: 'calendar.not_found' } });
    await seedSubscription(db, to, 'viewer', editor);
    expect(await move(schedule, body, '', editor)).toMatchObject({ status: 403, body: { code: 'calendar.forbidden' } });
    expect(await move(schedule, body, 'scope=this&recurrence_id=2026-03-03T09:00:00')).toMatchObject({ status: 400 });
    const moved = await move(schedule, { ...body, starts_local: '2026-03-02T11:00:00' });
    expect(moved).toMatchObject({
      status: 200,
      body: { calendar_id: to.calendar_id, starts_local: '2026-03-02T11:00:00' },
    });
    expect((await get(schedule, viewer)).status).toBe(404);
    expect((await get(schedule, editor)).body).toMatchObject({ role: 'viewer' });
    const foreign = await seedCalendar(db, await seedWorkspace(db, stranger));
    expect(await move(schedule, { calendar_id: foreign.calendar_id })).toMatchObject({ status: 404 });
  });

  it('into an exclusive calendar books it there, and out of it sets it free', async () => {
    const { db } = backends.database;
    const room = await seedCalendar(db, workspace, { is_exclusive: true });
    const [one, other] = [await made(), await made()];
    expect((await move(one, { calendar_id: room.calendar_id })).status).toBe(200);
    const before = await everything();
    expect(await move(other, { calendar_id: room.calendar_id })).toMatchObject({
      status: 409,
      body: { code: 'schedule.booked' },
    });
    expect(await everything()).toBe(before);
    const endless = await made({ ...daily(), rrule: 'FREQ=DAILY' });
    for (const query of ['', 'dry_run=true'])
      expect((await move(endless, { calendar_id: room.calendar_id }, query)).body.code).toBe(
        'schedule.booking_unbounded',
      );
    expect((await move(one, { calendar_id: calendar.calendar_id })).status).toBe(200);
    expect((await move(other, { calendar_id: room.calendar_id })).status).toBe(200);
  });
});

describe('a dry run', () => {
  it('writes nothing, whatever it is of, and says what would be', async () => {
    const schedule = await made();
    await patch(schedule, 'scope=this&recurrence_id=2026-03-05T09:00:00', { title: 'Retro' });
    const room = await seedCalendar(backends.database.db, workspace);
    const before = await everything();
    const dry = (method: string, path: string, query: string, body?: object, who = owner) =>
      api.call(who, method, `${pathOf(schedule)}${path}?dry_run=true&${query}`, body);
    const at = 'recurrence_id=2026-03-04T09:00:00';

    const dropped = await dry('DELETE', '', `scope=following&${at}`);
    expect(dropped).toMatchObject({
      status: 200,
      body: {
        added: { count: 0 },
        moved: { count: 0 },
        removed: { count: 3, truncated: false },
        lost: { overrides: { count: 1 } },
      },
    });
    expect(dropped.body.removed.items[0]).toEqual({
      ...{ schedule_id: schedule.id, recurrence_id: '2026-03-04T09:00:00' },
      ...{ starts_local: '2026-03-04T09:00:00', ends_local: '2026-03-04T09:15:00' },
      ...{ starts_at: '2026-03-04T08:00:00.000Z', ends_at: '2026-03-04T08:15:00.000Z' },
    });
    const moved = await dry('POST', '/move', `scope=this&${at}`, { starts_local: '2026-03-04T10:00:00' });
    expect(moved.body).toMatchObject({
      removed: { count: 0 },
      moved: {
        count: 1,
        items: [{ recurrence_id: '2026-03-04T09:00:00', to: { starts_local: '2026-03-04T10:00:00' } }],
      },
    });
    const longer = await dry('PATCH', '', '', { rrule: 'FREQ=DAILY;COUNT=7' });
    expect(longer.body).toMatchObject({ added: { count: 2 }, removed: { count: 0 }, moved: { count: 0 } });
    expect((await dry('POST', '/move', '', { calendar_id: room.calendar_id })).status).toBe(200);
    expect((await dry('PATCH', '', '', { rrule: 'FREQ=SECONDLY' })).body.code).toBe('schedule.rule_refused');
    expect((await dry('DELETE', '', '', undefined, viewer)).status).toBe(403);
    expect((await dry('DELETE', '', '', undefined, stranger)).status).toBe(404);
    expect(await everything()).toBe(before);
    expect(dropped.headers['etag']).toBeUndefined();
  });
});

describe('strangers', () => {
  /** Status of each operation for one person. */
  async function tried(schedule: { id: string }, who: Person | null): Promise<Record<string, number>> {
    const ask = async (method: string, path: string, body?: object) => (await api.call(who, method, path, body)).status;
    const path = pathOf(schedule);
    return {
      get: await ask('GET', path),
      list: await ask('GET', `/api/v1/calendars/${calendar.calendar_id}/schedules`),
      update: await ask('PATCH', path, { title: 'x' }),
      update_one: await ask('PATCH', `${path}?scope=this&recurrence_id=2026-03-03T09:00:00`, { title: 'x' }),
      move: await ask('POST', `${path}/move`, { starts_local: '2026-03-02T10:00:00' }),
      remove: await ask('DELETE', path),
    };
  }
  const writes = (status: number) => ({ update: status, update_one: status, move: status, remove: status });

  it('find nothing, on every operation, and who only reads changes nothing', async () => {
    const schedule = await made();
    const before = await everything();
    const nothing = { get: 404, list: 404, ...writes(404) };
    expect(await tried(schedule, stranger)).toEqual(nothing);
    expect(await tried(schedule, member)).toEqual(nothing);
    expect(await tried(schedule, onlooker)).toEqual({ ...nothing, list: 403 });
    expect(await tried(schedule, viewer)).toEqual({ get: 200, list: 200, ...writes(403) });
    expect(await tried(schedule, null)).toEqual({ get: 401, list: 401, ...writes(401) });
    expect(await everything()).toBe(before);
  });

  it('are they who were guests, organisers or members', async () => {
    const { asOwner } = backends.database;
    const schedule = await made(daily(), editor);
    await asOwner(
      `insert into app.schedule_guests (workspace_id, calendar_id, schedule_id, id, user_id, created_by)
       values ($1, $2, $3, gen_random_uuid(), $4, $5)`,
      [workspace.workspace_id, calendar.calendar_id, schedule.id, member.user_id, owner.user_id],
    );
    expect(await tried(schedule, member)).toEqual({ get: 200, list: 404, ...writes(403) });
    await asOwner('delete from app.schedule_guests where schedule_id = $1', [schedule.id]);
    expect(await tried(schedule, member)).toEqual({ get: 404, list: 404, ...writes(404) });

    // Its organiser, as long as they read the calendar.
    const role = `update app.calendar_subscriptions set role = $1 where calendar_id = $2 and user_id = $3`;
    await asOwner(role, ['viewer', calendar.calendar_id, editor.user_id]);
    expect((await patch(schedule, '', { title: 'Mine' }, editor)).status).toBe(200);
    await asOwner(role, ['freebusy', calendar.calendar_id, editor.user_id]);
    expect(await tried(schedule, editor)).toEqual({ get: 404, list: 403, ...writes(404) });
    await asOwner(role, ['editor', calendar.calendar_id, editor.user_id]);
    await asOwner('delete from app.workspace_members where workspace_id = $1 and user_id = $2', [
      workspace.workspace_id,
      editor.user_id,
    ]);
    expect(await tried(schedule, editor)).toEqual({ get: 404, list: 404, ...writes(404) });
  });
});
