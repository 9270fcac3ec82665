import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { runToExit, spawnService } from '@potentia/config/testing/spawn-service';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { startRedis, type TestRedis } from '@potentia/db/testing/redis';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
let database: TestDatabase;
let redis: TestRedis;
beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase(), startRedis()]);
});
afterAll(async () => {
  await redis.stop();
  await database.drop();
});

const env = () => ({ DATABASE_URL: database.wa_url, REDIS_URL: redis.url, NODE_ENV: 'test' });

test('without its variables it ends with 1 and a table of what is missing', async () => {
  const { code, output } = await runToExit({ main, env: { REDIS_URL: 'http://nonsense' } });
  expect(code).toBe(1);
  expect(output).toMatch(/DATABASE_URL +missing/);
  expect(output).toMatch(/REDIS_URL +must be redis/);
  expect(output).not.toContain('nonsense');
});

test('it starts, is ready, says that no session is linked, reports its health, and stops in order', async () => {
  await using service = await spawnService({ main, env: env() });
  const get = (path: string) => fetch(`${service.url}${path}`);
  const health = (await (await get('/health')).json()) as { instance_id: string };
  expect(health).toMatchObject({ status: 'ok', service: 'wa-worker' });
  await vi.waitFor(async () => expect((await get('/ready')).status).toBe(200), { timeout: 5_000 });
  expect(await (await get('/sessions')).json()).toEqual({ items: [], message: 'No session is linked yet.' });
  expect(await (await get('/metrics')).text()).toContain('potentia_wa_sessions{service="wa-worker"} 0');
  expect(service.output()).toContain('no session is linked yet');

  await vi.waitFor(
    async () => {
      const rows = await database.db.call<{ status: string }>(
        'select status from app.system_health where service = $1 and instance_id = $2',
        ['wa-worker', health.instance_id],
      );
      expect(rows).toEqual([{ status: 'ok' }]);
    },
    { timeout: 5_000 },
  );
  expect(await service.stop()).toEqual({ code: 0, signal: null });
  expect(service.output()).toContain('wa-worker has stopped');
});

test('a connection on which nothing is asked does not keep it from stopping in order', async () => {
  await using service = await spawnService({ main, env: env() });
  const silent = connect(Number(new URL(service.url).port), '127.0.0.1');
  silent.on('error', () => undefined);
  await once(silent, 'connect');
  await fetch(`${service.url}/health`);
  expect(await service.stop()).toEqual({ code: 0, signal: null });
});

test('it says which dependency is missing, and goes on living', async () => {
  await using own = await startRedis();
  await using service = await spawnService({ main, env: { ...env(), REDIS_URL: own.url } });
  await vi.waitFor(async () => expect((await fetch(`${service.url}/ready`)).status).toBe(200), { timeout: 5_000 });
  await own.kill();
  await vi.waitFor(
    async () => {
      const ready = await fetch(`${service.url}/ready`);
      expect(ready.status).toBe(503);
      expect(await ready.json()).toMatchObject({ checks: { redis: { ok: false }, postgres: { ok: true } } });
    },
    { timeout: 5_000 },
  );
  expect((await fetch(`${service.url}/health`)).status).toBe(200);
});
