import { MONTHLY, type RuleFields, WEEKLY, YEARLY } from './rule-fields.ts';

/*
 * Which days a rule has. Days are counted from 1970-01-01, months from 1, weekdays from Monday = 0.
 */

export const DAY_MS = 86_400_000;

/** The day of a date of the Gregorian calendar (H. Hinnant, days_from_civil). */
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

/** The first day of week 1 of a year: the first with at least four days in it (RFC 5545, BYWEEKNO). */
function firstWeek(year: number, wkst: number): number {
  const january = dayOf(year, 1, 1);
  const into = (weekday(january) - wkst + 7) % 7;
  return into <= 3 ? january - into : january + 7 - into;
}

/** What the filters of a rule are asked by, with what its start stands in for where it says nothing. */
export interface DayRule extends RuleFields {
  /** Weekdays without an ordinal, as bits. */
  weekdays: number;
  /** `weekday * 1000 + n`, n ± from the end; empty: none has an ordinal. */
  ordinals: Set<number>;
  /** Of the year, not of the month: YEARLY without BYMONTH. */
  ordinals_of_year: boolean;
}

/** Writes the defaults out that the start of a series gives its rule (RFC 5545 3.3.10, end). */
export function withDefaults(rule: RuleFields, start: CalendarDate, start_weekday: number): DayRule {
  const { freq, byday, bymonthday, byyearday, byweekno, bymonth } = rule;
  const filled = { ...rule };
  const none = byday.length + bymonthday.length + byyearday.length === 0;
  if (none && freq === YEARLY && byweekno.length === 0) {
    if (bymonth.length === 0) filled.bymonth = [start.month];
    filled.bymonthday = [start.day];
  } else if (none && freq === MONTHLY) filled.bymonthday = [start.day];
  else if (none && (freq === WEEKLY || (freq === YEARLY && byweekno.length > 0)))
    filled.byday = [{ weekday: start_weekday, n: 0 }];
  let weekdays = 0;
  const ordinals = new Set<number>();
  for (const { weekday, n } of filled.byday) {
    if (n === 0) weekdays |= 1 << weekday;
    else ordinals.add(weekday * 1_000 + n);
  }
  return { ...filled, weekdays, ordinals, ordinals_of_year: freq === YEARLY && bymonth.length === 0 };
}

/** Whether a rule has this day, all that it says of days taken together. */
export function hasDay(rule: DayRule, days: number, { year, month, day }: CalendarDate): boolean {
  const { bymonth, bymonthday, byyearday, byweekno } = rule;
  if (bymonth.length > 0 && !bymonth.includes(month)) return false;
  if (bymonthday.length > 0 && !bymonthday.includes(day) && !bymonthday.includes(day - monthLength(year, month) - 1))
    return false;
  if (byyearday.length > 0) {
    const nth = days - dayOf(year, 1, 1) + 1;
    if (!byyearday.includes(nth) && !byyearday.includes(nth - (isLeap(year) ? 366 : 365) - 1)) return false;
  }
  if (byweekno.length > 0 && !hasWeek(byweekno, rule.wkst, days, year)) return false;
  return rule.byday.length === 0 || hasWeekday(rule, days, { year, month, day });
}

function hasWeek(byweekno: number[], wkst: number, days: number, year: number): boolean {
  let first = firstWeek(year, wkst);
  let next = firstWeek(year + 1, wkst);
  if (days < first) {
    next = first;
    first = firstWeek(year - 1, wkst);
  } else if (days >= next) {
    first = next;
    next = firstWeek(year + 2, wkst);
  }
  const number = Math.floor((days - first) / 7) + 1;
  return byweekno.includes(number) || byweekno.includes(number - (next - first) / 7 - 1);
}

function hasWeekday(rule: DayRule, days: number, { year, month, day }: CalendarDate): boolean {
  const of_week = weekday(days);
  if ((rule.weekdays & (1 << of_week)) !== 0) return true;
  if (rule.ordinals.size === 0) return false;
  const nth = rule.ordinals_of_year ? days - dayOf(year, 1, 1) : day - 1;
  const length = rule.ordinals_of_year ? (isLeap(year) ? 366 : 365) : monthLength(year, month);
  const from_start = Math.floor(nth / 7) + 1;
  const from_end = -(Math.floor((length - 1 - nth) / 7) + 1);
  return rule.ordinals.has(of_week * 1_000 + from_start) || rule.ordinals.has(of_week * 1_000 + from_end);
}
