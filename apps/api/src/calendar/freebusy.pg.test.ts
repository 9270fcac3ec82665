import { addMember } from '@potentia/db/testing/seed';
import { freebusy, slots } from '@potentia/domain/calendar/freebusy-schemas';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
let owner: Person;
let member: Person;
let onlooker: Person;
let stranger: Person;
let calendar_id: string;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  [owner, member, onlooker, stranger] = (await Promise.all(
    Array.from({ length: 4 }, () => person(backends.issuer)),
  )) as [Person, Person, Person, Person];
  for (const who of [owner, member, onlooker, stranger]) await api.call(who, 'GET', '/api/v1/me');
  const workspace_id = (await api.call(owner, 'POST', '/api/v1/workspaces', { name: 'Bureau' })).body.id as string;
  const home = { workspace_id, owner_user_id: owner.user_id };
  await addMember(backends.database.db, home, 'member', member);
  await addMember(backends.database.db, home, 'guest', onlooker);
  calendar_id = (await api.call(owner, 'POST', '/api/v1/calendars', { workspace_id, name: 'Shared', time_zone: 'UTC' }))
    .body.id;
  const subscription = { user_id: onlooker.user_id, role: 'freebusy' };
  await api.call(owner, 'POST', `/api/v1/calendars/${calendar_id}/subscriptions`, subscription);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

const window = { from: '2027-03-01T00:00:00Z', to: '2027-03-08T00:00:00Z' };
const ask = async (who: Person) => {
  const { status, body } = await api.call(who, 'POST', '/api/v1/freebusy', { user_ids: [owner.user_id], ...window });
  expect(status).toBe(200);
  return freebusy.parse(body).people[0];
};
const span = { starts_at: '2027-03-02T09:00:00Z', ends_at: '2027-03-02T10:00:00Z', status: 'busy' };

test('free time is found beyond the last year that a schedule begins in', async () => {
  const body = { user_ids: [owner.user_id], from: '2100-12-31T23:00:00Z', to: '2101-01-02T00:00:00Z' };
  const query = { ...body, duration_minutes: 60, working_hours: null, limit: 5 };
  const { status, text } = await api.call(owner, 'POST', '/api/v1/freebusy/slots', query);
  expect(status, text).toBe(200);
  expect(text).toContain('"starts_local":"2101-01-01T00:00:00"');
});

test('a write is seen by the next request, by those who may ask, without its title, and by nobody else', async () => {
  const times = { starts_local: '2027-03-02T09:00:00', duration_seconds: 3_600 };
  const body = { calendar_id, title: 'Secret merger', ...times };
  for (const who of [member, onlooker]) expect(await ask(who)).toMatchObject({ found: true, busy: [] });
  const { id, conflicts } = (await api.call(owner, 'POST', '/api/v1/schedules', body)).body;
  expect(conflicts).toEqual([]);
  for (const who of [owner, member, onlooker]) {
    const answer = await api.call(who, 'POST', '/api/v1/freebusy', { user_ids: [owner.user_id], ...window });
    expect(answer.body.people).toEqual([{ user_id: owner.user_id, found: true, busy: [span] }]);
    expect(answer.text).not.toMatch(/Secret|schedule/);
  }
  expect(await ask(stranger)).toEqual({ user_id: owner.user_id, found: false, busy: [] });
  const second = await api.call(owner, 'POST', '/api/v1/schedules', { ...body, title: 'Second' });
  expect(second.body.conflicts).toEqual([
    {
      ...{ user_id: owner.user_id, ...span },
      occurrence: { schedule_id: id, recurrence_id: '2027-03-02T09:00:00', title: 'Secret merger' },
    },
  ]);
  for (const schedule_id of [id, second.body.id]) await api.call(owner, 'DELETE', `/api/v1/schedules/${schedule_id}`);
  expect(await ask(member)).toMatchObject({ busy: [] });
});

test('slots are told in the zone of each; a stranger gets none, and nobody without a token', async () => {
  const body = { user_ids: [owner.user_id], ...window, duration_minutes: 60, limit: 1 };
  const found = await api.call(member, 'POST', '/api/v1/freebusy/slots', body);
  expect(slots.parse(found.body)).toMatchObject({ slots: [{ starts_at: '2027-03-01T09:00:00Z' }], not_found: [] });
  const refused = await api.call(stranger, 'POST', '/api/v1/freebusy/slots', body);
  expect(refused.body).toEqual({ slots: [], not_found: [owner.user_id] });
  expect((await api.call(null, 'POST', '/api/v1/freebusy/slots', body)).status).toBe(401);
  expect((await api.call(null, 'POST', '/api/v1/freebusy', { user_ids: [owner.user_id], ...window })).status).toBe(401);
});

test('bad input is named by its field', async () => {
  const bad = await api.call(owner, 'POST', '/api/v1/freebusy', { user_ids: [], ...window, titles: true });
  expect(bad.status).toBe(400);
  expect(bad.body.errors.map(({ pointer }: { pointer: string }) => pointer).toSorted()).toEqual([
    '/titles',
    '/user_ids',
  ]);
});
