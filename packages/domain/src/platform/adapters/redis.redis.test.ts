import { once } from 'node:events';
import { startRedis } from '@potentia/db/testing/redis';
import { expect, test } from 'vitest';
import { createRedis, pingRedis } from './redis.ts';

test('a health check tells that Redis is not connected, in words that are not about settings', async () => {
  await using server = await startRedis();
  const client = createRedis({ url: server.url, timeout_ms: 1_000, role: 'command' });
  try {
    await pingRedis(client, 1_000);
    const gone = once(client, 'close');
    await server.kill();
    await gone;
    await expect(pingRedis(client, 100)).rejects.toMatchObject({ code: 'not_connected' });
    await server.restart();
    await expect.poll(() => pingRedis(client, 100).then(() => 'answers', String), { timeout: 5_000 }).toBe('answers');
  } finally {
    client.disconnect();
  }
});
