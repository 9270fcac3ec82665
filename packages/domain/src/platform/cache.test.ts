import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adaptiveTtl } from './cache.ts';

const bounds = { min_ms: 5_000, max_ms: 300_000 };
const MINUTE = 60_000;

describe('how long a value is kept', () => {
  it('is a tenth of the time that it has stood still', () => {
    expect(adaptiveTtl(20 * MINUTE, bounds, 0)).toBe(2 * MINUTE);
  });

  it('stays within its bounds, less a fifth at most for the jitter', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (age_ms, random) => {
        const ttl_ms = adaptiveTtl(age_ms, bounds, random);
        expect(ttl_ms).toBeGreaterThanOrEqual(bounds.min_ms * 0.8);
        expect(ttl_ms).toBeLessThanOrEqual(bounds.max_ms);
      }),
    );
  });

  it('differs between entries that were written together', () => {
    expect(adaptiveTtl(MINUTE, bounds, 0.9)).toBeLessThan(adaptiveTtl(MINUTE, bounds, 0.1));
  });
});
