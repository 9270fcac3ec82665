import { fileURLToPath } from 'node:url';
import { createLogger } from '@potentia/config/logger';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { NO_OBJECTS } from '@potentia/config/testing/object-env';
import { type SpawnedService, spawnService } from '@potentia/config/testing/spawn-service';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { startRedis, type TestRedis } from '@potentia/db/testing/redis';
import { seedContext, seedMessage } from '@potentia/db/testing/seed-chat';
import { publishEmbeddingHint } from '@potentia/domain/chat/embedding-hint';
import { createRedis } from '@potentia/domain/platform/adapters/redis';
import { createBus } from '@potentia/domain/platform/adapters/redis-bus';
import { startGemini, type TestGemini } from '@potentia/sandbox/testing/gemini';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';

/* The jobs as processes, with the stand-in of the provider: what waits for words and vectors survives whatever dies or is away. */

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const SOON = { timeout: 30_000, interval: 50 };
const MESSAGES = 600;
const silent = createLogger({ service: 'test', level: 'silent' });

let redis: TestRedis;
let gemini: TestGemini;
let database: TestDatabase;
beforeAll(async () => {
  [redis, gemini] = await Promise.all([startRedis({ args: ['--appendonly', 'yes'] }), startGemini()]);
});
beforeEach(async () => {
  gemini.clear();
  database = await createTestDatabase();
});
afterEach(() => database.drop());
afterAll(async () => {
  await redis.stop();
  await gemini[Symbol.asyncDispose]();
});

async function start(overrides: Record<string, string> = {}): Promise<SpawnedService> {
  const service = await spawnService({
    main,
    env: {
      ...NO_OBJECTS,
      NODE_ENV: 'test',
      DATABASE_URL: database.job_url,
      APP_DATABASE_URL: database.app_url,
      REDIS_URL: redis.url,
      REDIS_TIMEOUT_MS: '500',
      DATABASE_TIMEOUT_MS: '5000',
      ENCRYPTION_KEYS: `test:${Buffer.alloc(32).toString('base64')}`,
      ...GATEWAY_SECRETS,
      ...gemini.env,
      ...overrides,
    },
  });
  onTestFinished(() => service[Symbol.asyncDispose]());
  return service;
}

/** A conversation; the trigger enqueues it. */
async function seedConversation(count: number): Promise<string> {
  const { user_id, context_id } = await seedContext(database.db);
  await database.asOwner(
    `insert into app.chat_messages (id, user_id, context_id, seq, role, content, created_at)
     select app.uuidv7(), $1, $2, n, case n % 2 when 0 then 'user' else 'assistant' end, 'Sentence number ' || n || ' about zebras.',
       now() + n * interval '1 minute' from generate_series(1, $3::int) n`,
    [user_id, context_id, count],
  );
  return user_id;
}

async function look() {
  const [row] = await database.asOwner<{ waiting: number; words: number; vectors: number; held: number }>(
    `select (select count(*)::int from app.embedding_queue) as waiting, (select count(*)::int from app.message_terms) as words,
       (select count(*)::int from app.message_embeddings) as vectors,
       (select count(*)::int from app.agent_steps where outcome = 'running') as held`,
  );
  return row!;
}

/** What a process that is dead had taken comes again when its lease is over: now, instead of in some seconds. */
const endLeases = () =>
  database.asOwner(`update app.embedding_queue set available_at = now() where available_at > now()`);

const metric = async ({ url }: SpawnedService, name: string, stage?: string): Promise<number> => {
  const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n');
  const line = lines.find((text) => text.startsWith(`${name}{`) && (!stage || text.includes(`stage="${stage}"`)));
  return Number(line?.split(' ').at(-1));
};

test('workers that are killed again and again lose nothing and leave nothing half done', async () => {
  const people = [await seedConversation(MESSAGES), await seedConversation(MESSAGES)];
  gemini.set({ latency_ms: { embed: 150 } });
  for (const after of [0, 1, 250, 500]) {
    const service = await start();
    await vi.waitFor(async () => expect((await look()).words + (await look()).vectors).toBeGreaterThan(after), SOON);
    await service.kill();
    await endLeases();
  }
  expect((await look()).waiting).toBeGreaterThan(0);
  await Promise.all([start(), start()]);
  await vi.waitFor(async () => {
    await expect(look()).resolves.toMatchObject({ waiting: 0, words: 2 * MESSAGES, vectors: 2 * MESSAGES });
  }, SOON);
  const rows = await database.asOwner<{ user_id: string; side: string; n: number; wrong: number }>(
    `select e.user_id, e.side, count(*)::int as n, count(*) filter (where e.side <> m.role or e.dimensions <> 768)::int as wrong
     from app.message_embeddings e join app.chat_messages m on m.id = e.message_id group by 1, 2 order by 1, 2`,
  );
  expect(rows).toEqual(
    people
      .toSorted()
      .flatMap((user_id) => ['assistant', 'user'].map((side) => ({ user_id, side, n: MESSAGES / 2, wrong: 0 }))),
  );
  // The index counts every message once, however often it was begun.
  const documents = await database.asOwner(`select documents::int from app.lexicons where owner_id = any ($1)`, [
    people,
  ]);
  expect(documents).toEqual([{ documents: MESSAGES }, { documents: MESSAGES }]);
}, 120_000);

test('while the provider is away words are found, and when it is back the vectors come, also without Redis', async () => {
  gemini.script({ type: 'error', status: 503 }, { call: 'embed' });
  await seedConversation(50);
  const service = await start({ REDIS_URL: 'redis://127.0.0.1:1' });
  await vi.waitFor(async () => expect(await look()).toMatchObject({ words: 50, vectors: 0, waiting: 50 }), SOON);
  await vi.waitFor(async () => expect(await metric(service, 'potentia_embedding_away')).toBe(1), SOON);
  expect(await metric(service, 'potentia_embedding_rows', 'vector')).toBe(50);
  expect(await metric(service, 'potentia_embedding_rows', 'index')).toBe(0);
  gemini.clear();
  await vi.waitFor(async () => expect(await look()).toEqual({ words: 50, vectors: 50, waiting: 0, held: 0 }), {
    timeout: 90_000,
  });
  expect(await metric(service, 'potentia_embedding_delay_seconds_count', 'vector')).toBe(50);
  expect(await metric(service, 'potentia_embedding_away')).toBe(0);
}, 120_000);

test('a word to the workers has a message indexed and embedded at once', async () => {
  await start();
  const client = createRedis({ url: redis.url, timeout_ms: 500, role: 'command', log: silent });
  onTestFinished(() => client.disconnect());
  const bus = createBus({ redis: client, registry: new Registry() });
  const context = await seedContext(database.db);
  const began = performance.now();
  for (let n = 1; n <= 10; n++) {
    await seedMessage(database.db, context);
    publishEmbeddingHint({ bus });
    await vi.waitFor(async () => expect(await look()).toMatchObject({ vectors: n, waiting: 0 }), {
      ...SOON,
      interval: 10,
    });
  }
  // Each would wait for the next look otherwise, a second after the last.
  expect(performance.now() - began).toBeLessThan(6_000);
}, 60_000);
