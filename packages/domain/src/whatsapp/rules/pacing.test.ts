import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  burstOf,
  coldBudget,
  coldHold,
  FRESH_PACE,
  nextUtcDay,
  paceWait,
  returnPace,
  takePace,
  type Pace,
} from './pacing.ts';

const DAY_MS = 86_400_000;
const perMinute = fc.integer({ min: 1, max: 2_000 });

/** Times (ms) at which messages go that are asked for after these pauses, each as soon as it may. */
function play(pauses: readonly number[], per_minute: number): number[] {
  let pace: Pace = FRESH_PACE;
  let now = 0;
  return pauses.map((pause) => {
    now += pause;
    now += paceWait(pace, now, per_minute);
    expect(paceWait(pace, now, per_minute)).toBeCloseTo(0, 3);
    pace = takePace(pace, now, per_minute);
    return now;
  });
}

test('in no span of time more go than a burst and what the rate allows in it', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 90_000 }), { maxLength: 80 }), perMinute, (pauses, per_minute) => {
      const times = play(pauses, per_minute);
      for (let first = 0; first < times.length; first++)
        for (let last = first; last < times.length; last++) {
          const span_ms = (times[last] ?? 0) - (times[first] ?? 0);
          const allowed = burstOf(per_minute) + (span_ms * per_minute) / 60_000;
          expect(last - first + 1).toBeLessThanOrEqual(allowed + 1e-6);
        }
    }),
    { numRuns: 60 },
  );
});

test('nobody waits longer than an interval for each message before them', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), perMinute, (count, per_minute) => {
      const times = play(
        Array.from({ length: count }, () => 0),
        per_minute,
      );
      expect(times.at(-1)).toBeCloseTo((Math.max(0, count - burstOf(per_minute)) * 60_000) / per_minute, 3);
    }),
  );
});

test('what is given back can be taken again', () => {
  fc.assert(
    fc.property(perMinute, fc.integer({ min: 0, max: 1e9 }), (per_minute, now) => {
      const pace = takePace(now, now, per_minute);
      expect(returnPace(takePace(pace, now, per_minute), per_minute)).toBeCloseTo(pace, 3);
    }),
  );
});

const linked = new Date('2026-03-01T10:00:00Z');
const after = (days: number): Date => new Date(linked.getTime() + days * DAY_MS);

test('the budget of new conversations grows by days since linking, and is never above what is allowed in a day', () => {
  const rules = { cold_per_day: 40, warm_up_days: 7, linked_at: linked };
  expect([0, 1, 3, 6, 7, 400].map((days) => coldBudget(rules, after(days)))).toEqual([5, 10, 20, 35, 40, 40]);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: 90 }), (cold_per_day, warm_up_days) => {
      const budgets = Array.from({ length: 100 }, (_, day) =>
        coldBudget({ cold_per_day, warm_up_days, linked_at: linked }, after(day)),
      );
      expect(budgets).toEqual([...budgets].sort((a, b) => a - b));
      expect(budgets.at(-1)).toBe(cold_per_day);
      expect(budgets[0]).toBeGreaterThanOrEqual(Math.min(1, cold_per_day));
    }),
  );
});

test('a session whose day of linking is not known is as new as can be', () => {
  expect(coldBudget({ cold_per_day: 40, warm_up_days: 7, linked_at: null }, after(300))).toBe(5);
});

const state = { cold_per_day: 2, warm_up_days: 0, linked_at: linked, cold_sent: 2, restricted_until: null };
const new_one = { is_new: true, is_counted: false };

test('when the budget is used, a new conversation waits for the next UTC day; one that was begun goes on', () => {
  const now = new Date('2026-12-31T23:59:00Z');
  const held = { reason: 'cold_budget', until: new Date('2027-01-01T00:00:00Z') };
  expect(coldHold(new_one, state, now)).toEqual(held);
  expect(nextUtcDay(now)).toEqual(held.until);
  expect(coldHold({ is_new: false, is_counted: false }, state, now)).toBeNull();
  expect(coldHold({ is_new: true, is_counted: true }, state, now)).toBeNull();
  expect(coldHold(new_one, { ...state, cold_sent: 1 }, now)).toBeNull();
});

test('while WhatsApp restricts the account, nothing new goes, whatever the budget; what is warm goes', () => {
  const restricted = { ...state, cold_sent: 0, restricted_until: after(2) };
  expect(coldHold({ is_new: true, is_counted: true }, restricted, after(1))).toEqual({
    reason: 'restricted',
    until: after(2),
  });
  expect(coldHold({ is_new: false, is_counted: false }, restricted, after(1))).toBeNull();
  expect(coldHold(new_one, restricted, after(2))).toBeNull();
});
