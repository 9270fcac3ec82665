import { z } from 'zod';
import { deadline, type RedisClient } from '../../platform/adapters/redis.ts';
import type { RouteCache } from '../session-route.ts';

const route = z.object({ session_id: z.string(), worker_id: z.string(), url: z.string(), generation: z.int() });

/** Milliseconds; a route that nobody corrects is found wrong by the worker, which refuses its generation. */
const KEPT_MS = 600_000;

const keyOf = (session_id: string): string => `wa:route:${session_id}`;

/** Keeps the later of two decisions, whichever comes last. */
const PUT = `
local known = redis.call('get', KEYS[1])
if known and cjson.decode(known).generation > tonumber(ARGV[2]) then return 0 end
redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 1`;

/** Over a `command` connection. */
export function createRedisSessionRoutes({
  redis,
  timeout_ms,
}: {
  redis: RedisClient;
  timeout_ms: number;
}): RouteCache {
  const quietly = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await deadline(work(), timeout_ms);
    } catch {
      // Redis is away: Postgres is asked instead.
    }
  };
  return {
    async read(session_id) {
      try {
        const text = await deadline(redis.get(keyOf(session_id)), timeout_ms);
        return text === null ? null : route.parse(JSON.parse(text));
      } catch {
        return null;
      }
    },
    put: (known) =>
      quietly(() =>
        redis.eval(PUT, 1, keyOf(known.session_id), JSON.stringify(known), String(known.generation), String(KEPT_MS)),
      ),
    forget: (session_id) => quietly(() => redis.del(keyOf(session_id))),
  };
}
