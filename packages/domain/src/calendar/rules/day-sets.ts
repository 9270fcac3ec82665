import { dateOf, dayOf, monthLength, nthWeekday, weekday } from './civil.ts';
import { MONTHLY, type RuleFields, WEEKLY, type WeekdayNumber, YEARLY } from './rule-fields.ts';
import { YearParts } from './year-parts.ts';

/**
 * Which days a rule has: BYMONTH, BYWEEKNO, BYYEARDAY, BYMONTHDAY and BYDAY taken together (RFC 5545 3.3.10), with what the start of
 * the series stands in for where the rule says nothing. A month is a number: bit 0 is its first day.
 */
export class DaySets {
  /** No part says anything of days: every day is in. */
  readonly has_all: boolean;
  /** As bits, from Monday; of WEEKLY these are the days of a week before the other parts are asked. */
  readonly weekdays: number;
  /** Of WEEKLY: nothing but weekdays decides. */
  readonly is_of_weekdays: boolean;
  /** As bits, from January; -1: all. */
  private readonly months: number;
  /** Days of a month by BYMONTHDAY, for months of 28 to 31 days; null: all. */
  private readonly month_days: Int32Array | null;
  private readonly ordinals: readonly WeekdayNumber[];
  /** Days of a month by BYDAY, for each length and first weekday; -1: not worked out yet. Null: all. */
  private readonly shapes: Int32Array | null;
  private readonly year_parts: YearParts | null;
  /** The month that was asked for last: its days, as bits, its first, and that of the next. */
  private mask = 0;
  private first = Infinity;
  private end = -Infinity;

  constructor(rule: RuleFields, first_day: number) {
    const { freq, byyearday, byweekno } = rule;
    const { bymonth, bymonthday, byday } = withDefaults(rule, first_day);
    this.months = bymonth.length === 0 ? -1 : bymonth.reduce((bits, month) => bits | (1 << (month - 1)), 0);
    this.month_days =
      bymonthday.length === 0 ? null : Int32Array.of(28, 29, 30, 31).map((l) => monthDays(bymonthday, l));
    // A number before a weekday counts within a year or a month, and where there is neither it means nothing.
    const counts = freq === YEARLY || freq === MONTHLY;
    const of_year = freq === YEARLY && bymonth.length === 0;
    const numbered = byday.filter(({ n }) => n !== 0 && counts);
    this.ordinals = of_year ? [] : numbered;
    this.weekdays = byday.reduce((bits, { weekday, n }) => (n !== 0 && counts ? bits : bits | (1 << weekday)), 0);
    this.shapes = byday.length === 0 ? null : new Int32Array(28).fill(-1);
    const has_year_parts = byyearday.length + byweekno.length > 0 || (of_year && numbered.length > 0);
    this.year_parts = has_year_parts ? new YearParts(rule, of_year ? numbered : []) : null;
    const unlimited = this.months === -1 && this.month_days === null && !has_year_parts;
    this.has_all = unlimited && byday.length === 0;
    this.is_of_weekdays = unlimited;
  }

  /** The days of a month, as bits. */
  ofMonth(year: number, month: number): number {
    if ((this.months & (1 << (month - 1))) === 0) return 0;
    return this.maskOf(year, month, dayOf(year, month, 1));
  }

  has(day: number): boolean {
    if (day < this.first || day >= this.end) this.open(day);
    return ((this.mask >>> (day - this.first)) & 1) === 1;
  }

  /** The next day that may be in after one that is not: in its month, or the first of the next. */
  leap(day: number): number {
    if (day < this.first || day >= this.end) this.open(day);
    const rest = this.mask >>> (day - this.first);
    return rest === 0 ? this.end : day + (31 - Math.clz32(rest & -rest));
  }

  private open(day: number): void {
    const { year, month } = dateOf(day);
    this.first = dayOf(year, month, 1);
    this.end = this.first + monthLength(year, month);
    this.mask = this.ofMonth(year, month);
  }

  private maskOf(year: number, month: number, first: number): number {
    const length = monthLength(year, month);
    let mask = 0x7fffffff >>> (31 - length);
    if (this.month_days) mask &= this.month_days[length - 28] as number;
    if (this.shapes) mask &= this.byWeekday(length, weekday(first)) | (this.year_parts?.ordinals(year, month) ?? 0);
    return this.year_parts ? mask & this.year_parts.limits(year, month) : mask;
  }

  private byWeekday(length: number, first_weekday: number): number {
    const shapes = this.shapes as Int32Array;
    const shape = (length - 28) * 7 + first_weekday;
    let mask = shapes[shape] as number;
    if (mask === -1) {
      mask = 0;
      for (let at = 0; at < length; at++) if ((this.weekdays >> ((first_weekday + at) % 7)) & 1) mask |= 1 << at;
      for (const { weekday, n } of this.ordinals) {
        const at = nthWeekday(weekday, n, first_weekday, length);
        if (at >= 0) mask |= 1 << at;
      }
      shapes[shape] = mask;
    }
    return mask;
  }
}

function monthDays(bymonthday: readonly number[], length: number): number {
  let mask = 0;
  for (const each of bymonthday) {
    const at = each > 0 ? each - 1 : length + each;
    if (at >= 0 && at < length) mask |= 1 << at;
  }
  return mask;
}

type DayParts = Pick<RuleFields, 'bymonth' | 'bymonthday' | 'byday'>;

/** What the start of a series gives its rule (RFC 5545 3.3.10, end). */
function withDefaults(rule: RuleFields, first_day: number): DayParts {
  const { freq, byday, bymonthday, byyearday, byweekno, bymonth } = rule;
  if (byday.length + bymonthday.length + byyearday.length > 0) return rule;
  if (freq === WEEKLY || (freq === YEARLY && byweekno.length > 0))
    return { bymonth, bymonthday, byday: [{ weekday: weekday(first_day), n: 0 }] };
  if (freq !== YEARLY && freq !== MONTHLY) return rule;
  const { month, day } = dateOf(first_day);
  return { bymonth: freq === YEARLY && bymonth.length === 0 ? [month] : bymonth, bymonthday: [day], byday };
}

/**
 * How many days each period of a rule has, if it is the same number for all; null: it depends. What can be said without looking at
 * them, so that a rule with COUNT leaps over those before a window.
 */
export function daysPerPeriod(rule: RuleFields, first_day: number): number | null {
  const { freq, byyearday, byweekno } = rule;
  const { bymonth, bymonthday, byday } = withDefaults(rule, first_day);
  if (byyearday.length + byweekno.length > 0) return null;
  const months = freq === YEARLY ? bymonth.length || 12 : 1;
  if (freq !== YEARLY && bymonth.length > 0) return null;
  if (freq > WEEKLY) return byday.length + bymonthday.length === 0 ? 1 : null;
  if (freq === WEEKLY) return bymonthday.length > 0 ? null : new Set(byday.map(({ weekday }) => weekday)).size;
  if (byday.length === 0 && bymonthday.length > 0) {
    const is_sure = bymonthday.every((day) => day > 0 && day <= 28) || bymonthday.every((day) => day < 0 && day >= -28);
    return is_sure ? months * bymonthday.length : null;
  }
  const [only] = byday;
  const is_one = only && byday.length === 1 && bymonthday.length === 0 && only.n !== 0 && Math.abs(only.n) <= 4;
  return is_one ? (freq === YEARLY && bymonth.length === 0 ? 1 : months) : null;
}
