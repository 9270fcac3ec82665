import { createHash } from 'node:crypto';
import type { Logger } from '@potentia/config/logger';
import { Counter, Gauge, type Registry } from 'prom-client';
import { deadline, type RedisClient } from '../../platform/adapters/redis.ts';
import type { BusyCache, BusyQuestion, CachedWeek } from '../busy-cache.ts';

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
 * read in one go.
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
    read(questions) {
      if (!isWorthTrying()) return null;
      return ask(readSets(redis, questions));
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

async function readSets(redis: RedisClient, questions: readonly BusyQuestion[]): Promise<CachedWeek[][][]> {
  // Questions that come together are mostly about the same weeks, and often about the same people: those are read once.
  const windows = new Map<number, { first: number; last: number; people: Map<string, CachedWeek[]> }>();
  const windowOf = ({ first, last }: BusyQuestion): Map<string, CachedWeek[]> => {
    const key = first * 1_000 + last - first;
    const window = windows.get(key) ?? { first, last, people: new Map<string, CachedWeek[]>() };
    windows.set(key, window);
    return window.people;
  };
  for (const question of questions) {
    const people = windowOf(question);
    for (const user_id of question.user_ids) people.set(user_id, NONE);
  }
  await Promise.all(
    [...windows.values()].map(async ({ first, last, people }) => {
      const user_ids = [...people.keys()];
      const sets = await readWindow(redis, user_ids, first, last);
      user_ids.forEach((user_id, i) => people.set(user_id, parseWeeks(sets[i] ?? '')));
    }),
  );
  return questions.map((question) => {
    const people = windowOf(question);
    return question.user_ids.map((user_id) => people.get(user_id) ?? NONE);
  });
}

const NONE: CachedWeek[] = [];

/** Of each set its members as lines: one text for each person costs the driver a third of one for each week. */
const SCRIPT = `
local sets = {}
for i, key in ipairs(KEYS) do
  sets[i] = table.concat(redis.call('ZRANGEBYSCORE', key, ARGV[1], ARGV[2]), '\\n')
end
return sets
`;
const SCRIPT_SHA = createHash('sha1').update(SCRIPT).digest('hex');

async function readWindow(
  redis: RedisClient,
  user_ids: readonly string[],
  first: number,
  last: number,
): Promise<string[]> {
  // A script is for one node. A cluster client sends each command to the node that has the key.
  if (redis.isCluster)
    return Promise.all(user_ids.map(async (id) => (await redis.zrangebyscore(keyOf(id), first, last)).join('\n')));
  const args = [...user_ids.map(keyOf), first, last];
  try {
    return (await redis.evalsha(SCRIPT_SHA, user_ids.length, ...args)) as string[];
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return (await redis.eval(SCRIPT, user_ids.length, ...args)) as string[];
  }
}

/** Lines of `week:stamp:packed`, where only the stamp can hold a colon. What is no such line is passed over. */
function parseWeeks(lines: string): CachedWeek[] {
  const weeks: CachedWeek[] = [];
  for (let from = 0; from < lines.length;) {
    const line_end = lines.indexOf('\n', from);
    const to = line_end < 0 ? lines.length : line_end;
    const stamp_at = lines.indexOf(':', from) + 1;
    const packed_at = lines.lastIndexOf(':', to - 1) + 1;
    if (stamp_at > from && packed_at > stamp_at) {
      weeks.push({
        week: Number(lines.slice(from, stamp_at - 1)),
        stamp: lines.slice(stamp_at, packed_at - 1),
        packed: lines.slice(packed_at, to),
      });
    }
    from = to + 1;
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
