import { seriesBounds } from './expand.ts';
import type { Series, Window } from './series.ts';

const DAY_MS = 86_400_000;
const STEP_MS = 7 * DAY_MS;
/** Instances are there for so long before and after now, at least. */
const BEHIND_MS = 90 * DAY_MS;
const AHEAD_MS = 400 * DAY_MS;
/** Clocks of processes differ by less. */
const CLOCK_MS = 3_600_000;

/**
 * The window of the instances of a recurring schedule: from 90 to 97 days ago until in 400 to 407 days. It moves by seven days once
 * a week, at a time that its id decides, so that each hour has its share of all schedules. `id`: a UUID whose end is random.
 */
export function instanceWindow(id: string, now: number): Window {
  const phase_ms = parseInt(id.slice(-8), 16) % STEP_MS;
  const from = Math.floor((now - BEHIND_MS - phase_ms) / STEP_MS) * STEP_MS + phase_ms;
  return { from, to: from + BEHIND_MS + AHEAD_MS + STEP_MS };
}

/** Windows that began then or earlier are to be moved: those of every process that looks at the clock are later by now. */
export const horizonDue = (now: number): number => now - BEHIND_MS - STEP_MS - CLOCK_MS;

/**
 * What of a recurring series is open for reading when all of `window` is written. Of one that ends within it, everything that follows; of
 * one that ended before it, nothing: then there are no instances, and never will be. ISO 8601, or ±infinity.
 */
export function openWindow(series: Series, window: Window): { from: string; until: string } {
  const last_at = boundsOf(series)?.last_at ?? Infinity;
  return {
    from: last_at <= window.from ? 'infinity' : new Date(window.from).toISOString(),
    until: last_at <= window.to ? 'infinity' : new Date(window.to).toISOString(),
  };
}

/** As `seriesBounds`; null: there is no occurrence at all. */
export function boundsOf(series: Series): { first_at: number; last_at: number | null } | null {
  try {
    return seriesBounds(series);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
