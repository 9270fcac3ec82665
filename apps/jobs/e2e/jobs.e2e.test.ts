import { randomUUIDv7 } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { runToExit, spawnService } from '@potentia/config/testing/spawn-service';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { NO_OBJECTS } from '@potentia/config/testing/object-env';
import { getUserEvents } from '@potentia/db/auth/queries';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { startRedis, type TestRedis } from '@potentia/db/testing/redis';
import { seedUser } from '@potentia/db/testing/seed';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
let database: TestDatabase;
let redis: TestRedis;
beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase(), startRedis({ args: ['--appendonly', 'yes'] })]);
});
afterAll(async () => {
  await redis.stop();
  await database.drop();
});

const start = (overrides: Record<string, string> = {}) =>
  spawnService({
    main,
    env: {
      DATABASE_URL: database.job_url,
      REDIS_URL: redis.url,
      APP_DATABASE_URL: database.app_url,
      ENCRYPTION_KEYS: `test:${Buffer.alloc(32).toString('base64')}`,
      ...GATEWAY_SECRETS,
      ...NO_OBJECTS,
      NODE_ENV: 'test',
      ...overrides,
    },
  });

async function write(user_id: string, count: number): Promise<void> {
  const ids = Array.from({ length: count }, () => randomUUIDv7());
  await database.job_db.call(
    `insert into app.outbox (id, topic, user_id, payload)
     select id, 'me.deliver', $2, jsonb_build_object('user_id', $2::uuid, 'type', 'test.happened', 'id', id)
     from unnest($1::uuid[]) id`,
    [ids, user_id],
  );
}

async function delivered(user_id: string): Promise<{ seq: number; id: string }[]> {
  const events: { seq: number; id: string }[] = [];
  for (;;) {
    const page = await getUserEvents(database.db, { user_id, after_seq: events.at(-1)?.seq ?? 0, limit: 1_000 });
    if (page.length === 0) return events;
    for (const { seq, frame } of page) {
      const { payload } = JSON.parse(frame) as { payload: { id: string } };
      events.push({ seq, id: payload.id });
    }
  }
}

test('without its variables it ends with 1 and a table of what is missing', async () => {
  const { code, output } = await runToExit({ main, env: { DATABASE_POOL_SIZE: 'many' } });
  expect(code).toBe(1);
  expect(output).toMatch(/DATABASE_URL +missing/);
  expect(output).toMatch(/REDIS_URL +missing/);
  expect(output).toMatch(/DATABASE_POOL_SIZE +must be a whole number/);
});

test('it gets ready, reports its health, and SIGTERM lets it finish and ends it with 0', async () => {
  await using service = await start();
  await vi.waitFor(async () => expect((await fetch(`${service.url}/ready`)).status).toBe(200), { timeout: 5_000 });
  const { instance_id } = (await (await fetch(`${service.url}/health`)).json()) as { instance_id: string };
  await vi.waitFor(
    async () => {
      const rows = await database.db.call<{ status: string }>(
        'select status from app.system_health where service = $1 and instance_id = $2',
        ['jobs', instance_id],
      );
      expect(rows).toEqual([{ status: 'ok' }]);
    },
    { timeout: 5_000 },
  );
  const { user_id } = await seedUser(database.db);
  await write(user_id, 300);
  await vi.waitFor(async () => expect((await delivered(user_id)).length).toBeGreaterThan(0), {
    timeout: 5_000,
    interval: 5,
  });
  expect(await service.stop()).toEqual({ code: 0, signal: null });
  expect(service.output()).toContain('jobs has stopped');

  await using _next = await start();
  await vi.waitFor(async () => expect(await delivered(user_id)).toHaveLength(300), { timeout: 10_000 });
});

test('a connection on which nothing is asked does not keep it from stopping in order', async () => {
  await using service = await start();
  const silent = connect(Number(new URL(service.url).port), '127.0.0.1');
  silent.on('error', () => undefined);
  await once(silent, 'connect');
  await fetch(`${service.url}/health`);
  expect(await service.stop()).toEqual({ code: 0, signal: null });
});

test('kill -9 at any moment loses nothing and delivers nothing twice', async () => {
  const { user_id } = await seedUser(database.db);
  let written = 0;
  for (let round = 0; round < 6; round++) {
    await using service = await start();
    await write(user_id, 250);
    written += 250;
    const before = (await delivered(user_id)).length;
    // Somewhere in the middle of its work.
    await vi.waitFor(async () => expect((await delivered(user_id)).length).toBeGreaterThan(before + round * 20), {
      timeout: 20_000,
      interval: 5,
    });
    await service.kill();
  }
  await using _last = await start();
  await vi.waitFor(async () => expect((await delivered(user_id)).length).toBeGreaterThanOrEqual(written), {
    timeout: 30_000,
    interval: 100,
  });
  const events = await delivered(user_id);
  expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: written }, (_, i) => i + 1));
  expect(new Set(events.map(({ id }) => id)).size).toBe(written);
  expect(await database.job_db.call('select 1 from app.outbox where user_id = $1', [user_id])).toEqual([]);
});

test('it starts and stops while Redis is frozen', async () => {
  await using own = await startRedis();
  own.freeze();
  await using service = await start({ REDIS_URL: own.url, SHUTDOWN_TIMEOUT_MS: '4000' });
  await vi.waitFor(async () => expect((await fetch(`${service.url}/ready`)).status).toBe(503), { timeout: 5_000 });
  const started = performance.now();
  expect(await service.stop()).toEqual({ code: 0, signal: null });
  expect(performance.now() - started).toBeLessThan(4_000);
  own.thaw();
});
