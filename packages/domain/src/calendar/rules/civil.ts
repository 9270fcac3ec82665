/*
 * The Gregorian calendar by arithmetic alone. Days are counted from 1970-01-01, months from 1, weekdays from Monday = 0.
 */

export const DAY_MS = 86_400_000;

/** The day of a date (H. Hinnant, days_from_civil). */
export function dayOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yoe = y - era * 400;
  const doy = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + yoe * 365 + Math.floor(yoe / 4) - Math.floor(yoe / 100) + doy - 719_468;
}

export const weekday = (day: number): number => (((day + 3) % 7) + 7) % 7;

export const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

const LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
export const monthLength = (year: number, month: number): number =>
  month === 2 && isLeap(year) ? 29 : (LENGTHS[month - 1] as number);

export interface CalendarDate {
  year: number;
  month: number;
  day: number;
}

/** The date of a day (civil_from_days). */
export function dateOf(days: number): CalendarDate {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const doe = z - era * 146_097;
  const yoe = Math.floor((doe - Math.floor(doe / 1_460) + Math.floor(doe / 36_524) - Math.floor(doe / 146_096)) / 365);
  const doy = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100));
  const mp = Math.floor((5 * doy + 2) / 153);
  const month = mp < 10 ? mp + 3 : mp - 9;
  return { year: yoe + era * 400 + (month <= 2 ? 1 : 0), month, day: doy - Math.floor((153 * mp + 2) / 5) + 1 };
}

/** Where the nth of a weekday is, from 0, among so many days of which the first is `first_weekday`; n < 0: from the end; -1: nowhere. */
export function nthWeekday(wanted: number, n: number, first_weekday: number, length: number): number {
  const first = (wanted - first_weekday + 7) % 7;
  const at = n > 0 ? first + (n - 1) * 7 : first + (Math.floor((length - 1 - first) / 7) + 1 + n) * 7;
  return at >= 0 && at < length ? at : -1;
}
