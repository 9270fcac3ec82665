import { randomUUID } from 'node:crypto';
import { startRedis } from '@potentia/db/testing/redis';
import { afterAll, expect, test, vi } from 'vitest';
import { createRedis } from '../../platform/adapters/redis.ts';
import { createRedisLiveCodes } from './redis-live-codes.ts';

const server = await startRedis();
const redis = createRedis({ url: server.url, timeout_ms: 1_000, role: 'command' });
const codes = createRedisLiveCodes({ redis, timeout_ms: 1_000 });
await vi.waitFor(() => redis.ping());
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

const code = (text: string, serial: number, life_ms = 60_000) => ({
  text,
  serial,
  expires_at: new Date(Date.now() + life_ms).toISOString(),
});

test('a code is read until it is replaced or forgotten, and each session and kind has its own', async () => {
  const [session, other] = [randomUUID(), randomUUID()];
  const [first, second, pairing] = [code('first', 1), code('second', 2), code('ABCD1234', 1)];
  await codes.put('qr', session, first);
  expect(await codes.read('qr', session)).toEqual(first);
  await codes.put('qr', session, second);
  await codes.put('pairing', session, pairing);
  await codes.put('qr', other, first);
  expect(await codes.read('qr', session)).toEqual(second);
  expect(await codes.read('pairing', session)).toEqual(pairing);
  expect(await codes.read('pairing', other)).toBeNull();
  expect(await codes.forget(session)).toBe(true);
  expect(await codes.read('qr', session)).toBeNull();
  expect(await codes.read('pairing', session)).toBeNull();
  expect(await codes.read('qr', other)).toEqual(first);
});

test('a code is gone with its life, and one that has expired is not kept at all', async () => {
  const session = randomUUID();
  await codes.put('qr', session, code('short', 1, 40));
  expect(await redis.pttl(`wa:qr:${session}`)).toBeLessThanOrEqual(40);
  await vi.waitFor(async () => expect(await codes.read('qr', session)).toBeNull());
  await codes.put('qr', session, code('late', 2, -1));
  expect(await codes.read('qr', session)).toBeNull();
});

test('without Redis a code is neither put nor read, and forgetting says so', async () => {
  await using away = await startRedis();
  const client = createRedis({ url: away.url, timeout_ms: 200, role: 'command' });
  await vi.waitFor(() => client.ping());
  await away.kill();
  const codes_away = createRedisLiveCodes({ redis: client, timeout_ms: 200 });
  await expect(codes_away.put('qr', randomUUID(), code('x', 1))).rejects.toThrow();
  await expect(codes_away.read('qr', randomUUID())).rejects.toThrow();
  expect(await codes_away.forget(randomUUID())).toBe(false);
  client.disconnect();
});
