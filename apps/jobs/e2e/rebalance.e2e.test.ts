import { fileURLToPath } from 'node:url';
import { spawnService } from '@potentia/config/testing/spawn-service';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { NO_OBJECTS } from '@potentia/config/testing/object-env';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { startRedis, type TestRedis } from '@potentia/db/testing/redis';
import { seedCanvas } from '@potentia/db/testing/seed';
import { rankBetween } from '@potentia/domain/canvas/rules/rank';
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

const start = () =>
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
    },
  });

test('kill -9 in the middle of a rebalance leaves every block in its place, and the next process ends it', async () => {
  const canvas = await seedCanvas(database.db);
  const ranks = ['a0', 'a1'];
  for (let [low, high] = ['a0', 'a1'] as [string, string]; ranks.at(-1)!.length < 900;) {
    const rank = rankBetween(low, high);
    if (ranks.length % 2) low = rank;
    else high = rank;
    ranks.push(rank);
  }
  const { canvas_id, workspace_id, user_id } = canvas;
  await database.asOwner(
    `insert into app.blocks (workspace_id, canvas_id, id, type, content, rank, created_by, updated_by)
     select $1, $2, gen_random_uuid(), 'text', '{}', rank, $3, $3 from unnest($4::text[]) rank`,
    [workspace_id, canvas_id, user_id, ranks],
  );
  const rows = () =>
    database.asOwner<{ id: string; rank: string }>(
      'select id, rank from app.blocks where canvas_id = $1 order by rank',
      [canvas_id],
    );
  const events = async () => {
    const found = await database.asOwner<{ seq: number }>(
      'select seq::int from app.canvas_events where canvas_id = $1 order by seq',
      [canvas_id],
    );
    return found.map(({ seq }) => seq);
  };
  const order = (await rows()).map(({ id }) => id);
  await database.asOwner(
    `insert into app.outbox (id, topic, workspace_id, payload)
     values (app.uuidv7(), 'canvas.rebalance', $1, jsonb_build_object('canvas_id', $2::text))`,
    [workspace_id, canvas_id],
  );
  await using first = await start();
  await vi.waitFor(async () => expect((await events()).length).toBeGreaterThan(0), { timeout: 15_000, interval: 2 });
  await first.kill();
  expect((await rows()).map(({ id }) => id)).toEqual(order);

  await using _next = await start();
  const longest = async () => Math.max(...(await rows()).map(({ rank }) => rank.length));
  await vi.waitFor(async () => expect(await longest()).toBeLessThanOrEqual(48), { timeout: 25_000, interval: 100 });
  expect((await rows()).map(({ id }) => id)).toEqual(order);
  const seqs = await events();
  expect(seqs).toEqual(seqs.map((_, n) => n + 1));
}, 60_000);
