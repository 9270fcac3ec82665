import { NO_OBJECTS } from '@potentia/config/testing/object-env';
import { randomUUIDv7 } from 'node:crypto';
import { parseEnv } from '@potentia/config/env';
import { createLogger } from '@potentia/config/logger';
import { modelVariables } from '@potentia/config/model-variables';
import { getUserEvents } from '@potentia/db/auth/queries';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { startFaultProxy } from '@potentia/db/testing/fault-proxy';
import { startRedis, type TestRedis } from '@potentia/db/testing/redis';
import { seedUser } from '@potentia/db/testing/seed';
import { createBus, createSubscriber } from '@potentia/domain/platform/adapters/redis-bus';
import { createRedis } from '@potentia/domain/platform/adapters/redis';
import { meChannel } from '@potentia/domain/platform/bus';
import { publishOutboxHint } from '@potentia/domain/platform/outbox';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { startJobs } from './app.ts';
import type { JobsConfig } from './config.ts';
import { createJobsContext } from './context.ts';
import { createRelayMetrics } from './metrics.ts';
import { OutboxRelay } from './outbox-relay.ts';
import { QUEUES } from './queues.ts';

const log = createLogger({ service: 'test', level: 'silent' });
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** A Redis as production has it: what it acknowledged survives its death. */
const startDurableRedis = () => startRedis({ args: ['--appendonly', 'yes'] });

function configFor(redis_url: string, overrides: Partial<JobsConfig> = {}): JobsConfig {
  return {
    NODE_ENV: 'test',
    HOST: '127.0.0.1',
    PORT: 0,
    CORS_ORIGINS: [],
    TRUST_PROXY: 0,
    LOG_LEVEL: 'silent',
    SHUTDOWN_TIMEOUT_MS: 4_000,
    DATABASE_URL: database.job_url,
    DATABASE_POOL_SIZE: 10,
    DATABASE_TIMEOUT_MS: 800,
    DATABASE_PREPARE: true,
    REDIS_URL: redis_url,
    REDIS_TIMEOUT_MS: 50,
    ENCRYPTION_KEYS: [{ kid: 'test', key: new Uint8Array(32) }],
    SERVICE_JWT_SECRETS: ['x'.repeat(32)],
    WHATSAPP_HEARTBEAT_MS: 30_000,
    WEBHOOK_ALLOWED_NETWORKS: [],
    ...parseEnv('jobs', z.object(modelVariables), {}),
    WEBHOOK_RETRY_DELAYS_MS: [],
    WEBHOOK_TIMEOUT_MS: 15_000,
    APP_DATABASE_URL: database.app_url,
    ...NO_OBJECTS,
    S3_REGION: 'us-east-1',
    S3_FORCE_PATH_STYLE: true,
    ATTACHMENT_MAX_BYTES: 1_000,
    ATTACHMENT_TYPES: [],
    TRANSFER_MAX_BYTES: 1_000,
    ...overrides,
  };
}

/** The whole service in this process. */
async function startService(redis_url: string, overrides: Partial<JobsConfig> = {}) {
  const context = createJobsContext(configFor(redis_url, overrides), log);
  const app = await startJobs(context);
  return {
    url: app.url,
    async [Symbol.asyncDispose]() {
      await app.stop();
      await context.close();
    },
  };
}

/** A relay alone, that moves a batch when it is told to. */
async function relayTo(redis: TestRedis) {
  const context = createJobsContext(configFor(redis.url), log);
  onTestFinished(() => context.close());
  await vi.waitFor(() => expect(context.redis.queue.status).toBe('ready'));
  return new OutboxRelay({
    db: context.db,
    redis: context.redis.queue,
    queues: QUEUES,
    metrics: createRelayMetrics(new Registry(), context.db),
    log,
  });
}

async function write(
  user_id: string,
  count: number,
  { topic = 'me.deliver', payload = { user_id, type: 'test.happened' }, delay = '0 s' } = {},
) {
  const ids = Array.from({ length: count }, () => randomUUIDv7());
  await database.job_db.call(
    `insert into app.outbox (id, topic, user_id, payload, request_id, available_at)
     select id, $2, $3, $4::jsonb || jsonb_build_object('n', n - 1), 'request-1', now() - interval '1 s' + n * interval '1 us' + $5::interval
     from unnest($1::uuid[]) with ordinality as rows (id, n)`,
    [ids, topic, user_id, payload, delay],
  );
}

const waitingRows = async (user_id: string) =>
  (await database.job_db.call<{ id: string }>('select id from app.outbox where user_id = $1', [user_id])).length;

/** What `/ws/me` would read: the person's events in their order. */
async function eventsOf(user_id: string) {
  const events: { seq: number; event: string; n: number }[] = [];
  for (;;) {
    const page = await getUserEvents(database.db, { user_id, after_seq: events.at(-1)?.seq ?? 0, limit: 1_000 });
    if (page.length === 0) return events;
    for (const { seq, frame } of page) {
      const { event, payload } = JSON.parse(frame) as { event: string; payload: { n: number } };
      events.push({ seq, event, n: payload.n });
    }
  }
}

const numbered = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ seq: n + 1, event: 'test.happened', n }));

test('a row becomes one event of its person and one message on their channel', async () => {
  await using redis = await startRedis();
  const { user_id } = await seedUser(database.db);
  const heard: unknown[] = [];
  const subscriber = createSubscriber({
    url: redis.url,
    timeout_ms: 500,
    log,
    registry: new Registry(),
    onMessage: (channel, { kind, seq, frame }) => heard.push({ channel, kind, seq, frame: JSON.parse(frame) }),
    onReconnect: () => undefined,
  });
  onTestFinished(() => subscriber.close());
  await vi.waitFor(async () => expect(await subscriber.subscribe(meChannel(user_id))).toBe(true));
  await using _service = await startService(redis.url);
  await write(user_id, 1);
  await vi.waitFor(() => expect(heard).toHaveLength(1), { timeout: 5_000 });
  expect(heard[0]).toMatchObject({
    channel: meChannel(user_id),
    kind: 'event',
    seq: 1,
    frame: { type: 'event', seq: 1, event: 'test.happened', payload: { n: 0 } },
  });
  expect(await eventsOf(user_id)).toEqual(numbered(1));
  expect(await waitingRows(user_id)).toBe(0);
});

test('a hint is followed sooner than the next poll', async () => {
  await using redis = await startRedis();
  const { user_id } = await seedUser(database.db);
  await using _service = await startService(redis.url);
  const client = createRedis({ url: redis.url, timeout_ms: 50, role: 'command' });
  onTestFinished(() => client.disconnect());
  await vi.waitFor(() => expect(client.status).toBe('ready'));
  const bus = createBus({ redis: client, registry: new Registry() });
  const waits: number[] = [];
  for (let n = 1; n <= 5; n++) {
    await write(user_id, 1);
    const started = performance.now();
    publishOutboxHint({ bus });
    await vi.waitFor(async () => expect(await eventsOf(user_id)).toHaveLength(n), { interval: 5, timeout: 5_000 });
    waits.push(performance.now() - started);
  }
  expect(waits.sort((a, b) => a - b)[2]).toBeLessThan(500);
});

test('two services side by side deliver 500 rows once each', async () => {
  await using redis = await startRedis();
  const { user_id } = await seedUser(database.db);
  await write(user_id, 500);
  await using _one = await startService(redis.url);
  await using _two = await startService(redis.url);
  await vi.waitFor(async () => expect(await eventsOf(user_id)).toHaveLength(500), { timeout: 10_000 });
  expect(await waitingRows(user_id)).toBe(0);
  const events = await eventsOf(user_id);
  expect(events.map(({ seq }) => seq)).toEqual(numbered(500).map(({ seq }) => seq));
  expect(new Set(events.map(({ n }) => n)).size).toBe(500);
});

test('a relay whose commit is lost after Redis took the rows delivers them once', async () => {
  await using redis = await startRedis();
  const { user_id } = await seedUser(database.db);
  const url = new URL(database.job_url);
  await using proxy = await startFaultProxy({ target_host: url.hostname, target_port: Number(url.port) });
  await write(user_id, 20);

  const context = createJobsContext(configFor(redis.url, { DATABASE_URL: proxy.url(database.job_url) }), log);
  onTestFinished(() => context.close());
  await vi.waitFor(() => expect(context.redis.queue.status).toBe('ready'));
  const doomed = new OutboxRelay({
    db: context.db,
    redis: context.redis.queue,
    queues: QUEUES,
    metrics: createRelayMetrics(new Registry(), context.db),
    log,
  });
  await context.db.ping();
  proxy.latency(50);
  const relaying = expect(doomed.relayBatch()).rejects.toThrow();
  // The rows are in Redis, and their deletion is on its way: now this relay loses Postgres.
  await vi.waitFor(async () => expect(await context.redis.queue.exists('{me.deliver}:me.deliver:wait')).toBe(1), {
    interval: 1,
    timeout: 5_000,
  });
  proxy.cut();
  await relaying;
  expect(await waitingRows(user_id)).toBe(20);

  await using _service = await startService(redis.url);
  await vi.waitFor(async () => expect(await waitingRows(user_id)).toBe(0), { timeout: 10_000 });
  await vi.waitFor(async () => expect(await eventsOf(user_id)).toHaveLength(20), { timeout: 10_000 });
  expect(new Set((await eventsOf(user_id)).map(({ n }) => n)).size).toBe(20);
});

test('rows of a topic that this version does not know, and rows for later, stay where they are', async () => {
  await using redis = await startRedis();
  const relay = await relayTo(redis);
  const { user_id } = await seedUser(database.db);
  await write(user_id, 2, { topic: 'from.the.future' });
  await write(user_id, 3, { delay: '1 hour' });
  await relay.relayBatch();
  expect(await waitingRows(user_id)).toBe(5);
});

test('a poisoned row is parked and those behind it are delivered', async () => {
  await using redis = await startRedis();
  const { user_id } = await seedUser(database.db);
  await write(user_id, 1, { payload: { user_id: 'nobody', type: '' } });
  await write(user_id, 3);
  await using service = await startService(redis.url);
  await vi.waitFor(async () => expect(await eventsOf(user_id)).toHaveLength(3), { timeout: 5_000 });
  await vi.waitFor(
    async () => {
      const metrics = await (await fetch(`${service.url}/metrics`)).text();
      expect(metrics).toMatch(/potentia_jobs\{queue="me.deliver",state="failed",service="jobs"\} 1/);
      expect(metrics).toMatch(/potentia_outbox_rows\{service="jobs"\} \d+/);
    },
    { timeout: 5_000 },
  );
});

test('while Redis is frozen a batch gives up in time and lets go of its rows; afterwards they are delivered once', async () => {
  await using redis = await startDurableRedis();
  const { user_id } = await seedUser(database.db);
  const relay = await relayTo(redis);
  await write(user_id, 10);
  redis.freeze();
  const started = performance.now();
  await expect(relay.relayBatch()).rejects.toThrow();
  expect(performance.now() - started).toBeLessThan(3_000);
  const free = await database.job_db.call('select id from app.outbox where user_id = $1 for update nowait', [user_id]);
  expect(free).toHaveLength(10);
  redis.thaw();
  await using _service = await startService(redis.url);
  await vi.waitFor(async () => expect(await waitingRows(user_id)).toBe(0), { timeout: 15_000 });
  await vi.waitFor(async () => expect(await eventsOf(user_id)).toHaveLength(10), { timeout: 15_000 });
});

test('rows written while Redis is dead wait in Postgres and go out when it is back', async () => {
  await using redis = await startDurableRedis();
  const { user_id } = await seedUser(database.db);
  await using service = await startService(redis.url);
  await write(user_id, 5);
  await vi.waitFor(async () => expect(await eventsOf(user_id)).toHaveLength(5), { timeout: 5_000 });
  await redis.kill();
  await write(user_id, 5);
  await vi.waitFor(async () => expect((await fetch(`${service.url}/ready`)).status).toBe(503), { timeout: 5_000 });
  expect(await waitingRows(user_id)).toBe(5);
  await redis.restart();
  await vi.waitFor(async () => expect(await eventsOf(user_id)).toHaveLength(10), { timeout: 15_000 });
  await vi.waitFor(async () => expect((await fetch(`${service.url}/ready`)).status).toBe(200), { timeout: 5_000 });
});
