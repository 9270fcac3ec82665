import { createLogger } from '@potentia/config/logger';
import { startRedis, type TestRedis } from '@potentia/db/testing/redis';
import { createRedis } from '@potentia/domain/platform/adapters/redis';
import type { Ctx } from '@potentia/domain/platform/ctx';
import { AppError } from '@potentia/domain/platform/errors';
import type { OutboxJob } from '@potentia/domain/platform/outbox';
import { Queue } from 'bullmq';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { createJobMetrics, measureQueues } from './metrics.ts';
import { jobOptions, prefixOf, type QueueDefinition } from './define-queue.ts';
import { startWorkers, stopWorkers } from './workers.ts';

const log = createLogger({ service: 'test', level: 'silent' });
let server: TestRedis;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

type Handle = (ctx: Ctx, job: OutboxJob<{ n: number }>) => Promise<unknown>;

/** One queue with its worker, as the service runs it. */
async function setUp(handle: Handle, url = server.url) {
  const name = `test.${crypto.randomUUID()}`;
  const definition: QueueDefinition = {
    schema: z.strictObject({ n: z.number() }),
    handle,
    concurrency: 2,
    attempts: 3,
    backoff: { type: 'fixed', delay: 10 },
  };
  const [queue_redis, worker_redis] = (['queue', 'worker'] as const).map((role) =>
    createRedis({ url, timeout_ms: 50, role }),
  );
  const queue = new Queue(name, { connection: queue_redis!, prefix: prefixOf(name), skipVersionCheck: true });
  queue.on('error', () => undefined);
  const registry = new Registry();
  const workers = startWorkers({
    queues: { [name]: definition },
    redis: worker_redis!,
    ctx: {
      db: undefined as never,
      sealer: undefined as never,
      webhooks: undefined as never,
      reminders: undefined as never,
      instances: undefined as never,
      mailer: undefined as never,
      app_url: '',
      cache: undefined as never,
      person_db: undefined as never,
      markdown: undefined as never,
      ics: undefined as never,
      model: undefined as never,
      assess_metrics: undefined as never,
      run_eraser: undefined as never,
      run_events: undefined as never,
      usage_limits: undefined as never,
      embeddings: undefined as never,
      placements: undefined as never,
      worker: undefined as never,
      routes: undefined as never,
      turns: undefined as never,
      tool_metrics: undefined as never,
      prompt_tokens: 0,
      busy: undefined as never,
      limiter: undefined as never,
      partner_metrics: undefined as never,
      objects: undefined as never,
      file_limits: undefined as never,
      bus: { publish: () => undefined },
      log,
      actor: { type: 'system', reason: 'test' },
      clock: () => new Date(),
    },
    metrics: createJobMetrics(registry),
    log,
  });
  measureQueues(registry, queue_redis!, [name], log);
  onTestFinished(async () => {
    await stopWorkers(workers, 2_000);
    queue_redis!.disconnect();
    worker_redis!.disconnect();
  });
  await vi.waitFor(() => expect(queue_redis!.status).toBe('ready'));
  const add = (payload: unknown, outbox_id: string = crypto.randomUUID()) => {
    const data: OutboxJob = {
      outbox_id,
      payload,
      workspace_id: null,
      user_id: null,
      traceparent: null,
      request_id: 'request-1',
      created_at: new Date().toISOString(),
    };
    return queue.add(name, data, { ...jobOptions(definition), jobId: outbox_id });
  };
  return { name, queue, workers, registry, add, counts: () => queue.getJobCounts() };
}

describe('a job', () => {
  test('runs with its payload and the correlation id of its row', async () => {
    const seen: unknown[] = [];
    const { add, counts } = await setUp(async (ctx, job) => seen.push([ctx.request_id, job.payload]));
    await add({ n: 7 });
    await vi.waitFor(async () => expect(await counts()).toMatchObject({ completed: 1, failed: 0 }));
    expect(seen).toEqual([['request-1', { n: 7 }]]);
  });

  test('added twice under one id runs once', async () => {
    const handle = vi.fn<Handle>(() => Promise.resolve());
    const { add, counts } = await setUp(handle);
    await add({ n: 1 }, 'f7e1f3e0-0000-7000-8000-000000000001');
    await vi.waitFor(async () => expect(await counts()).toMatchObject({ completed: 1 }));
    await add({ n: 1 }, 'f7e1f3e0-0000-7000-8000-000000000001');
    await add({ n: 2 });
    await vi.waitFor(async () => expect(await counts()).toMatchObject({ completed: 2 }));
    expect(handle).toHaveBeenCalledTimes(2);
  });

  test('with a malformed payload is parked at once and the queue goes on', async () => {
    const handle = vi.fn<Handle>(() => Promise.resolve());
    const { add, counts, queue } = await setUp(handle);
    await add({ n: 'seven' });
    await add({ n: 1 });
    await vi.waitFor(async () => expect(await counts()).toMatchObject({ completed: 1, failed: 1 }));
    expect(handle).toHaveBeenCalledOnce();
    expect((await queue.getFailed())[0]).toMatchObject({
      attemptsMade: 1,
      failedReason: expect.stringContaining('malformed payload'),
    });
  });

  test('that fails is tried as often as the queue says, then parked, counted and kept', async () => {
    const handle = vi.fn<Handle>(() => Promise.reject(new Error('poison')));
    const { add, counts, registry, name } = await setUp(handle);
    await add({ n: 1 });
    await vi.waitFor(async () => expect(await counts()).toMatchObject({ failed: 1, delayed: 0, active: 0 }));
    expect(handle).toHaveBeenCalledTimes(3);
    const metrics = await registry.metrics();
    expect(metrics).toContain(`potentia_jobs{queue="${name}",state="failed"} 1`);
    expect(metrics).toContain(`potentia_job_duration_seconds_count{queue="${name}",outcome="retry"} 2`);
    expect(metrics).toContain(`potentia_job_duration_seconds_count{queue="${name}",outcome="dead"} 1`);
  });

  test.each(['invalid', 'forbidden', 'conflict'] as const)(
    'refused as %s is parked without another attempt',
    async (kind) => {
      const handle = vi.fn<Handle>(() => Promise.reject(new AppError(kind, 'test.refused', 'no')));
      const { add, counts, queue } = await setUp(handle);
      await add({ n: 1 });
      await vi.waitFor(async () => expect(await counts()).toMatchObject({ failed: 1 }));
      expect(handle).toHaveBeenCalledOnce();
      expect((await queue.getFailed())[0]?.failedReason).toBe('test.refused: no');
    },
  );

  test('whose target is gone is dropped', async () => {
    const handle = vi.fn<Handle>(() => Promise.reject(new AppError('not_found', 'user.not_found', 'gone')));
    const { add, counts } = await setUp(handle);
    await add({ n: 1 });
    await vi.waitFor(async () => expect(await counts()).toMatchObject({ completed: 1, failed: 0 }));
    expect(handle).toHaveBeenCalledOnce();
  });

  test('waits out an outage of any length without using up its attempts', async () => {
    let calls = 0;
    const { add, counts } = await setUp(() => {
      calls += 1;
      return calls <= 6
        ? Promise.reject(new AppError('unavailable', 'platform.database_unavailable', 'away', { retry_after_ms: 10 }))
        : Promise.resolve();
    });
    await add({ n: 1 });
    await vi.waitFor(async () => expect(await counts()).toMatchObject({ completed: 1, failed: 0 }), {
      timeout: 10_000,
    });
    expect(calls).toBe(7);
  });
});

describe('stopping', () => {
  test('lets running jobs finish and leaves the rest', async () => {
    let release = () => {};
    const started: number[] = [];
    const finished: number[] = [];
    const { add, workers, counts } = await setUp(async (_, { payload: { n } }) => {
      started.push(n);
      await new Promise<void>((resolve) => (release = resolve));
      finished.push(n);
    });
    await add({ n: 1 });
    await vi.waitFor(() => expect(started).toEqual([1]));
    const stopping = stopWorkers(workers, 5_000);
    let stopped = false;
    void stopping.then(() => (stopped = true));
    await vi.waitFor(() => expect(workers[0]!.closing).toBeDefined());
    expect(stopped).toBe(false);
    release();
    await stopping;
    expect(finished).toEqual([1]);
    await add({ n: 2 });
    expect(await counts()).toMatchObject({ completed: 1, waiting: 1, active: 0 });
  });

  test('takes no longer than its patience, even while Redis is frozen', async () => {
    await using own = await startRedis();
    const { workers } = await setUp(() => Promise.resolve(), own.url);
    own.freeze();
    const started = performance.now();
    await stopWorkers(workers, 300);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

test.each([
  ['killed and restarted', (own: TestRedis) => own.restart()],
  [
    'frozen until a command gave up',
    async (own: TestRedis, command: () => Promise<unknown>) => {
      own.freeze();
      await expect(command()).rejects.toThrow();
      own.thaw();
    },
  ],
])('workers go on after Redis was %s', async (_how, harm) => {
  await using own = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'everysec'] });
  const done = new Set<number>();
  const { add, counts } = await setUp(async (_, { payload }) => done.add(payload.n), own.url);
  await add({ n: 1 });
  await vi.waitFor(() => expect(done).toContain(1));
  await harm(own, counts);
  await vi.waitFor(() => add({ n: 2 }), { timeout: 5_000 });
  await vi.waitFor(() => expect(done).toContain(2), { timeout: 10_000 });
});
