import { randomUUID } from 'node:crypto';
import { startFaultProxy } from '@potentia/db/testing/fault-proxy';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi, type TestApi } from '../testing/api.ts';
import { keyFor, makeCast, makeWorld, mustBe, type World } from '../testing/world.ts';

let backends: Backends;
let api: TestApi;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

const CALENDARS = '/api/v1/calendars';
const newWorld = async (): Promise<World> => makeWorld(api, backends, await makeCast(api, backends));

it('a calendar is made, read, listed, changed, handed over and deleted over HTTP', async () => {
  const { cast, workspace_id } = await newWorld();
  const { owner, member, stranger } = cast;
  const body = { workspace_id, name: 'Team', time_zone: 'Asia/Jakarta' };
  const key = { 'idempotency-key': randomUUID() };
  const made = await api.call(owner, 'POST', CALENDARS, body, key);
  expect(made).toMatchObject({ status: 201, body: { name: 'Team', role: 'owner', version: 1 } });
  const one = `${CALENDARS}/${made.body.id}`;
  expect(made.headers).toMatchObject({ location: one, etag: '"1"' });
  const again = await api.call(owner, 'POST', CALENDARS, body, key);
  expect(again).toMatchObject({ status: 201, body: made.body, headers: { 'idempotency-replayed': 'true' } });
  expect(await api.call(owner, 'POST', CALENDARS, { ...body, name: 'Other' }, key)).toMatchObject({
    body: { code: 'idempotency.key_reused' },
  });
  expect((await api.call(owner, 'GET', one)).body).toEqual(made.body);
  // As older clients write it.
  expect((await api.call(owner, 'GET', `/calendar/${made.body.id}`)).body).toEqual(made.body);
  const list = mustBe(200, await api.call(owner, 'GET', `${CALENDARS}?workspace_id=${workspace_id}`));
  expect(list.items.map((item: { id: string }) => item.id)).toContain(made.body.id);

  const changed = await api.call(owner, 'PATCH', one, { name: 'Crew', color: '#FF0000' }, { 'if-match': '"1"' });
  expect(changed).toMatchObject({ status: 200, headers: { etag: '"2"' }, body: { name: 'Crew', color: '#ff0000' } });
  expect(await api.call(owner, 'PATCH', one, { name: 'Late' }, { 'if-match': '"1"' })).toMatchObject({
    status: 412,
    body: { code: 'calendar.version_conflict', current: { name: 'Crew', version: 2 } },
  });
  for (const [sent, pointer] of [
    [{ name: '' }, '/name'],
    [{ time_zone: 'UTC+7' }, '/time_zone'],
    [{ name: 'x', owner_user_id: member.user_id }, '/owner_user_id'],
    [{}, ''],
  ] as const)
    expect(await api.call(owner, 'PATCH', one, sent)).toMatchObject({ status: 400, body: { errors: [{ pointer }] } });

  mustBe(201, await api.call(owner, 'POST', `${one}/subscriptions`, { user_id: member.user_id, role: 'viewer' }));
  const handed = await api.call(owner, 'POST', `${one}/transfer`, { user_id: member.user_id });
  expect(handed).toMatchObject({ status: 200, body: { role: 'editor', owner_user_id: member.user_id } });
  expect((await api.call(owner, 'DELETE', one)).body.code).toBe('calendar.forbidden');
  expect((await api.call(stranger, 'DELETE', one)).body.code).toBe('calendar.not_found');
  expect((await api.call(null, 'DELETE', one)).status).toBe(401);
  expect((await api.call(member, 'DELETE', one)).status).toBe(204);
  expect((await api.call(member, 'GET', one)).status).toBe(404);
});

it('people are subscribed, listed, given roles and taken off over HTTP, and choose for themselves how it shows', async () => {
  const { cast, calendar_id } = await newWorld();
  const { owner, admin, member, guest, onlooker, stranger } = cast;
  const subscriptions = `${CALENDARS}/${calendar_id}/subscriptions`;
  const body = { user_id: guest.user_id, role: 'viewer' };
  const made = await api.call(owner, 'POST', subscriptions, body);
  expect(made).toMatchObject({ status: 201, body: { ...body, name: 'Guest', is_hidden: null } });
  expect(made.headers).toMatchObject({ location: `${subscriptions}/${guest.user_id}`, etag: '"1"' });
  expect(await api.call(owner, 'POST', subscriptions, body)).toMatchObject({
    status: 409,
    body: { code: 'subscription.exists', current: made.body },
  });
  expect(await api.call(owner, 'POST', subscriptions, { ...body, user_id: stranger.user_id })).toMatchObject({
    status: 404,
    body: { code: 'subscription.user_not_found', errors: [{ pointer: '/user_id' }] },
  });
  expect((await api.call(owner, 'POST', subscriptions, { ...body, role: 'owner' })).body.errors).toMatchObject([
    { pointer: '/role' },
  ]);

  const mine = `${subscriptions}/${guest.user_id}`;
  expect(await api.call(guest, 'PATCH', mine, { is_hidden: true, affects_busy: true })).toMatchObject({
    status: 200,
    body: { is_hidden: true, affects_busy: true, version: 2 },
  });
  expect((await api.call(owner, 'PATCH', mine, { is_hidden: false })).body.code).toBe('subscription.not_yours');
  expect((await api.call(guest, 'PATCH', mine, { role: 'editor' })).body).toMatchObject({ code: 'calendar.forbidden' });
  expect((await api.call(owner, 'PATCH', mine, { role: 'editor' }, { 'if-match': '"1"' })).status).toBe(412);
  expect((await api.call(owner, 'PATCH', mine, { role: 'editor' })).body).toMatchObject({ role: 'editor', version: 3 });
  expect((await api.call(member, 'GET', subscriptions)).body.items).toHaveLength(5);
  expect((await api.call(onlooker, 'GET', subscriptions)).body.items).toMatchObject([{ user_id: onlooker.user_id }]);

  expect((await api.call(admin, 'DELETE', mine)).body.code).toBe('calendar.forbidden');
  expect(await api.call(owner, 'DELETE', `${subscriptions}/${owner.user_id}`)).toMatchObject({
    status: 409,
    body: { code: 'subscription.owner_fixed' },
  });
  expect((await api.call(guest, 'DELETE', mine)).status).toBe(204);
  expect((await api.call(guest, 'GET', `${CALENDARS}/${calendar_id}`)).status).toBe(404);
});

it('whoever is removed from the workspace is on its calendars no more, and what they owned is its owner’s', async () => {
  const { cast, workspace_id } = await newWorld();
  const { owner, member } = cast;
  const { id } = mustBe(201, await api.call(member, 'POST', CALENDARS, { workspace_id, name: 'Of the member' }));
  expect((await api.call(owner, 'GET', `${CALENDARS}/${id}`)).status).toBe(404);
  const path = `/api/v1/workspaces/${workspace_id}/members/${member.user_id}`;
  expect((await api.call(owner, 'DELETE', path)).status).toBe(204);
  expect((await api.call(member, 'GET', `${CALENDARS}/${id}`)).status).toBe(404);
  expect((await api.call(owner, 'GET', `${CALENDARS}/${id}`)).body).toMatchObject({ role: 'owner' });
});

it('an API key makes calendars in its workspace, and sees of others what it is subscribed to', async () => {
  const world = await newWorld();
  const { workspace_id, calendar_id } = world;
  const key = await keyFor(world, 'calendar:write', true);
  const { id } = mustBe(201, await api.call(key, 'POST', CALENDARS, { workspace_id, name: 'Of a program' }));
  expect((await api.call(key, 'POST', CALENDARS, { name: 'x' })).body.errors).toMatchObject([
    { pointer: '/workspace_id' },
  ]);
  const list = mustBe(200, await api.call(key, 'GET', CALENDARS));
  expect(list.items).toMatchObject([
    { id: calendar_id, role: 'editor' },
    { id, role: 'owner' },
  ]);
  const { id: unseen } = mustBe(201, await api.call(world.cast.owner, 'POST', CALENDARS, { workspace_id, name: 'x' }));
  expect((await api.call(key, 'GET', `${CALENDARS}/${unseen}`)).status).toBe(404);
});

it('a schedule that names no calendar stands in the one that everybody begins with', async () => {
  const { owner } = await makeCast(api, backends);
  const lunch = { title: 'Lunch', starts_local: '2026-03-02T12:00:00', duration_seconds: 3600 };
  const [first] = mustBe(200, await api.call(owner, 'GET', CALENDARS)).items;
  const made = await api.call(owner, 'POST', '/api/v1/schedules', lunch);
  expect(made).toMatchObject({ status: 201, body: { calendar_id: first.id, time_zone: 'UTC' } });
  expect((await api.call(owner, 'DELETE', `${CALENDARS}/${first.id}`)).status).toBe(204);
  expect((await api.call(owner, 'GET', `/api/v1/schedules/${made.body.id}`)).status).toBe(404);
  expect(await api.call(owner, 'POST', '/api/v1/schedules', lunch)).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '/calendar_id' }] },
  });
});

it('warm: to read or change a calendar or a subscription is one round trip to Postgres', async () => {
  const database = new URL(backends.database.app_url);
  await using proxy = await startFaultProxy({ target_host: database.hostname, target_port: Number(database.port) });
  const env = { DATABASE_URL: proxy.url(backends.database.app_url), DATABASE_POOL_SIZE: '1' };
  await using near = await startApi(backends, env);
  const { cast, calendar_id } = await newWorld();
  const one = `${CALENDARS}/${calendar_id}`;
  const mine = `${one}/subscriptions/${cast.owner.user_id}`;
  let n = 0;
  for (const [name, ask] of Object.entries({
    list: () => near.call(cast.owner, 'GET', CALENDARS),
    get: () => near.call(cast.owner, 'GET', one),
    subscriptions: () => near.call(cast.owner, 'GET', `${one}/subscriptions`),
    update: () => near.call(cast.owner, 'PATCH', one, { name: `name ${(n += 1)}` }),
    choose: () => near.call(cast.owner, 'PATCH', mine, { is_hidden: (n += 1) % 2 === 0 }),
  })) {
    for (let i = 0; i < 3; i += 1) await ask();
    proxy.reset_flights();
    expect((await ask()).status, name).toBe(200);
    expect(proxy.flights(), name).toBe(1);
  }
});
