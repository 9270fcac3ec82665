import { DAY_MS } from './civil.ts';
import { DaySets } from './day-sets.ts';
import { HOURLY, MINUTELY, type RuleFields } from './rule-fields.ts';
import { type Output, type Scan, spend } from './scan-output.ts';
import { pickPositions, timesWithin } from './time-sets.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** HOURLY, MINUTELY and SECONDLY: a period is as long as the unit, and one that does not match leaps to where the next may. */
export function scanTimes({ rule, start, from, to, budget }: Scan, output: Output): void {
  const { freq, interval, bysetpos } = rule;
  const unit = freq === HOURLY ? HOUR_MS : freq === MINUTELY ? MINUTE_MS : 1_000;
  const step = unit * interval;
  const origin = Math.floor(start / unit) * unit;
  const within = timesWithin(rule, start);
  const picked = bysetpos.length > 0 ? pickPositions(bysetpos, within.length) : null;
  const times = picked ? picked.map((at) => within[at] as number) : within;
  if (times.length === 0) return;
  const matches = new TimeLimits(rule, Math.floor(start / DAY_MS));
  const target = from > start ? origin + Math.floor((from - origin) / step) * step : origin;
  let period = rule.count === null ? target : origin;
  while (period < to) {
    spend(budget, 1);
    const next = matches.next(period);
    if (next !== period) {
      period = origin + Math.ceil((next - origin) / step) * step;
      continue;
    }
    if (period > origin && period + unit <= from) {
      // Wholly before what is wanted: counted, not made.
      if (!output.skip(times.length)) return;
    } else {
      spend(budget, times.length);
      for (const time of times) if (!output.put(period + time)) return;
    }
    period += step;
    if (matches.has_all && period < target) {
      if (!output.skip(((target - period) / step) * times.length)) return;
      period = target;
    }
  }
}

/** What limits the periods of a rule that recurs within the day: its days, BYHOUR, BYMINUTE and BYSECOND. */
class TimeLimits {
  /** Nothing does. */
  readonly has_all: boolean;
  private readonly sets: DaySets;
  private readonly hours: readonly number[];
  private readonly minutes: readonly number[];
  private readonly seconds: readonly number[];

  constructor(rule: RuleFields, first_day: number) {
    this.sets = new DaySets(rule, first_day);
    this.hours = rule.byhour;
    this.minutes = rule.freq > HOURLY ? rule.byminute : [];
    this.seconds = rule.freq > MINUTELY ? rule.bysecond : [];
    this.has_all = this.sets.has_all && this.hours.length + this.minutes.length + this.seconds.length === 0;
  }

  /** The period itself when it matches; otherwise a time after it before which none does. */
  next(period: number): number {
    if (this.has_all) return period;
    const day = Math.floor(period / DAY_MS);
    if (!this.sets.has_all && !this.sets.has(day)) return this.sets.leap(day) * DAY_MS;
    return (
      leap(period, DAY_MS, HOUR_MS, this.hours) ??
      leap(period, HOUR_MS, MINUTE_MS, this.minutes) ??
      leap(period, MINUTE_MS, 1_000, this.seconds) ??
      period
    );
  }
}

/** When the next of some hours of the day (minutes of the hour, …) begins; null: one of them is now, or none is asked for. */
function leap(at: number, whole: number, unit: number, units: readonly number[]): number | null {
  if (units.length === 0) return null;
  const began = Math.floor(at / whole) * whole;
  const now = Math.floor((at - began) / unit);
  const next = units.find((each) => each >= now);
  if (next === now) return null;
  return next === undefined ? began + whole + (units[0] as number) * unit : began + next * unit;
}
