import { createLogger } from '@potentia/config/logger';
import { startRedis } from '@potentia/db/testing/redis';
import { createRedis } from '@potentia/domain/platform/adapters/redis';
import { expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { openQueue } from './open-queue.ts';
import type { QueueDefinition } from './define-queue.ts';
import { startSchedules } from './schedules.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const NAME = 'test.tick';
const hourly = (pattern = '0 * * * *'): Record<string, QueueDefinition> => ({
  [NAME]: {
    schema: z.strictObject({}),
    handle: () => Promise.resolve(),
    concurrency: 1,
    attempts: 1,
    backoff: { type: 'fixed', delay: 10 },
    pattern,
  },
});

async function setUp() {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const connect = () => {
    const redis = createRedis({ url: server.url, timeout_ms: 500, role: 'queue' });
    onTestFinished(() => redis.disconnect());
    return redis;
  };
  const redis = connect();
  const queue = openQueue(NAME, { redis, log });
  const schedules = () => queue.getJobSchedulers();
  return { server, connect, redis, queue, schedules };
}

test('a job with a pattern is scheduled once, however many processes start', async () => {
  const { connect, queue, schedules } = await setUp();
  for (let n = 0; n < 3; n++) startSchedules({ queues: hourly(), redis: connect(), log });
  await vi.waitFor(async () =>
    expect(await schedules()).toMatchObject([{ key: NAME, pattern: '0 * * * *', tz: 'UTC' }]),
  );
  await vi.waitFor(async () => expect(await queue.getDelayedCount()).toBe(1));
});

test('a new pattern takes the place of the old one', async () => {
  const { connect, queue, schedules } = await setUp();
  startSchedules({ queues: hourly(), redis: connect(), log });
  await vi.waitFor(async () => expect(await schedules()).toHaveLength(1));
  startSchedules({ queues: hourly('30 4 * * *'), redis: connect(), log });
  await vi.waitFor(async () => expect(await schedules()).toMatchObject([{ pattern: '30 4 * * *' }]));
  expect(await queue.getDelayedCount()).toBe(1);
});

test('a Redis that lost everything gets its schedules again', async () => {
  const { server, connect, schedules } = await setUp();
  startSchedules({ queues: hourly(), redis: connect(), log });
  await vi.waitFor(async () => expect(await schedules()).toHaveLength(1));
  await server.restart();
  await vi.waitFor(async () => expect(await schedules()).toHaveLength(1), { timeout: 5_000 });
});

test('a job without a pattern is not scheduled', async () => {
  const { connect, redis } = await setUp();
  const { [NAME]: definition } = hourly();
  const { pattern: _, ...unscheduled } = definition!;
  startSchedules({ queues: { [NAME]: unscheduled, 'test.other': definition! }, redis: connect(), log });
  const other = openQueue('test.other', { redis, log });
  await vi.waitFor(async () => expect(await other.getJobSchedulers()).toHaveLength(1));
  expect(await openQueue(NAME, { redis, log }).getJobSchedulers()).toEqual([]);
});
