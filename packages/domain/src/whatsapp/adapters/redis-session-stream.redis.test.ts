import { randomUUID } from 'node:crypto';
import { startRedis } from '@potentia/db/testing/redis';
import { afterAll, expect, test, vi } from 'vitest';
import { createRedis } from '../../platform/adapters/redis.ts';
import { STREAM_START, streamId } from '../session-stream.ts';
import { createRedisSessionStream } from './redis-session-stream.ts';

const server = await startRedis();
const redis = createRedis({ url: server.url, timeout_ms: 1_000, role: 'command' });
const stream = createRedisSessionStream({ redis, timeout_ms: 1_000 });
await vi.waitFor(() => redis.ping());
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

const event = (n: number) => ({ type: 'whatsapp.message', json: JSON.stringify({ n }) });

test('what is appended is read in its order, on from where a reader was, by each session for itself', async () => {
  const [session, other] = [randomUUID(), randomUUID()];
  expect(await stream.last(session)).toBe(STREAM_START);
  stream.append(session, [event(1), event(2)]);
  stream.append(other, [event(9)]);
  const first = await vi.waitFor(async () => {
    const events = await stream.read(session, STREAM_START);
    expect(events).toHaveLength(2);
    return events!;
  });
  expect(first.map(({ type, json }) => ({ type, json }))).toEqual([event(1), event(2)]);
  expect(await stream.last(session)).toBe(first[1]!.id);
  expect(await stream.read(session, first[0]!.id)).toEqual([first[1]]);
  expect(await stream.read(session, first[1]!.id)).toEqual([]);
  expect(streamId(first[1]!.id)).toBe(first[1]!.id);
  expect(await redis.ttl(`wa:stream:{${session}}`)).toBeGreaterThan(3_000);
});

test('an id that no stream has given out is none', () => {
  for (const text of [undefined, '', '+', '-', '$', '5', '1-', '1-1 +', `${'9'.repeat(16)}-1`])
    expect(streamId(text)).toBeUndefined();
});

test('without Redis nothing is appended, and reading says so', async () => {
  await using away = await startRedis();
  const client = createRedis({ url: away.url, timeout_ms: 200, role: 'command' });
  await vi.waitFor(() => client.ping());
  await away.kill();
  const stream_away = createRedisSessionStream({ redis: client, timeout_ms: 200 });
  const session = randomUUID();
  stream_away.append(session, [event(1)]);
  expect(await stream_away.read(session, STREAM_START)).toBeNull();
  expect(await stream_away.last(session)).toBeNull();
  client.disconnect();
});
