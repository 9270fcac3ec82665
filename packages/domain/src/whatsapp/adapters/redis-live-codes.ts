import { z } from 'zod';
import { deadline, type RedisClient } from '../../platform/adapters/redis.ts';
import type { LiveCode, LiveCodeKind, LiveCodes } from '../live-codes.ts';

const liveCode = z.object({ text: z.string(), serial: z.int(), expires_at: z.string() });

const keyOf = (kind: LiveCodeKind, session_id: string): string => `wa:${kind}:${session_id}`;

/** Over a `command` connection. */
export function createRedisLiveCodes(options: {
  redis: RedisClient;
  /** How long one call may wait for Redis. */
  timeout_ms: number;
  clock?: () => number;
}): LiveCodes {
  const { redis, timeout_ms, clock = Date.now } = options;
  return {
    async put(kind, session_id, code) {
      const left_ms = Date.parse(code.expires_at) - clock();
      if (left_ms < 1) return;
      await deadline(redis.set(keyOf(kind, session_id), JSON.stringify(code), 'PX', Math.ceil(left_ms)), timeout_ms);
    },
    async read(kind, session_id) {
      const text = await deadline(redis.get(keyOf(kind, session_id)), timeout_ms);
      return text === null ? null : (liveCode.parse(JSON.parse(text)) satisfies LiveCode);
    },
    async forget(session_id) {
      try {
        // Each is a slot of its own, so that a cluster takes the commands.
        const kinds: LiveCodeKind[] = ['qr', 'pairing'];
        await deadline(Promise.all(kinds.map((kind) => redis.del(keyOf(kind, session_id)))), timeout_ms);
        return true;
      } catch {
        return false;
      }
    },
  };
}
