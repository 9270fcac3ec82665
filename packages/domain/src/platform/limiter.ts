/** At most `limit` per `window_ms`, and at most `burst` (default: `limit`) at once after a quiet time. */
export interface Limit {
  limit: number;
  window_ms: number;
  burst?: number;
}

export interface Taken {
  allowed: boolean;
  /** The most that can be taken at once: what `remaining` counts down from. */
  limit: number;
  /** What could be taken right now. */
  remaining: number;
  /** Milliseconds until everything is available again. */
  reset_ms: number;
  /** Milliseconds until the same call would be allowed; 0 when it was. */
  retry_after_ms: number;
  /** Who decided: Redis for all replicas, this process while Redis is away, or an earlier refusal that still stands. */
  source: 'redis' | 'local' | 'deny_cache';
}

/** Rate limits shared by all replicas. */
export interface Limiter {
  /**
   * Takes `cost` from what `key` has left; a refused call takes nothing. A cost above the burst takes the whole burst, so
   * that it passes now and then rather than never. Never throws: without Redis the process decides by itself.
   */
  take(key: string, limit: Limit, cost?: number): Promise<Taken>;
}

/** A limit in the integer microseconds that the algorithm counts in, so that no rounding lets one call too many through. */
export interface Rate {
  interval_us: number;
  tolerance_us: number;
  cost_us: number;
  capacity: number;
}

/** Throws RangeError for a limit that is not positive. */
export function rateOf({ limit, window_ms, burst = limit }: Limit, cost: number): Rate {
  if (!(limit > 0 && window_ms > 0 && burst >= 1 && cost >= 0)) {
    throw new RangeError(`impossible limit: ${limit} per ${window_ms} ms, burst ${burst}, cost ${cost}`);
  }
  const capacity = Math.floor(burst);
  const interval_us = Math.ceil((window_ms * 1_000) / limit);
  return {
    interval_us,
    tolerance_us: interval_us * capacity,
    cost_us: interval_us * Math.min(cost, capacity),
    capacity,
  };
}

/**
 * GCRA, the generic cell rate algorithm (ITU-T I.371), the same as the Lua script runs in Redis. The whole state of a key
 * is one time, `tat_us`: when it will be full again. Clamped to the tolerance, so that a clock that was ahead, or a limit
 * that was longer, locks nobody out.
 */
export function gcra(tat_us: number, now_us: number, rate: Rate): { allowed: boolean; tat_us: number } {
  const from = Math.min(Math.max(tat_us, now_us), now_us + rate.tolerance_us);
  const next = from + rate.cost_us;
  return next - now_us <= rate.tolerance_us ? { allowed: true, tat_us: next } : { allowed: false, tat_us: from };
}

/** Says in the caller's terms what GCRA decided; `ahead_us` is how far the key's time is ahead of now. */
export function taken(allowed: boolean, ahead_us: number, rate: Rate, source: Taken['source']): Taken {
  return {
    allowed,
    limit: rate.capacity,
    remaining: Math.max(0, Math.floor((rate.tolerance_us - ahead_us) / rate.interval_us)),
    reset_ms: Math.ceil(ahead_us / 1_000),
    retry_after_ms: allowed ? 0 : Math.ceil((ahead_us + rate.cost_us - rate.tolerance_us) / 1_000),
    source,
  };
}
