import { z } from 'zod';
import { deadline, type RedisClient } from '../../platform/adapters/redis.ts';
import type { QrPages } from '../qr-pages.ts';

const qrPage = z.object({ session_id: z.string(), user_id: z.string() });

const keyOf = (token_hash: string): string => `wa:page:${token_hash}`;

/** Over a `command` connection. */
export function createRedisQrPages({ redis, timeout_ms }: { redis: RedisClient; timeout_ms: number }): QrPages {
  return {
    async put(token_hash, page, life_ms) {
      await deadline(redis.set(keyOf(token_hash), JSON.stringify(page), 'PX', life_ms), timeout_ms);
    },
    async read(token_hash) {
      const text = await deadline(redis.get(keyOf(token_hash)), timeout_ms);
      return text === null ? null : qrPage.parse(JSON.parse(text));
    },
  };
}
