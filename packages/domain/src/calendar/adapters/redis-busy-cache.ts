import type { Logger } from '@potentia/config/logger';
import { Counter, Gauge, type Registry } from 'prom-client';
import { deadline, type RedisClient } from '../../platform/adapters/redis.ts';
import type { BusyCache, CachedWeek } from '../busy-cache.ts';

/** How long this process does without Redis after it failed once; then one look-up tries it again. */
const AWAY_MS = 1_000;
/** Weeks of one person; the oldest go first. */
const MAX_WEEKS = 80;
/** Characters of one week; whoever has more is read from Postgres. */
const MAX_PACKED = 65_536;
/** Whether a copy is right its stamp says; this only keeps Redis free of people whom nobody asks about. */
const TTL_MS = 6 * 3_600_000;
/** Copies that were made together do not end together. */
const JITTER = 0.2;

export interface RedisBusyCacheSettings {
  /** A `command` connection. */
  redis: RedisClient;
  /** How long one call may wait for Redis. */
  timeout_ms: number;
  registry: Registry;
  log: Logger;
}

/**
 * A sorted set for each person, `fb:{user_id}`: a member for each week, `week:stamp:packed`, with the week as its score. All are
 * read by one pipeline; on a cluster each shard by its own.
 */
export function createRedisBusyCache({ redis, timeout_ms, registry, log }: RedisBusyCacheSettings): BusyCache {
  let away = false;
  let away_until = 0;
  const reads = new Counter({
    name: 'potentia_freebusy_weeks_total',
    help: "Weeks of people's free/busy: in Redis (hit), not there (miss), there and no longer right (stale), read without Redis (bypass)",
    labelNames: ['outcome'],
    registers: [registry],
  });
  new Gauge({
    name: 'potentia_freebusy_redis_away',
    help: '1 while free/busy is read from Postgres alone, because Redis does not answer',
    registers: [registry],
    collect() {
      this.set(away ? 1 : 0);
    },
  });

  const ask = async <T>(answer: Promise<T>): Promise<T | null> => {
    try {
      const answered = await deadline(answer, timeout_ms);
      if (away) log.info('free/busy is kept in redis again');
      away = false;
      return answered;
    } catch (error) {
      if (!away) log.warn({ err: error }, 'free/busy is read from Postgres alone: redis does not answer');
      away = true;
      away_until = performance.now() + AWAY_MS;
      return null;
    }
  };

  /** Whether Redis is to be tried. While one call tries one that was away, the others do without. */
  const isWorthTrying = (): boolean => {
    if (!away) return true;
    if (performance.now() < away_until) return false;
    away_until = performance.now() + AWAY_MS;
    return true;
  };

  return {
    read(user_ids, first, last) {
      if (!isWorthTrying()) return null;
      return ask(readSets(redis, user_ids, first, last));
    },

    async write(people) {
      if (!isWorthTrying()) return;
      const kept = people.filter(
        ({ weeks }) => weeks.length > 0 && weeks.every(({ packed }) => packed.length <= MAX_PACKED),
      );
      if (kept.length > 0) await ask(Promise.all(kept.map(({ user_id, weeks }) => writeSet(redis, user_id, weeks))));
    },

    count: (outcome, weeks) => reads.inc({ outcome }, weeks),
  };
}

/** The braces are a hash tag, so that what else is kept of a person can stand beside it. */
const keyOf = (user_id: string): string => `fb:{${user_id}}`;

async function readSets(
  redis: RedisClient,
  user_ids: readonly string[],
  first: number,
  last: number,
): Promise<CachedWeek[][]> {
  // A pipeline is for one node. A cluster client sends what is asked in one turn to the nodes that have it.
  if (redis.isCluster) {
    return Promise.all(user_ids.map(async (id) => parseWeeks(await redis.zrangebyscore(keyOf(id), first, last))));
  }
  const pipeline = redis.pipeline();
  for (const id of user_ids) pipeline.zrangebyscore(keyOf(id), first, last);
  const results = await pipeline.exec();
  return (results ?? []).map(([error, members]) => {
    if (error) throw error;
    return parseWeeks(members as string[]);
  });
}

function parseWeeks(members: readonly string[]): CachedWeek[] {
  const weeks: CachedWeek[] = [];
  for (const member of members) {
    const stamp_at = member.indexOf(':') + 1;
    const packed_at = member.lastIndexOf(':') + 1;
    if (packed_at <= stamp_at) continue;
    weeks.push({
      week: Number(member.slice(0, stamp_at - 1)),
      stamp: member.slice(stamp_at, packed_at - 1),
      packed: member.slice(packed_at),
    });
  }
  return weeks;
}

function writeSet(redis: RedisClient, user_id: string, weeks: readonly CachedWeek[]): Promise<unknown> {
  const key = keyOf(user_id);
  const numbers = weeks.map(({ week }) => week);
  const members = weeks.flatMap(({ week, stamp, packed }) => [week, `${week}:${stamp}:${packed}`]);
  // Two who write at once may leave two members of one week: each has its stamp, and the next write clears them away.
  return redis
    .multi()
    .zremrangebyscore(key, Math.min(...numbers), Math.max(...numbers))
    .zadd(key, ...members)
    .zremrangebyrank(key, 0, -MAX_WEEKS - 1)
    .pexpire(key, Math.round(TTL_MS * (1 - JITTER * Math.random())))
    .exec();
}
