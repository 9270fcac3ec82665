import { printParts, printUntil, readParts, readUntil, type RuleParts, type UntilFrame } from './rule-parts.ts';

const DAY_MS = 86_400_000;
const WEEKDAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];
const weekdayOf = (date: Date): string => WEEKDAYS[date.getUTCDay()] ?? '';

/** Where a series begins: epoch ms of the wall clock read as UTC, and what that clock is of. */
export interface SeriesStart extends UntilFrame {
  local_ms: number;
}

/**
 * The rule of a series whose start moves: UNTIL moves with it, and so does what the rule says of the start itself (the one
 * weekday of a weekly rule, the one day of a month, the one hour), when the rule names one alone. Everything else stays; whether
 * the new start still fits is for the caller to see.
 */
export function shiftRule(
  rrule: string,
  from: SeriesStart,
  to: SeriesStart,
  rekey: (local_ms: number) => number,
): string {
  if (from.local_ms === to.local_ms && from.time_zone === to.time_zone && from.is_all_day === to.is_all_day)
    return rrule;
  const parts = readParts(rrule);
  const until = parts.get('UNTIL');
  if (until !== undefined) parts.set('UNTIL', printUntil(rekey(lastBefore(readUntil(until, from), from, to)), to));
  if (dayOf(from.local_ms) !== dayOf(to.local_ms)) followDay(parts, from, to);
  followTime(parts, from, to);
  return printParts(parts);
}

/** A rule of times that becomes one of dates has no day on which it ended before its time of day. */
const lastBefore = (until: number, from: SeriesStart, to: SeriesStart): number =>
  !from.is_all_day && to.is_all_day ? from.local_ms + Math.floor((until - from.local_ms) / DAY_MS) * DAY_MS : until;

const dayOf = (local_ms: number): number => Math.floor(local_ms / DAY_MS);

function followDay(parts: RuleParts, from: SeriesStart, to: SeriesStart): void {
  const [old, now] = [new Date(from.local_ms), new Date(to.local_ms)];
  const follow = (name: string, before: string, after: string) => {
    if (parts.get(name) === before) parts.set(name, after);
  };
  const frequency = parts.get('FREQ');
  if (frequency === 'WEEKLY' || frequency === 'DAILY') {
    follow('BYDAY', weekdayOf(old), weekdayOf(now));
  }
  if (frequency === 'MONTHLY' || frequency === 'YEARLY') {
    follow('BYMONTHDAY', String(old.getUTCDate()), String(now.getUTCDate()));
  }
  if (frequency === 'YEARLY') follow('BYMONTH', String(old.getUTCMonth() + 1), String(now.getUTCMonth() + 1));
}

function followTime(parts: RuleParts, from: SeriesStart, to: SeriesStart): void {
  const [old, now] = [new Date(from.local_ms), new Date(to.local_ms)];
  const clocks = [
    ['BYHOUR', old.getUTCHours(), now.getUTCHours()],
    ['BYMINUTE', old.getUTCMinutes(), now.getUTCMinutes()],
    ['BYSECOND', old.getUTCSeconds(), now.getUTCSeconds()],
  ] as const;
  for (const [name, before, after] of clocks) {
    if (parts.get(name) !== String(before)) continue;
    if (to.is_all_day) parts.delete(name);
    else parts.set(name, String(after));
  }
}
