import { createLogger } from '@potentia/config/logger';
import { startRedis, type TestRedis } from '@potentia/db/testing/redis';
import { Registry } from 'prom-client';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createRedis, pingRedis } from '../../platform/adapters/redis.ts';
import { createRedisBusyCache } from './redis-busy-cache.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const week = (number: number, stamp: string, packed = 'AAAAAAAB') => ({ week: number, stamp, packed });

async function replica(server: TestRedis, timeout_ms = 1_000) {
  const registry = new Registry();
  const redis = createRedis({ url: server.url, timeout_ms, role: 'command' });
  onTestFinished(() => redis.disconnect());
  await pingRedis(redis, 5_000);
  const away = async () => (await registry.getSingleMetric('potentia_freebusy_redis_away')!.get()).values[0]?.value;
  return { ...createRedisBusyCache({ redis, timeout_ms, registry, log }), redis, away };
}

test('weeks come back in their order, each person and window its own, and new ones take the place of old ones', async () => {
  await using server = await startRedis();
  const { read, write } = await replica(server);
  // Before 1970 too.
  await write([
    { user_id: 'a', weeks: [week(-2, '1.a.UTC'), week(-1, '1.a.UTC', ''), week(0, '1.a.UTC')] },
    { user_id: 'b', weeks: [week(0, '2.b.Etc/GMT+5')] },
  ]);
  expect(
    await read([
      { user_ids: ['b', 'nobody', 'a'], first: -1, last: 0 },
      { user_ids: ['a'], first: -2, last: -1 },
    ]),
  ).toEqual([
    [[week(0, '2.b.Etc/GMT+5')], [], [week(-1, '1.a.UTC', ''), week(0, '1.a.UTC')]],
    [[week(-2, '1.a.UTC'), week(-1, '1.a.UTC', '')]],
  ]);
  await write([{ user_id: 'a', weeks: [week(-1, '2.a.UTC'), week(0, '2.a.UTC')] }]);
  expect(await read([{ user_ids: ['a'], first: -5, last: 5 }])).toEqual([
    [[week(-2, '1.a.UTC'), week(-1, '2.a.UTC'), week(0, '2.a.UTC')]],
  ]);
});

test('a week too large to be worth keeping is not kept', async () => {
  await using server = await startRedis();
  const { read, write } = await replica(server);
  await write([{ user_id: 'a', weeks: [week(1, 's', 'x'.repeat(100_000))] }]);
  expect(await read([{ user_ids: ['a'], first: 1, last: 1 }])).toEqual([[[]]]);
});

test('a script that Redis forgot is loaded again', async () => {
  await using server = await startRedis();
  const { read, write, redis } = await replica(server);
  await write([{ user_id: 'a', weeks: [week(1, 's')] }]);
  for (let round = 0; round < 2; round++) {
    expect(await read([{ user_ids: ['a'], first: 1, last: 1 }])).toEqual([[[week(1, 's')]]]);
    await redis.script('FLUSH');
  }
});

type Outage = [how: string, begin: (server: TestRedis) => unknown, end: (server: TestRedis) => unknown];
const outages: Outage[] = [
  ['killed', (server) => server.kill(), (server) => server.restart()],
  ['frozen', ({ freeze }) => freeze(), ({ thaw }) => thaw()],
];

test.each(outages)(
  'while Redis is %s it is asked once a second, and it finds back by itself',
  async (_how, stop, start) => {
    await using server = await startRedis();
    const { read, write, away } = await replica(server, 50);
    const question = [{ user_ids: ['a'], first: 1, last: 1 }];
    await stop(server);
    const began = performance.now();
    expect(await read(question)).toBeNull();
    for (let n = 0; n < 100; n++) expect(read(question)).toBeNull();
    await write([{ user_id: 'a', weeks: [week(1, 's')] }]);
    expect(performance.now() - began).toBeLessThan(500);
    expect(await away()).toBe(1);
    await start(server);
    await vi.waitFor(async () => expect(await read(question)).toEqual([[[]]]), { timeout: 8_000, interval: 50 });
    expect(await away()).toBe(0);
  },
);
