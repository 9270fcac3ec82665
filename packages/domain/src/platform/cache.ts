/** What is read from the cache: one value of one tenant. */
export interface CacheEntry<T> {
  /** Usually the tenant. What is cached under it is forgotten together. */
  namespace: string;
  key: string;
  /** Reads the source. The value must survive JSON. */
  load(): Promise<T>;
  /** When the value last changed: what has been still for long is kept for longer. Without it, the shortest time. */
  changed_at?: (value: T) => string | null;
}

/** Copies of what Postgres knows, shared by all replicas. Never the truth: it may be gone or away at any time. */
export interface Cache {
  /**
   * The value, from Redis or from its source; callers at once share one look-up. While Redis is away this process keeps a
   * few values for itself. Throws only what `load` throws.
   */
  read<T>(entry: CacheEntry<T>): Promise<T>;
  /**
   * Makes everything under a namespace stale, here and on all replicas. False when Redis could not be told: then others
   * may go on for as long as an entry lives, so whoever must be sure tries again (topic `cache.invalidate`).
   */
  invalidate(namespace: string): Promise<boolean>;
}

export interface TtlBounds {
  min_ms: number;
  max_ms: number;
}

/** Share of the time that a value has stood still for which it is taken to stand still again (RFC 9111 4.2.2). */
const STILLNESS = 0.1;
/** Entries that were written together must not end together. */
const JITTER = 0.2;

/** How long a value that is `age_ms` old is kept, in milliseconds. `random` is from 0 to 1. */
export function adaptiveTtl(age_ms: number, { min_ms, max_ms }: TtlBounds, random: number): number {
  const ttl_ms = Math.min(Math.max(age_ms * STILLNESS, min_ms), max_ms);
  return Math.round(ttl_ms * (1 - JITTER * random));
}
