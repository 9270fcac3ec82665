import { describe, expect, it } from 'vitest';
import { parseRetryAfter, RETRY_DELAYS_MS, retryDelay } from './schedule.ts';

const HOUR = 3_600_000;

describe('the schedule', () => {
  it('is that of the specification, ten attempts in all, the last three days later', () => {
    expect(RETRY_DELAYS_MS).toHaveLength(9);
    expect(retryDelay({ step: 1 }, RETRY_DELAYS_MS, 0)).toBe(5_000);
    expect(retryDelay({ step: 9 }, RETRY_DELAYS_MS, 0)).toBe(24 * HOUR);
    expect(retryDelay({ step: 10 }, RETRY_DELAYS_MS, 0)).toBeNull();
  });

  it('is jittered upwards', () => {
    expect(retryDelay({ step: 2 }, RETRY_DELAYS_MS, 1)).toBe(360_000);
  });

  it('is put off by what the endpoint asks for, never sooner, and for a day at most', () => {
    const delay = (retry_after_ms: number) => retryDelay({ step: 1, retry_after_ms }, RETRY_DELAYS_MS, 0);
    expect(delay(60_000)).toBe(60_000);
    expect(delay(0)).toBe(5_000);
    expect(delay(1e15)).toBe(24 * HOUR);
  });
});

it.each([
  ['120', 120_000],
  ['Sat, 21 Nov 2026 10:01:00 GMT', 60_000],
  ['Sat, 21 Nov 2026 09:00:00 GMT', 0],
  ['soon', undefined],
  [undefined, undefined],
  ['99999999999', undefined],
])('Retry-After %j', (value, ms) => {
  expect(parseRetryAfter(value, new Date('2026-11-21T10:00:00Z'))).toBe(ms);
});
