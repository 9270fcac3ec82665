import { startBackends } from '@potentia/domain/platform/testing/backends';
import { randomUUID } from 'node:crypto';
import { startFaultProxy } from '@potentia/db/testing/fault-proxy';
import { expect, it } from 'vitest';
import { person, startApi } from './testing/api.ts';

it('warm: a hot GET is one round trip to Postgres and one to Redis; a mutation one (two with a new rank) and two', async () => {
  await using backends = await startBackends();
  const database = new URL(backends.database.app_url);
  await using postgres = await startFaultProxy({ target_host: database.hostname, target_port: Number(database.port) });
  await using redis = await startFaultProxy({ target_host: '127.0.0.1', target_port: backends.redis.port });
  await using api = await startApi(backends, {
    DATABASE_URL: postgres.url(backends.database.app_url),
    DATABASE_POOL_SIZE: '1',
    REDIS_URL: redis.url(backends.redis.url),
  });
  const owner = await person(backends.issuer);
  const canvas_id = await api.makeCanvas(owner);
  const [block_id = ''] = await api.addBlocks(owner, canvas_id, ['first']);
  const path = `/api/v1/canvases/${canvas_id}`;
  let version = 1;

  const { body: calendar } = await api.call(owner, 'POST', '/api/v1/calendars', { name: 'Round trips' });
  const times = { starts_local: '2027-03-02T09:00:00', duration_seconds: 900, rrule: 'FREQ=DAILY;COUNT=5' };
  const body = { calendar_id: calendar.id, title: 'Standup', transparency: 'transparent', ...times };
  const { body: schedule } = await api.call(owner, 'POST', '/api/v1/schedules', body);
  const one = `/api/v1/schedules/${schedule.id}`;

  const { body: copy } = await api.call(owner, 'GET', '/api/v1/sync/schedules');
  const march = 'from=2027-03-01T00:00:00Z&to=2027-04-01T00:00:00Z';

  const READS = {
    view: () => api.call(owner, 'GET', `/api/v1/view/schedules?${march}`),
    'synchronisation when nothing changed': () =>
      api.call(owner, 'GET', `/api/v1/sync/schedules?sync_token=${copy.sync_token}`),
    schedule: () => api.call(owner, 'GET', one),
    schedules: () => api.call(owner, 'GET', `/api/v1/calendars/${calendar.id}/schedules`),
    'dry run': () => api.call(owner, 'PATCH', `${one}?dry_run=true`, { title: 'New' }),
    canvas: () => api.call(owner, 'GET', path),
    snapshot: () => api.call(owner, 'GET', `${path}/snapshot`),
    page: () => api.call(owner, 'GET', `${path}/blocks`),
    block: () => api.call(owner, 'GET', `${path}/blocks/${block_id}`),
  };
  const mutate = (op: object) => api.call(owner, 'POST', `${path}/mutate`, { mutation_id: randomUUID(), ops: [op] });
  const WRITES = {
    edit: async () => {
      const answer = await mutate({ op: 'edit', block_id, version, content: { text: `v${version}` } });
      version += 1;
      return answer;
    },
    create: () => mutate({ op: 'create', type: 'text', content: { text: 'next' } }),
  };

  /** Round trips of a request whose statements are prepared and whose caller is known. */
  const count = async (ask: () => Promise<{ status: number }>) => {
    for (let i = 0; i < 3; i += 1) await ask();
    postgres.reset_flights();
    redis.reset_flights();
    expect((await ask()).status).toBe(200);
    // What is published after the answer is on its way; it arrives before anything asked for later.
    await expect.poll(() => redis.flights() >= 1).toBe(true);
    await api.context.db.ping();
    return { postgres: postgres.flights() - 1, redis: redis.flights() };
  };

  for (const [name, ask] of Object.entries(READS)) {
    expect({ name, ...(await count(ask)) }).toEqual({ name, postgres: 1, redis: 1 });
  }
  expect(await count(() => api.call(owner, 'PATCH', one, { title: randomUUID() }))).toEqual({ postgres: 3, redis: 2 });
  expect({ name: 'edit', ...(await count(WRITES.edit)) }).toEqual({ name: 'edit', postgres: 1, redis: 2 });
  expect({ name: 'create', ...(await count(WRITES.create)) }).toEqual({ name: 'create', postgres: 2, redis: 2 });
});
