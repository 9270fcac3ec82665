import { addMember, seedWorkspace } from '@potentia/db/testing/seed';
import { seedCalendar, seedSchedule, seedSubscription } from '@potentia/db/testing/seed-calendar';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
let owner: Person;
let viewer: Person;
let onlooker: Person;
let member: Person;
let stranger: Person;
let REMINDERS: string;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  const people = await Promise.all(Array.from({ length: 5 }, () => person(backends.issuer)));
  for (const who of people) await api.call(who, 'GET', '/api/v1/me');
  [owner, viewer, onlooker, member, stranger] = people as [Person, Person, Person, Person, Person];
  const { db } = backends.database;
  const workspace = await seedWorkspace(db, owner);
  for (const who of [viewer, onlooker, member]) await addMember(db, workspace, 'member', who);
  const calendar = await seedCalendar(db, workspace);
  await seedSubscription(db, calendar, 'viewer', viewer);
  await seedSubscription(db, calendar, 'freebusy', onlooker);
  const { schedule_id } = await seedSchedule(db, calendar, { rrule: 'FREQ=DAILY' });
  REMINDERS = `/api/v1/schedules/${schedule_id}/reminders`;
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

it('reminders are made, listed, changed and deleted over HTTP, with a scope in the query', async () => {
  const made = await api.call(viewer, 'POST', REMINDERS, { minutes_before: 10 });
  expect(made).toMatchObject({ status: 201, body: { applies_to: 'all', minutes_before: 10, channels: ['in_app'] } });
  const third = 'scope=this&recurrence_id=2026-03-04T09:00:00';
  const changed = await api.call(viewer, 'PATCH', `${REMINDERS}/${made.body.id}?${third}`, { local_time: '08:00' });
  expect(changed).toMatchObject({ status: 200, body: { applies_to: 'this', local_time: '08:00:00', days_before: 0 } });
  expect((await api.call(viewer, 'GET', REMINDERS)).body.items).toMatchObject([
    { id: made.body.id, skips: ['2026-03-04T09:00:00'] },
    { id: changed.body.id },
  ]);
  for (const id of [made.body.id, changed.body.id]) {
    expect((await api.call(viewer, 'DELETE', `${REMINDERS}/${id}`)).status).toBe(204);
  }
  expect((await api.call(viewer, 'GET', REMINDERS)).body).toEqual({ items: [] });
});

it('a dry run says what would be made, changed and taken away, and does nothing', async () => {
  const made = await api.call(viewer, 'POST', REMINDERS, { minutes_before: 10 });
  const third = 'dry_run=true&scope=this&recurrence_id=2026-03-04T09:00:00';
  const added = await api.call(viewer, 'POST', `${REMINDERS}?${third}`, { local_time: '08:00' });
  expect(added).toMatchObject({ status: 200, body: { added: [{ id: null, applies_to: 'this' }], changed: [] } });
  const changed = await api.call(viewer, 'PATCH', `${REMINDERS}/${made.body.id}?${third}`, { minutes_before: 5 });
  expect(changed).toMatchObject({
    status: 200,
    body: { added: [{ minutes_before: 5 }], changed: [{ id: made.body.id, skips: ['2026-03-04T09:00:00'] }] },
  });
  const gone = await api.call(viewer, 'DELETE', `${REMINDERS}/${made.body.id}?dry_run=true`);
  expect(gone).toMatchObject({ status: 200, body: { added: [], changed: [], removed: [{ id: made.body.id }] } });
  expect((await api.call(viewer, 'GET', REMINDERS)).body.items).toEqual([made.body]);
  await api.call(viewer, 'DELETE', `${REMINDERS}/${made.body.id}`);
});

it('a field that is wrong is named, and so is one that there is not', async () => {
  const wrong: [string, object, string][] = [
    ['', { minutes_before: 10, colour: 'red' }, '/colour'],
    ['', { minutes_before: -1 }, '/minutes_before'],
    ['?scope=following', { minutes_before: 10 }, '/recurrence_id'],
    ['?scope=some', { minutes_before: 10 }, '/scope'],
    ['?dry_run=perhaps', { minutes_before: 10 }, '/dry_run'],
  ];
  for (const [query, body, pointer] of wrong) {
    const answer = await api.call(viewer, 'POST', REMINDERS + query, body);
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ pointer }] } });
  }
});

it('whoever does not read the schedule finds none, and without a token nobody does', async () => {
  const { body } = await api.call(owner, 'POST', REMINDERS, { minutes_before: 10 });
  const calls: ['GET' | 'POST' | 'PATCH' | 'DELETE', string, object?][] = [
    ['GET', REMINDERS],
    ['POST', REMINDERS, { minutes_before: 5 }],
    ['PATCH', `${REMINDERS}/${body.id}`, { minutes_before: 5 }],
    ['DELETE', `${REMINDERS}/${body.id}`],
    ['DELETE', `${REMINDERS}/${body.id}?dry_run=true`],
  ];
  for (const [method, path, sent] of calls) {
    for (const who of [onlooker, member, stranger]) {
      expect(await api.call(who, method, path, sent)).toMatchObject({
        status: 404,
        body: { code: 'schedule.not_found' },
      });
    }
    expect((await api.call(null, method, path, sent)).status).toBe(401);
  }
  for (const [method, path, sent] of calls.slice(2)) {
    expect(await api.call(viewer, method, path, sent)).toMatchObject({
      status: 404,
      body: { code: 'reminder.not_found' },
    });
  }
});
