import { createLogger } from '@potentia/config/logger';
import { startRedis, type TestRedis } from '@potentia/db/testing/redis';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createRedis } from './redis.ts';
import { createRedisCache } from './redis-cache.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const ttl = { min_ms: 60_000, max_ms: 600_000 };
let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

/** A cache as one replica has it, connected. */
async function replica(url = redis.url, bounds = ttl) {
  const timeout_ms = 300;
  const registry = new Registry();
  const client = createRedis({ url, timeout_ms, role: 'command' });
  onTestFinished(() => client.disconnect());
  await vi.waitFor(() => expect(client.status).toBe('ready'));
  const cache = createRedisCache({ redis: client, timeout_ms, ttl: bounds, registry, log });
  const reads = async () => {
    const { values } = await registry.getSingleMetric('potentia_cache_reads_total')!.get();
    return Object.fromEntries(values.map(({ labels, value }) => [labels['outcome'], value]));
  };
  return { cache, client, reads };
}

/** A tenant's row in its source, which counts how often it is read. */
function source(namespace: string = crypto.randomUUID()) {
  const row = { namespace, value: { n: 1 }, loads: 0 };
  const entry = {
    namespace,
    key: 'row',
    load: async () => {
      row.loads += 1;
      return { ...row.value };
    },
  };
  return { row, entry };
}

describe('while Redis answers', () => {
  test('what one replica has read, the others have', async () => {
    const [a, b] = [await replica(), await replica()];
    const { row, entry } = source();
    expect(await a.cache.read(entry)).toEqual({ n: 1 });
    expect(await b.cache.read(entry)).toEqual({ n: 1 });
    expect(row.loads).toBe(1);
    expect(await a.reads()).toEqual({ miss: 1 });
    expect(await b.reads()).toEqual({ hit: 1 });
  });

  test('a hundred readers at once are one load', async () => {
    const { cache } = await replica();
    const { row, entry } = source();
    const values = await Promise.all(Array.from({ length: 100 }, () => cache.read(entry)));
    expect(values).toEqual(Array(100).fill({ n: 1 }));
    expect(row.loads).toBe(1);
  });

  test('an invalidated namespace is read anew by every replica, and no other namespace is', async () => {
    const [a, b] = [await replica(), await replica()];
    const [changed, other] = [source(), source()];
    for (const { entry } of [changed, other]) await a.cache.read(entry);
    changed.row.value = other.row.value = { n: 2 };
    expect(await a.cache.invalidate(changed.entry.namespace)).toBe(true);
    expect(await b.cache.read(changed.entry)).toEqual({ n: 2 });
    expect(await b.cache.read(other.entry)).toEqual({ n: 1 });
    expect(await b.reads()).toEqual({ stale: 1, hit: 1 });
  });

  test('a load that began before the invalidation leaves nothing behind', async () => {
    const { cache } = await replica();
    const { row, entry } = source();
    const started = Promise.withResolvers<true>();
    const go_on = Promise.withResolvers<true>();
    const slow = cache.read({
      ...entry,
      load: async () => {
        const before = { ...row.value };
        started.resolve(true);
        await go_on.promise;
        return before;
      },
    });
    await started.promise;
    row.value = { n: 2 };
    await cache.invalidate(entry.namespace);
    const after = cache.read(entry);
    go_on.resolve(true);
    expect(await slow).toEqual({ n: 1 });
    expect(await after).toEqual({ n: 2 });
    expect(await cache.read(entry)).toEqual({ n: 2 });
  });

  test('an entry lives for a tenth of the time that its value has stood still', async () => {
    const { cache, client } = await replica();
    const { entry } = source('still');
    const an_hour_ago = new Date(Date.now() - 3_600_000).toISOString();
    await cache.read({ ...entry, changed_at: () => an_hour_ago });
    const left_ms = await client.pttl('cache:{still}:row');
    expect(left_ms).toBeGreaterThan(280_000);
    expect(left_ms).toBeLessThanOrEqual(360_000);
  });

  test('an entry ends by itself', async () => {
    const { cache } = await replica(redis.url, { min_ms: 20, max_ms: 20 });
    const { row, entry } = source();
    await cache.read(entry);
    await vi.waitFor(async () => {
      await cache.read(entry);
      expect(row.loads).toBe(2);
    });
  });

  test('an entry that cannot be read is none', async () => {
    const { cache, client } = await replica();
    const { row, entry } = source();
    await client.set(`cache:{${entry.namespace}}:row`, '{broken');
    expect(await cache.read(entry)).toEqual({ n: 1 });
    expect(await cache.read(entry)).toEqual({ n: 1 });
    expect(row.loads).toBe(1);
  });

  test('an error of the source reaches every reader and is not kept', async () => {
    const { cache } = await replica();
    const { entry } = source();
    const broken = { ...entry, load: () => Promise.reject(new Error('the source is away')) };
    const readers = await Promise.allSettled([cache.read(broken), cache.read(broken)]);
    expect(readers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await cache.read(entry)).toEqual({ n: 1 });
  });
});

describe('while Redis is away', () => {
  test.each([
    ['killed', (server: TestRedis) => server.kill()],
    ['frozen', async (server: TestRedis) => server.freeze()],
  ])('%s: the process keeps a few values for itself, and readers hardly wait', async (_how, take_away) => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const { cache, reads } = await replica(server.url);
    const { row, entry } = source();
    await cache.read(entry);
    await take_away(server);
    for (let n = 0; n < 5; n++) expect(await cache.read(entry)).toEqual({ n: 1 });
    expect(row.loads).toBe(2);
    expect(await reads()).toEqual({ miss: 1, bypass: 1, local: 4 });
  });

  test('an invalidation says that the others were not told, and holds for this process', async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const { cache } = await replica(server.url);
    const { row, entry } = source();
    await cache.read(entry);
    await server.kill();
    await cache.read(entry);
    row.value = { n: 2 };
    expect(await cache.invalidate(entry.namespace)).toBe(false);
    expect(await cache.read(entry)).toEqual({ n: 2 });
  });

  test('when it is back, values are shared again', async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const { cache, reads } = await replica(server.url);
    const { entry } = source();
    await server.kill();
    await cache.read(entry);
    await server.restart();
    await vi.waitFor(
      async () => {
        await cache.read(entry);
        expect((await reads())['hit']).toBeGreaterThanOrEqual(1);
      },
      { timeout: 5_000 },
    );
  });
});
