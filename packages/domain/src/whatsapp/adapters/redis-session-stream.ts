import { deadline, type RedisClient } from '../../platform/adapters/redis.ts';
import type { SessionEvent, SessionStream } from '../session-stream.ts';

/** Seconds that events can be read after the last of them. */
const KEPT_S = 3_600;
/** Events that a session keeps, about. */
const KEPT = 500;
/** Events of one answer. */
const PAGE = 100;
/** Commands without an answer; what comes on top is lost. */
const MAX_IN_FLIGHT = 2_000;
const LATE_MS = 500;

const keyOf = (session_id: string): string => `wa:stream:{${session_id}}`;

/** A Redis stream per session, over a `command` connection. */
export function createRedisSessionStream(options: {
  redis: RedisClient;
  /** How long one call may wait for Redis. */
  timeout_ms: number;
}): SessionStream {
  const { redis, timeout_ms } = options;
  let in_flight = 0;

  const send = (command: Promise<unknown>): void => {
    in_flight += 1;
    deadline(command, LATE_MS)
      .catch(() => undefined)
      .finally(() => (in_flight -= 1));
  };

  return {
    append(session_id, events) {
      if (redis.status !== 'ready') return;
      const key = keyOf(session_id);
      for (const { type, json } of events) {
        if (in_flight >= MAX_IN_FLIGHT) return;
        send(redis.xadd(key, 'MAXLEN', '~', KEPT, '*', 't', type, 'e', json));
      }
      if (events.length > 0) send(redis.expire(key, KEPT_S));
    },
    async read(session_id, after) {
      try {
        const entries = await deadline(redis.xrange(keyOf(session_id), `(${after}`, '+', 'COUNT', PAGE), timeout_ms);
        return entries.map(([id, fields]) => ({ id, ...toEvent(fields) }));
      } catch {
        return null;
      }
    },
    async last(session_id) {
      try {
        const [newest] = await deadline(redis.xrevrange(keyOf(session_id), '+', '-', 'COUNT', 1), timeout_ms);
        return newest?.[0] ?? '0-0';
      } catch {
        return null;
      }
    },
  };
}

const toEvent = ([, type = '', , json = '{}']: string[]): SessionEvent => ({ type, json });
