import { randomUUID } from 'node:crypto';
import type { Logger } from '@potentia/config/logger';
import { LRUCache } from 'lru-cache';
import { Counter, type Registry } from 'prom-client';
import { adaptiveTtl, type Cache, type CacheEntry, type TtlBounds } from '../cache.ts';
import { deadline, type RedisClient } from './redis.ts';

const DEFAULT_TTL: TtlBounds = { min_ms: 5_000, max_ms: 300_000 };
/** How long this process keeps to itself after Redis failed once; then one look-up tries it again. */
const LOCAL_FOR_MS = 1_000;
/** Values of its own that a process keeps while Redis is away, and for how long. */
const MAX_LOCAL = 1_000;
const LOCAL_TTL_MS = 5_000;
/** Characters of JSON; a larger value costs more to carry than to read. */
const MAX_VALUE = 262_144;

export interface RedisCacheSettings {
  /** A `command` connection. */
  redis: RedisClient;
  /** How long one call may wait for Redis. */
  timeout_ms: number;
  ttl?: TtlBounds;
  registry: Registry;
  log: Logger;
}

/**
 * Each namespace has a version in Redis, a random word, and each entry the version under which its load began: an entry of
 * another version does not count. So one write forgets a whole namespace, and a load that was under way meanwhile stores
 * nothing that anybody reads. A version outlives every entry written before it.
 */
export function createRedisCache({ redis, timeout_ms, ttl = DEFAULT_TTL, registry, log }: RedisCacheSettings): Cache {
  const metrics = createMetrics(registry);
  const flights = new Map<string, Promise<unknown>>();
  const local = new LRUCache<string, { value: unknown }>({ max: MAX_LOCAL, ttl: LOCAL_TTL_MS });
  let away = false;
  let local_until = 0;
  let invalidations = 0;

  /** Undefined when Redis does not answer. A command that `must` be tried is, whatever became of the last one. */
  const ask = async <T>(command: () => Promise<T>, must = false): Promise<T | undefined> => {
    if (away && !must && performance.now() < local_until) return undefined;
    // While this one call tries Redis, the others keep to themselves.
    local_until = performance.now() + LOCAL_FOR_MS;
    try {
      const answer = await deadline(command(), timeout_ms);
      if (away) log.info('the cache is shared again');
      away = false;
      return answer;
    } catch (error) {
      if (!away) log.warn({ err: error }, 'the cache is local: redis does not answer');
      away = true;
      local_until = performance.now() + LOCAL_FOR_MS;
      return undefined;
    }
  };

  const readShared = async <T>(entry: CacheEntry<T>): Promise<T> => {
    const keys = [versionKey(entry.namespace), entryKey(entry.namespace, entry.key)];
    const found = await ask(() => redis.mget(keys));
    if (!found) return readLocal(entry);
    const version = found[0] ?? '';
    const cached = readEntry(found[1], version);
    if (typeof cached === 'object') {
      metrics.reads.inc({ outcome: 'hit' });
      return cached.value as T;
    }
    metrics.reads.inc({ outcome: cached });
    const value = await entry.load();
    await store(entry, version, value);
    return value;
  };

  const readLocal = async <T>(entry: CacheEntry<T>): Promise<T> => {
    const key = localKey(entry);
    const kept = local.get(key);
    metrics.reads.inc({ outcome: kept ? 'local' : 'bypass' });
    if (kept) return kept.value as T;
    const began = invalidations;
    const value = await entry.load();
    if (began === invalidations) local.set(key, { value });
    return value;
  };

  const store = async <T>({ namespace, key, changed_at }: CacheEntry<T>, version: string, value: T): Promise<void> => {
    const text = JSON.stringify([version, value]);
    if (text.length > MAX_VALUE) return;
    const since = changed_at?.(value) ?? null;
    const age_ms = since === null ? 0 : Date.now() - Date.parse(since);
    await ask(() => redis.set(entryKey(namespace, key), text, 'PX', adaptiveTtl(age_ms, ttl, Math.random())));
  };

  return {
    read<T>(entry: CacheEntry<T>): Promise<T> {
      const key = localKey(entry);
      const known = flights.get(key);
      if (known) return known as Promise<T>;
      const flight = readShared(entry).finally(() => {
        if (flights.get(key) === flight) flights.delete(key);
      });
      flights.set(key, flight);
      return flight;
    },

    async invalidate(namespace) {
      invalidations += 1;
      // Who asks from now on must not be given what was under way before.
      for (const keys of [flights, local]) {
        for (const key of keys.keys()) if (key.startsWith(localKey({ namespace, key: '' }))) keys.delete(key);
      }
      const told = await ask(() => redis.set(versionKey(namespace), randomUUID(), 'PX', 2 * ttl.max_ms), true);
      metrics.invalidations.inc({ outcome: told === undefined ? 'failed' : 'done' });
      return told !== undefined;
    },
  };
}

const localKey = ({ namespace, key }: { namespace: string; key: string }): string => `${namespace}\n${key}`;

/** The braces are a hash tag: a namespace is on one shard, where one MGET reads its version and an entry. */
const versionKey = (namespace: string): string => `cache:{${namespace}}`;
const entryKey = (namespace: string, key: string): string => `cache:{${namespace}}:${key}`;

function readEntry(text: string | null | undefined, version: string): { value: unknown } | 'miss' | 'stale' {
  if (text === null || text === undefined) return 'miss';
  try {
    const [of_version, value] = JSON.parse(text) as [string, unknown];
    return of_version === version ? { value } : 'stale';
  } catch {
    return 'miss';
  }
}

function createMetrics(registry: Registry) {
  return {
    reads: new Counter({
      name: 'potentia_cache_reads_total',
      help: 'Reads through the cache: found (hit), not there (miss), invalidated (stale), and without Redis from this process (local) or its source (bypass)',
      labelNames: ['outcome'],
      registers: [registry],
    }),
    invalidations: new Counter({
      name: 'potentia_cache_invalidations_total',
      help: 'Namespaces of the cache that were made stale, or could not be',
      labelNames: ['outcome'],
      registers: [registry],
    }),
  };
}
