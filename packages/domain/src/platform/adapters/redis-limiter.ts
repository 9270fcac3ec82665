import { createHash } from 'node:crypto';
import type { Logger } from '@potentia/config/logger';
import { LRUCache } from 'lru-cache';
import { Counter, Gauge, type Registry } from 'prom-client';
import { gcra, type Limiter, type Rate, rateOf, type Taken, taken } from '../limiter.ts';
import { deadline, type RedisClient } from './redis.ts';

/** `gcra` of `platform/limiter.ts` on Redis's own clock, the only one that all replicas share. Times are microseconds. */
const SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local tolerance, cost = tonumber(ARGV[1]), tonumber(ARGV[2])
local from = tonumber(redis.call('GET', KEYS[1]) or 0)
if from < now then from = now end
if from > now + tolerance then
  -- Written back: a refusal writes nothing, so the next call would find the old time and be refused like this one.
  from = now + tolerance
  redis.call('SET', KEYS[1], string.format('%.0f', from), 'PX', math.ceil(tolerance / 1000))
end
local ahead = from - now + cost
if ahead > tolerance then return {0, from - now} end
if cost > 0 then redis.call('SET', KEYS[1], string.format('%.0f', from + cost), 'PX', math.ceil(ahead / 1000)) end
return {1, ahead}
`;
const SCRIPT_SHA = createHash('sha1').update(SCRIPT).digest('hex');

/** How long the process decides alone after Redis failed once; then one call tries Redis again. */
const LOCAL_FOR_US = 1_000_000;
const MAX_DENIED_KEYS = 10_000;
const MAX_LOCAL_KEYS = 50_000;

export interface RedisLimiterSettings {
  /** A `command` connection. */
  redis: RedisClient;
  /** How long one call may wait for Redis. */
  timeout_ms: number;
  registry: Registry;
  log: Logger;
}

/**
 * Exact over any number of replicas while Redis answers. When it is late or away, this process alone counts, with the
 * whole limit to itself, until Redis is back. A refusal is remembered here until it could change: a key's time only grows,
 * so what it refuses now, Redis would refuse too.
 */
export function createRedisLimiter({ redis, timeout_ms, registry, log }: RedisLimiterSettings): Limiter {
  const decisions = new Counter({
    name: 'potentia_limiter_decisions_total',
    help: 'Rate limit decisions by who made them',
    labelNames: ['source', 'outcome'],
    registers: [registry],
  });
  const fallback = new Gauge({
    name: 'potentia_limiter_fallback',
    help: '1 while rate limits are counted by this process alone because Redis does not answer',
    registers: [registry],
  });
  const denied = new LRUCache<string, number>({ max: MAX_DENIED_KEYS });
  const local = new LRUCache<string, number>({ max: MAX_LOCAL_KEYS });
  let away = false;
  let local_until_us = 0;

  const decide = async (key: string, rate: Rate): Promise<Taken> => {
    const now_us = nowUs();
    const denied_tat_us = denied.get(key);
    if (denied_tat_us !== undefined) {
      if (!gcra(denied_tat_us, now_us, rate).allowed) return taken(false, denied_tat_us - now_us, rate, 'deny_cache');
      denied.delete(key);
    }
    if (now_us < local_until_us) return takeLocally(key, rate);
    // While this one call tries Redis, the others stay local.
    if (away) local_until_us = now_us + LOCAL_FOR_US;
    try {
      const { allowed, ahead_us } = await deadline(runScript(redis, key, rate), timeout_ms);
      if (away) log.info('rate limits are shared again');
      away = false;
      local_until_us = 0;
      fallback.set(0);
      // Counted from before the call, so that it is never later than what Redis holds.
      if (!allowed) denied.set(key, now_us + ahead_us);
      return taken(allowed, ahead_us, rate, 'redis');
    } catch (error) {
      if (!away) log.warn({ err: error }, 'rate limits are local: redis does not answer');
      away = true;
      local_until_us = nowUs() + LOCAL_FOR_US;
      fallback.set(1);
      return takeLocally(key, rate);
    }
  };

  const takeLocally = (key: string, rate: Rate): Taken => {
    const now_us = nowUs();
    const { allowed, tat_us } = gcra(local.get(key) ?? 0, now_us, rate);
    local.set(key, tat_us);
    return taken(allowed, tat_us - now_us, rate, 'local');
  };

  return {
    async take(key, limit, cost = 1) {
      const decision = await decide(key, rateOf(limit, cost));
      decisions.inc({ source: decision.source, outcome: decision.allowed ? 'allowed' : 'refused' });
      return decision;
    },
  };
}

/** A monotonic clock: the local counts survive a change of the wall clock. */
const nowUs = (): number => Math.floor(performance.now() * 1_000);

async function runScript(redis: RedisClient, key: string, rate: Rate): Promise<{ allowed: boolean; ahead_us: number }> {
  // Braces would be a hash tag: every key with the same `{canvas_id}` of a route pattern would land on one shard.
  const args = [`limit:${key.replaceAll(/[{}]/g, '_')}`, rate.tolerance_us, rate.cost_us] as const;
  let reply: unknown;
  try {
    reply = await redis.evalsha(SCRIPT_SHA, 1, ...args);
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    reply = await redis.eval(SCRIPT, 1, ...args);
  }
  const [allowed, ahead_us] = reply as [number, number];
  return { allowed: allowed === 1, ahead_us };
}
