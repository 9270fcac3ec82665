import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { randomUUID } from 'node:crypto';
import { startFaultProxy } from '@potentia/db/testing/fault-proxy';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let owner: Person;

beforeAll(async () => {
  backends = await startBackends();
  owner = await person(backends.issuer);
});
afterAll(() => backends[Symbol.asyncDispose]());

const mutation = () => ({
  mutation_id: randomUUID(),
  ops: [{ op: 'create', type: 'text', content: { text: 'still here' } }],
});

/** How each of `n` requests, one after the other, ended, and how long the slowest took. */
async function oneByOne(n: number, ask: () => Promise<{ status: number }>) {
  const statuses = new Set<number>();
  let slowest_ms = 0;
  for (let i = 0; i < n; i += 1) {
    const started = performance.now();
    statuses.add((await ask()).status);
    slowest_ms = Math.max(slowest_ms, performance.now() - started);
  }
  return { statuses: [...statuses], slowest_ms };
}

const localDecisions = async (api: TestApi): Promise<number> =>
  Number(
    /potentia_limiter_decisions_total\{.*source="local".*outcome="allowed".*\} (\d+)/.exec(
      await api.context.health.registry.metrics(),
    )?.[1] ?? 0,
  );

describe('Redis', () => {
  it.each(['kill', 'freeze'] as const)(
    'away by %s: edits commit, none takes a second, a metric says so',
    async (how) => {
      await using api = await startApi(backends, { REDIS_TIMEOUT_MS: '50' });
      const canvas_id = await api.makeCanvas(owner);
      const mutate = () => api.call(owner, 'POST', `/api/v1/canvases/${canvas_id}/mutate`, mutation());
      expect((await mutate()).status).toBe(200);

      await backends.redis[how]();
      try {
        const { statuses, slowest_ms } = await oneByOne(20, mutate);
        expect(statuses).toEqual([200]);
        expect(slowest_ms).toBeLessThan(1_000);
        expect(await localDecisions(api)).toBeGreaterThan(0);
        const ready = await api.call(null, 'GET', '/ready');
        expect(ready.body.checks).toMatchObject({ postgres: { ok: true }, redis: { ok: false } });
      } finally {
        if (how === 'kill') await backends.redis.restart();
        else backends.redis.thaw();
      }
      await expect
        .poll(async () => (await api.call(null, 'GET', '/ready')).body.checks.redis.ok, { timeout: 10_000 })
        .toBe(true);
    },
  );
});

describe('Postgres', () => {
  it('blackholed: 503 within the deadline, and 8 of 8 at once after it heals', async () => {
    const { hostname, port } = new URL(backends.database.app_url);
    await using proxy = await startFaultProxy({ target_host: hostname, target_port: Number(port || 5432) });
    await using api = await startApi(backends, {
      DATABASE_URL: proxy.url(backends.database.app_url),
      DATABASE_TIMEOUT_MS: '800',
    });
    const canvas_id = await api.makeCanvas(owner);
    const ask = () => api.call(owner, 'GET', `/api/v1/canvases/${canvas_id}`);
    expect((await ask()).status).toBe(200);

    proxy.blackhole();
    const started = performance.now();
    const away = await Promise.all(Array.from({ length: 8 }, ask));
    const took_ms = performance.now() - started;
    expect(away.map(({ status }) => status)).toEqual(Array(8).fill(503));
    expect(took_ms).toBeLessThan(1_500);
    expect(away[0]).toMatchObject({
      headers: { 'retry-after': '1', 'content-type': expect.stringContaining('application/problem+json') },
      body: { code: 'platform.database_unavailable', retry_after_ms: 1_000 },
    });
    expect((await api.call(null, 'GET', '/ready')).status).toBe(503);
    expect((await api.call(null, 'GET', '/health')).status).toBe(200);

    proxy.heal();
    const healed = await Promise.all(Array.from({ length: 8 }, ask));
    expect(healed.map(({ status }) => status)).toEqual(Array(8).fill(200));
  });

  it('away on somebody’s first request: 503, and in as soon as it is back', async () => {
    const { hostname, port } = new URL(backends.database.app_url);
    await using proxy = await startFaultProxy({ target_host: hostname, target_port: Number(port || 5432) });
    await using api = await startApi(backends, { DATABASE_URL: proxy.url(backends.database.app_url) });
    const newcomer = await person(backends.issuer);
    proxy.refuse();
    expect((await api.call(newcomer, 'GET', '/api/v1/me')).status).toBe(503);
    proxy.heal();
    expect((await api.call(newcomer, 'GET', '/api/v1/me')).body).toMatchObject({ user_id: newcomer.user_id });
  });
});
