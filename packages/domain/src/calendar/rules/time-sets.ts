import { MINUTELY, type RuleFields, SECONDLY } from './rule-fields.ts';

/*
 * Times of day in milliseconds, ascending.
 */

/** The times that a rule has on each of its days; `start`: the time of day of the start, which stands in for what the rule does not say. */
export function timesOfDay({ byhour, byminute, bysecond }: RuleFields, start: number): readonly number[] {
  if (byhour.length + byminute.length + bysecond.length === 0) return [start];
  const second = Math.floor(start / 1_000);
  const hours = byhour.length > 0 ? byhour : [Math.floor(second / 3_600)];
  const minutes = byminute.length > 0 ? byminute : [Math.floor(second / 60) % 60];
  const seconds = bysecond.length > 0 ? bysecond : [second % 60];
  return product(hours, minutes, seconds);
}

/** The times within one hour of HOURLY, one minute of MINUTELY, one second of SECONDLY. */
export function timesWithin({ freq, byminute, bysecond }: RuleFields, start: number): readonly number[] {
  const second = Math.floor(start / 1_000);
  if (freq === SECONDLY) return [0];
  const minutes = freq === MINUTELY ? [0] : byminute.length > 0 ? byminute : [Math.floor(second / 60) % 60];
  return product([0], minutes, bysecond.length > 0 ? bysecond : [second % 60]);
}

function product(hours: readonly number[], minutes: readonly number[], seconds: readonly number[]): number[] {
  const times: number[] = [];
  for (const hour of hours)
    for (const minute of minutes)
      for (const second of seconds) times.push(((hour * 60 + minute) * 60 + second) * 1_000);
  return times;
}

/** BYSETPOS: which of so many occurrences of a period, from 0, ascending, each once. */
export function pickPositions(positions: readonly number[], size: number): readonly number[] {
  const picked: number[] = [];
  let is_ascending = true;
  for (const position of positions) {
    const at = position > 0 ? position - 1 : size + position;
    if (at < 0 || at >= size) continue;
    if (picked.length > 0 && at <= (picked[picked.length - 1] as number)) is_ascending = false;
    picked.push(at);
  }
  return is_ascending ? picked : [...new Set(picked)].sort((a, b) => a - b);
}
