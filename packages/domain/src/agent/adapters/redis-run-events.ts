import { deadline, type RedisClient } from '../../platform/adapters/redis.ts';
import type { RunEvents } from '../run-events.ts';
import { isLast, type LoggedEvent } from '../run-log.ts';

/** Seconds that a run's events can be read. */
const KEPT_S = 3_600;
/** Entries; each holds what a run told within some milliseconds. */
const PAGE = 200;
/** Commands without an answer; what comes on top is lost, and readers see the gap. */
const MAX_IN_FLIGHT = 5_000;
const LATE_MS = 200;

/** Where the events of a run are. */
export const keyOf = (run_id: string): string => `agent:{${run_id}}`;

/** A stream per run, over a `command` connection. */
export function createRedisRunEvents({ redis, timeout_ms }: { redis: RedisClient; timeout_ms: number }): RunEvents {
  let in_flight = 0;

  const send = (commands: Promise<unknown>): void => {
    in_flight += 1;
    deadline(commands, LATE_MS)
      .catch(() => undefined)
      .finally(() => (in_flight -= 1));
  };

  return {
    append(run_id, events) {
      if (redis.status !== 'ready' || in_flight >= MAX_IN_FLIGHT) return;
      const key = keyOf(run_id);
      // Only the beginning makes a stream: one that was erased meanwhile is not to come back, and no end is of use by itself.
      const begins = events.some(({ type }) => type === 'run');
      const entry = ['*', 'e', JSON.stringify(events)] as const;
      send(begins ? redis.xadd(key, ...entry) : redis.xadd(key, 'NOMKSTREAM', ...entry));
      // Once at the beginning, should it never end, and once more when it has.
      if (begins || events.some(isLast)) send(redis.expire(key, KEPT_S));
    },

    async read(run_id, cursor) {
      try {
        const from = cursor === '0' ? '-' : `(${cursor}`;
        const entries = await deadline(redis.xrange(keyOf(run_id), from, '+', 'COUNT', PAGE), timeout_ms);
        return { events: entries.flatMap(([, fields]) => toEvents(fields)), cursor: entries.at(-1)?.[0] ?? cursor };
      } catch {
        return null;
      }
    },
  };
}

const toEvents = ([, json = '[]']: string[]): LoggedEvent[] => JSON.parse(json) as LoggedEvent[];
