const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];

/** Milliseconds between attempts, by the Standard Webhooks specification; the first attempt is at once. */
export const RETRY_DELAYS_MS: readonly number[] = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];

/** The longest that an endpoint can ask us to wait. */
const MAX_RETRY_AFTER_MS = 24 * HOUR;
/** Each delay is longer by up to this share of it, so that what failed together does not come back together. */
const JITTER = 0.2;

/**
 * Milliseconds until the next attempt after `step` failed ones; null when that was the last. What the endpoint asked for
 * makes it later, never sooner. `random` is from 0 to 1.
 */
export function retryDelay(
  { step, retry_after_ms = 0 }: { step: number; retry_after_ms?: number | undefined },
  delays_ms: readonly number[],
  random: number,
): number | null {
  const delay = delays_ms[step - 1];
  if (delay === undefined) return null;
  return Math.round(Math.max(delay, Math.min(retry_after_ms, MAX_RETRY_AFTER_MS)) * (1 + JITTER * random));
}

/** Milliseconds of a `Retry-After` (RFC 9110 10.2.3), in seconds or as a date; undefined when it is neither. */
export function parseRetryAfter(value: string | undefined, now: Date): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * SECOND;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime());
}
