import { createLogger } from '@potentia/config/logger';
import { startRedis, type TestRedis } from '@potentia/db/testing/redis';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createRedis } from './redis.ts';
import { createRedisLimiter } from './redis-limiter.ts';

const log = createLogger({ service: 'test', level: 'silent' });
let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

/** A limiter as one replica has it, connected. */
async function replica(url = redis.url, timeout_ms = 1_000) {
  const registry = new Registry();
  const client = createRedis({ url, timeout_ms, role: 'command' });
  onTestFinished(() => client.disconnect());
  await vi.waitFor(() => expect(client.status).toBe('ready'));
  const limiter = createRedisLimiter({ redis: client, timeout_ms, registry, log });
  const metric = async (name: string) => (await registry.getSingleMetric(name)!.get()).values;
  return { ...limiter, client, metric };
}

const ten = { limit: 10, window_ms: 60_000 };
const timed = async <T>(call: Promise<T>) => {
  const started = performance.now();
  return { result: await call, ms: performance.now() - started };
};

describe('while Redis answers', () => {
  test('30 calls at once over two replicas: exactly the 10 of the limit pass', async () => {
    const replicas = [await replica(), await replica()];
    const all = await Promise.all(
      Array.from({ length: 30 }, (_, i) => replicas[i % 2]!.take('a|127.0.0.1|GET|/{x}', ten)),
    );
    const passed = all.filter(({ allowed }) => allowed);
    expect(passed.map(({ remaining }) => remaining).sort((a, b) => b - a)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    for (const refused of all.filter(({ allowed }) => !allowed)) {
      expect(refused).toMatchObject({ limit: 10, remaining: 0 });
      expect(refused.retry_after_ms).toBeGreaterThan(0);
      expect(refused.retry_after_ms).toBeLessThanOrEqual(6_000);
    }
  });

  test('one interval later, one more passes', async () => {
    const { take } = await replica();
    const limit = { limit: 10, window_ms: 1_000, burst: 2 };
    await take('b', limit, 2);
    const refused = await take('b', limit);
    expect(refused).toMatchObject({ allowed: false, limit: 2 });
    await vi.waitFor(async () => expect((await take('b', limit)).allowed).toBe(true), { interval: 10 });
    expect((await take('b', limit)).allowed).toBe(false);
  });

  test('a limit that is replaced by one of a shorter window locks nobody out', async () => {
    const [before, after] = [await replica(), await replica()];
    await before.take('replaced', { limit: 1, window_ms: 60_000 });
    const short = { limit: 10, window_ms: 1_000 };
    expect((await after.take('replaced', short)).retry_after_ms).toBeLessThanOrEqual(100);
    await vi.waitFor(async () => expect((await after.take('replaced', short)).allowed).toBe(true), { interval: 10 });
  });

  test('a refusal is remembered and answered without Redis, on the replica that saw it', async () => {
    const { take, metric } = await replica();
    await take('c', ten, 10);
    expect((await take('c', ten)).source).toBe('redis');
    const again = await take('c', ten);
    expect(again).toMatchObject({ allowed: false, source: 'deny_cache', remaining: 0 });
    expect(await metric('potentia_limiter_decisions_total')).toContainEqual({
      labels: { source: 'deny_cache', outcome: 'refused' },
      value: 1,
    });
  });

  test('a refused dear call does not refuse a cheap one that fits', async () => {
    const { take } = await replica();
    await take('d', ten, 6);
    expect((await take('d', ten, 5)).allowed).toBe(false);
    expect(await take('d', ten, 4)).toMatchObject({ allowed: true, remaining: 0, source: 'redis' });
  });

  test('keys do not see each other and leave Redis when they are full again', async () => {
    const { take, client } = await replica();
    await take('e', { limit: 10, window_ms: 500 }, 10);
    expect((await take('f', { limit: 10, window_ms: 500 }, 10)).allowed).toBe(true);
    await vi.waitFor(async () => expect(await client.exists('limit:e', 'limit:f')).toBe(0));
  });

  test('a script that Redis forgot is loaded again', async () => {
    const { take, client } = await replica();
    await take('g', ten);
    await client.script('FLUSH');
    expect(await take('g', ten)).toMatchObject({ remaining: 8, source: 'redis' });
  });
});

type Outage = [how: string, begin: (server: TestRedis) => unknown, end: (server: TestRedis) => unknown];
const outages: Outage[] = [
  ['killed', (server) => server.kill(), (server) => server.restart()],
  ['frozen', ({ freeze }) => freeze(), ({ thaw }) => thaw()],
];

describe.each(outages)('while Redis is %s', (_how, stop, start) => {
  test('one wait of 50 ms, then the process counts alone, and it finds back by itself', async () => {
    await using server = await startRedis();
    const { take, metric } = await replica(server.url, 50);
    await take('k', ten);
    await stop(server);

    const first = await timed(take('k', ten));
    expect(first.result).toMatchObject({ allowed: true, source: 'local' });
    // The wait, and what a busy machine adds.
    expect(first.ms).toBeLessThan(100);
    const next = await timed(Promise.all(Array.from({ length: 20 }, () => take('k', ten))));
    expect(next.ms).toBeLessThan(45);
    expect(next.result.filter(({ allowed }) => allowed)).toHaveLength(9);
    expect(await metric('potentia_limiter_fallback')).toMatchObject([{ value: 1 }]);

    await start(server);
    await vi.waitFor(async () => expect((await take(crypto.randomUUID(), ten)).source).toBe('redis'), {
      timeout: 5_000,
      interval: 50,
    });
    expect(await metric('potentia_limiter_fallback')).toMatchObject([{ value: 0 }]);
  });

  test('after the first second, one call at a time waits for Redis and the others do not', async () => {
    await using server = await startRedis();
    const { take } = await replica(server.url, 50);
    await stop(server);
    await take('l', ten);
    let waits = 0;
    const until = performance.now() + 1_500;
    while (performance.now() < until) {
      const { ms, result } = await timed(Promise.all(Array.from({ length: 10 }, () => timed(take('l', ten)))));
      waits += result.filter((call) => call.ms > 30).length;
      expect(ms).toBeLessThan(120);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(waits).toBeLessThanOrEqual(2);
  });
});
