import { dateOf, monthLength, nthWeekday, weekday } from '../../calendar/rules/civil.ts';
import type { Recurrence } from './recurrence-words.ts';

const CODES = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'] as const;

/** How a series ends: after so many times, or with the instant of an UNTIL. */
export interface SeriesEnd {
  count: number | null;
  /** `20261231T165959Z`. */
  until: string | null;
}

/** A rule of RFC 5545, without DTSTART. */
export function rruleOf({ freq, interval, weekdays, nth, month_day, month }: Recurrence, end: SeriesEnd): string {
  const days = weekdays.map((day) => CODES[day] ?? '');
  const is_one = nth !== null && days.length === 1;
  const parts = [
    `FREQ=${freq}`,
    interval > 1 ? `INTERVAL=${interval}` : '',
    month !== null ? `BYMONTH=${month}` : '',
    month_day !== null ? `BYMONTHDAY=${month_day}` : '',
    days.length > 0 ? `BYDAY=${is_one ? `${nth}${days.join('')}` : days.join(',')}` : '',
    nth !== null && !is_one ? `BYSETPOS=${nth}` : '',
    end.count !== null ? `COUNT=${end.count}` : end.until !== null ? `UNTIL=${end.until}` : '',
  ];
  return parts.filter((part) => part !== '').join(';');
}

/** Whether words left out on which day it is: of a week, a month, a year. */
export const needsDay = ({ freq, weekdays, month_day }: Recurrence): boolean =>
  (freq === 'WEEKLY' || freq === 'MONTHLY' || freq === 'YEARLY') && weekdays.length === 0 && month_day === null;

/** Nine years: a 29th of February may be so far away. */
const FAR = 9 * 366;

/** The first day from one on that the rule has; that day itself if the rule leaves it open. Null: none. */
export function firstDay(recurrence: Recurrence, from: number): number | null {
  for (let day = from; day < from + FAR; day++) if (isOn(recurrence, day)) return day;
  return null;
}

function isOn({ weekdays, nth, month_day, month }: Recurrence, day: number): boolean {
  const date = dateOf(day);
  const length = monthLength(date.year, date.month);
  if (month !== null && date.month !== month) return false;
  if (month_day !== null && date.day !== (month_day < 0 ? length + 1 + month_day : month_day)) return false;
  if (weekdays.length === 0) return true;
  if (!weekdays.includes(weekday(day))) return false;
  if (nth === null) return true;
  const first = weekday(day - date.day + 1);
  const all = weekdays.map((each) => nthWeekday(each, nth, first, length)).filter((at) => at >= 0);
  // Of several weekdays it is the first, or the last, of them all: the nth of the working days.
  if (weekdays.length === 1) return all.includes(date.day - 1);
  return positionsOf(weekdays, first, length).at(nth > 0 ? nth - 1 : nth) === date.day - 1;
}

const positionsOf = (weekdays: readonly number[], first: number, length: number): number[] =>
  Array.from({ length }, (_, at) => at).filter((at) => weekdays.includes((first + at) % 7));
