import { deadline, type RedisClient } from '../../platform/adapters/redis.ts';
import type { RunEraser } from '../run-eraser.ts';
import { keyOf } from './redis-run-events.ts';

/** Over a `command` connection. Each key is a slot of its own, so that a cluster takes the commands. */
export function createRedisRunEraser({ redis, timeout_ms }: { redis: RedisClient; timeout_ms: number }): RunEraser {
  return {
    async erase(run_ids) {
      if (run_ids.length === 0) return true;
      try {
        await deadline(Promise.all(run_ids.map((run_id) => redis.del(keyOf(run_id)))), timeout_ms);
        return true;
      } catch {
        return false;
      }
    },
  };
}
