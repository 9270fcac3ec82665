import { dayOf, isLeap, nthWeekday, weekday } from './civil.ts';
import type { RuleFields, WeekdayNumber } from './rule-fields.ts';

/** Months before each, in days, of a year without and with February 29. */
const BEFORE = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/** The parts of a rule that count within a year (BYYEARDAY, BYWEEKNO, BYDAY=20MO), as the days of its months, as bits. */
export class YearParts {
  private readonly rule: RuleFields;
  private readonly numbered: readonly WeekdayNumber[];
  private year = NaN;
  private readonly limited = new Int32Array(12);
  private readonly found = new Int32Array(12);

  /** `numbered`: the weekdays with a number that counts within the year. */
  constructor(rule: RuleFields, numbered: readonly WeekdayNumber[]) {
    this.rule = rule;
    this.numbered = numbered;
  }

  /** What BYYEARDAY and BYWEEKNO leave of a month. */
  limits(year: number, month: number): number {
    if (year !== this.year) this.open(year);
    return this.limited[month - 1] as number;
  }

  /** The weekdays of a month that BYDAY names by their number in the year. */
  ordinals(year: number, month: number): number {
    if (this.numbered.length === 0) return 0;
    if (year !== this.year) this.open(year);
    return this.found[month - 1] as number;
  }

  private open(year: number): void {
    this.year = year;
    const { byyearday, byweekno, wkst } = this.rule;
    const leap = isLeap(year);
    const length = leap ? 366 : 365;
    this.limited.fill(-1);
    if (byyearday.length > 0) {
      const days = new Int32Array(12);
      for (const each of byyearday) mark(days, each > 0 ? each - 1 : length + each, leap);
      for (let at = 0; at < 12; at++) this.limited[at] = days[at] as number;
    }
    if (byweekno.length > 0) {
      const days = new Int32Array(12);
      for (const at of weekDays(byweekno, year, wkst)) mark(days, at, leap);
      for (let at = 0; at < 12; at++) this.limited[at] = (this.limited[at] as number) & (days[at] as number);
    }
    this.found.fill(0);
    const first_weekday = weekday(dayOf(year, 1, 1));
    for (const each of this.numbered) mark(this.found, nthWeekday(each.weekday, each.n, first_weekday, length), leap);
  }
}

/** Sets the bit of a day of a year, counted from 0. */
function mark(months: Int32Array, at: number, leap: boolean): void {
  if (at < 0 || at >= (leap ? 366 : 365)) return;
  let month = 11;
  while (begin(month, leap) > at) month--;
  months[month] = (months[month] as number) | (1 << (at - begin(month, leap)));
}

const begin = (month: number, leap: boolean): number => (BEFORE[month] as number) + (leap && month > 1 ? 1 : 0);

/**
 * The days of a year, from 0, that are in weeks of these numbers. A week's number is that of the year in which most of it lies, so the
 * first days of a year may be in the last week of the one before, and its last days in the first of the next.
 */
function* weekDays(byweekno: readonly number[], year: number, wkst: number): Generator<number> {
  const january = dayOf(year, 1, 1);
  for (let week_year = year - 1; week_year <= year + 1; week_year++) {
    const first = firstWeek(week_year, wkst);
    const weeks = (firstWeek(week_year + 1, wkst) - first) / 7;
    for (const number of byweekno) {
      const week = number > 0 ? number - 1 : weeks + number;
      if (week < 0 || week >= weeks) continue;
      for (let day = 0; day < 7; day++) yield first + week * 7 + day - january;
    }
  }
}

/** The first day of week 1 of a year: the first with at least four days in it (RFC 5545, BYWEEKNO). */
function firstWeek(year: number, wkst: number): number {
  const january = dayOf(year, 1, 1);
  const into = (weekday(january) - wkst + 7) % 7;
  return into <= 3 ? january - into : january + 7 - into;
}
