import { addMember, seedWorkspace } from '@potentia/db/testing/seed';
import {
  seedCalendar,
  seedGuest,
  seedSchedule,
  seedSubscription,
  type SeededCalendar,
} from '@potentia/db/testing/seed-calendar';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
let owner: Person;
let viewer: Person;
let onlooker: Person;
let guest: Person;
/** In the workspace, and no subscriber. */
let member: Person;
let stranger: Person;
let calendar: SeededCalendar;
let schedule_id: string;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  const people = await Promise.all(Array.from({ length: 6 }, () => person(backends.issuer)));
  for (const who of people) await api.call(who, 'GET', '/api/v1/me');
  [owner, viewer, onlooker, guest, member, stranger] = people as [Person, Person, Person, Person, Person, Person];
  const { db } = backends.database;
  const workspace = await seedWorkspace(db, owner);
  for (const who of [viewer, onlooker, guest, member]) await addMember(db, workspace, 'member', who);
  calendar = await seedCalendar(db, workspace);
  await seedSubscription(db, calendar, 'viewer', viewer);
  await seedSubscription(db, calendar, 'freebusy', onlooker);
  const schedule = await seedSchedule(db, calendar, { title: 'Standup', rrule: 'FREQ=WEEKLY' });
  schedule_id = schedule.schedule_id;
  await seedGuest(db, schedule, { user_id: guest.user_id });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

const MARCH = 'from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00%2B02:00&time_zone=UTC';
const view = (who: Person | null, query = '') => api.call(who, 'GET', `/api/v1/view/schedules?${MARCH}${query}`);
const sync = (who: Person | null, query = '') => api.call(who, 'GET', `/api/v1/sync/schedules?${query}`);

it('a view is answered over HTTP to whoever may see something of it, by pages', async () => {
  for (const who of [owner, viewer, guest]) {
    const { status, body } = await view(who);
    expect(status).toBe(200);
    expect(body.items).toHaveLength(5);
    expect(body.items[0]).toMatchObject({ schedule_id, title: 'Standup', starts_at: '2026-03-02T09:00:00Z' });
    expect(body.next_cursor).toBeNull();
  }
  const blocks = await view(onlooker);
  expect(blocks.body.items).toHaveLength(5);
  expect(blocks.text).not.toContain(schedule_id);
  expect(blocks.text).not.toContain('Standup');
  for (const who of [member, stranger]) expect((await view(who)).body).toEqual({ items: [], next_cursor: null });
  expect((await view(null)).status).toBe(401);

  const first = await view(owner, '&limit=3');
  const second = await view(owner, `&limit=3&cursor=${first.body.next_cursor}`);
  expect([...first.body.items, ...second.body.items]).toEqual((await view(owner)).body.items);
  expect(second.body.next_cursor).toBeNull();
});

it('a view refuses what it cannot take by name, and a calendar that one may not see as one that is none', async () => {
  const errors = async (query: string) => (await view(owner, query)).body.errors;
  expect(await errors('&colour=red')).toMatchObject([{ pointer: '/colour' }]);
  expect(await errors('&cursor=x')).toMatchObject([{ pointer: '/cursor' }]);
  expect(await errors('&limit=5001')).toMatchObject([{ pointer: '/limit' }]);
  expect((await api.call(owner, 'GET', '/api/v1/view/schedules')).body.errors).toMatchObject([
    { pointer: '/from' },
    { pointer: '/to' },
  ]);
  const of = `&calendar_id=${calendar.calendar_id}`;
  expect((await view(viewer, of)).body.items).toHaveLength(5);
  for (const who of [member, guest, stranger])
    expect(await view(who, of)).toMatchObject({ status: 404, body: { code: 'calendar.not_found' } });
});

it('what views hold is counted by where it came from', async () => {
  await view(owner);
  const { text } = await api.call(null, 'GET', '/metrics');
  expect(text).toMatch(/potentia_view_occurrences_total\{.*source="expanded".*\} [1-9]/);
  expect(text).toMatch(/potentia_view_occurrences_total\{.*source="instances".*\} \d/);
});

it('synchronisation begins with everything, goes on with what changed, and ends with what one may see no more', async () => {
  const first = await sync(viewer, 'from_days=400&to_days=400');
  expect(first.status).toBe(200);
  expect(first.body.changed).toMatchObject([{ schedule_id, title: 'Standup', can_edit: false }]);
  expect(first.body.calendars).toContainEqual(
    expect.objectContaining({ calendar_id: calendar.calendar_id, role: 'viewer' }),
  );
  const token = `sync_token=${first.body.sync_token}`;
  const same = await sync(viewer, token);
  expect(same.body).toMatchObject({ changed: [], removed: [], entered: [], busy: [], calendars_removed: [] });

  const blocks = await sync(onlooker, 'from_days=400&to_days=400');
  expect(blocks.text).not.toContain(schedule_id);
  expect(blocks.body).toMatchObject({ changed: [], busy: [{ calendar_id: calendar.calendar_id }] });
  expect(blocks.body.busy[0].blocks.length).toBeGreaterThan(20);
  expect((await sync(guest, 'from_days=400')).body.changed).toMatchObject([{ schedule_id }]);
  for (const who of [member, stranger]) {
    expect((await sync(who, 'from_days=400')).body).toMatchObject({ changed: [], busy: [] });
    // The token of somebody else opens nothing.
    const taken = await sync(who, token);
    expect(taken.body).toMatchObject({ changed: [], entered: [], busy: [] });
    expect(taken.body.calendars_removed).toContain(calendar.calendar_id);
    expect(taken.text).not.toContain(schedule_id);
  }
  expect((await sync(null)).status).toBe(401);

  const path = `/api/v1/calendars/${calendar.calendar_id}/subscriptions/${viewer.user_id}`;
  expect((await api.call(viewer, 'DELETE', path)).status).toBe(204);
  expect((await sync(viewer, token)).body).toMatchObject({ changed: [], calendars_removed: [calendar.calendar_id] });
});

it('synchronisation refuses tokens that are none, and says of old ones that one must begin anew', async () => {
  for (const [query, pointer] of [
    ['sync_token=x', '/sync_token'],
    ['cursor=x', '/cursor'],
    ['sync_token=x&from_days=3', '/from_days'],
    ['to_days=401', '/to_days'],
    ['days=1', '/days'],
  ])
    expect((await sync(owner, query)).body.errors, query).toMatchObject([{ pointer }]);
  const issued = Date.now() - 91 * 86_400_000;
  const old = `1.${[issued, 30, 365, Math.floor(issued / 86_400_000), 0].map((n) => n.toString(36)).join('.')}..`;
  expect(await sync(owner, `sync_token=${old}`)).toMatchObject({ status: 409, body: { code: 'sync.token_expired' } });
});
