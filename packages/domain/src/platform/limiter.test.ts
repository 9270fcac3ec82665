import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gcra, type Limit, rateOf, taken } from './limiter.ts';

/** Runs calls through GCRA as a limiter does, on a clock that only the test moves. */
function run(limit: Limit, calls: { wait_us: number; cost: number }[]) {
  let now_us = 1_700_000_000_000_000;
  let tat_us = 0;
  return calls.map(({ wait_us, cost }) => {
    now_us += wait_us;
    const rate = rateOf(limit, cost);
    const decision = gcra(tat_us, now_us, rate);
    tat_us = decision.tat_us;
    return { now_us, cost, rate, tat_us, ...taken(decision.allowed, tat_us - now_us, rate, 'local') };
  });
}

const limits = fc.record({
  limit: fc.integer({ min: 1, max: 1_000 }),
  window_ms: fc.integer({ min: 1, max: 60_000 }),
  burst: fc.integer({ min: 1, max: 100 }),
});
const calls = fc.array(
  fc.record({
    wait_us: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1_000 }), fc.integer({ min: 0, max: 60_000_000 })),
    cost: fc.integer({ min: 1, max: 100 }),
  }),
  { maxLength: 200 },
);

describe('GCRA', () => {
  test('decides as a bucket that leaks one unit per interval does', () => {
    fc.assert(
      fc.property(limits, calls, (limit, list) => {
        let level_us = 0;
        let last_us: number | undefined;
        for (const { now_us, rate, allowed, remaining } of run(limit, list)) {
          level_us = Math.max(0, level_us - (now_us - (last_us ?? now_us)));
          last_us = now_us;
          const fits = level_us + rate.cost_us <= rate.tolerance_us;
          expect(allowed).toBe(fits);
          if (fits) level_us += rate.cost_us;
          expect(remaining).toBe(Math.floor((rate.tolerance_us - level_us) / rate.interval_us));
        }
      }),
    );
  });

  test('never lets more through in any stretch of time than the burst and what flows in meanwhile', () => {
    fc.assert(
      fc.property(limits, calls, (limit, list) => {
        const passed = run(limit, list).filter((call) => call.allowed);
        for (let i = 0; i < passed.length; i += 7) {
          let spent_us = 0;
          for (const call of passed.slice(i)) {
            spent_us += call.rate.cost_us;
            expect(spent_us).toBeLessThanOrEqual(call.rate.tolerance_us + call.now_us - passed[i]!.now_us);
          }
        }
      }),
    );
  });

  test('a refused call passes after retry_after_ms, and not a millisecond earlier than that', () => {
    fc.assert(
      fc.property(limits, calls, (limit, list) => {
        for (const call of run(limit, list).filter(({ allowed }) => !allowed)) {
          const after = (ms: number) => gcra(call.tat_us, call.now_us + ms * 1_000, call.rate).allowed;
          expect(after(call.retry_after_ms)).toBe(true);
          expect(after(call.retry_after_ms - 1)).toBe(false);
        }
      }),
    );
  });

  test('a cost above the burst takes the whole burst instead of never passing', () => {
    const [first, second] = run({ limit: 10, window_ms: 1_000 }, [
      { wait_us: 0, cost: 500 },
      { wait_us: 0, cost: 1 },
    ]);
    expect(first).toMatchObject({ allowed: true, limit: 10, remaining: 0, reset_ms: 1_000, retry_after_ms: 0 });
    expect(second).toMatchObject({ allowed: false, retry_after_ms: 100 });
  });

  test('a key whose time lies far ahead, by a clock that jumped, is full at worst', () => {
    const rate = rateOf({ limit: 10, window_ms: 1_000 }, 1);
    const now_us = 1_000_000;
    expect(gcra(now_us + 3_600_000_000, now_us, rate)).toEqual({ allowed: false, tat_us: now_us + 1_000_000 });
  });

  test('an impossible limit is a mistake of the caller', () => {
    expect(() => rateOf({ limit: 0, window_ms: 1_000 }, 1)).toThrow(RangeError);
    expect(() => rateOf({ limit: 1, window_ms: 0 }, 1)).toThrow(RangeError);
    expect(() => rateOf({ limit: 1, window_ms: 1, burst: 0 }, 1)).toThrow(RangeError);
    expect(() => rateOf({ limit: 1, window_ms: 1 }, Number.NaN)).toThrow(RangeError);
  });
});
