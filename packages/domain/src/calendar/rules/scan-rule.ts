import {
  type CalendarDate,
  dateOf,
  DAY_MS,
  dayOf,
  type DayRule,
  hasDay,
  monthLength,
  weekday,
  withDefaults,
} from './day-sets.ts';
import { DAILY, HOURLY, MINUTELY, MONTHLY, type RuleFields, WEEKLY, YEARLY } from './rule-fields.ts';

/** Steps that one expansion may take: periods, days and times that it looks at. */
export const STEP_BUDGET = 200_000;
/** No schedule is later: 2101-01-01, wall clock read as UTC. */
const LAST = Date.UTC(2101, 0, 1);

/** A rule that takes more steps than it may: hostile, or with a window that is too large for it. */
export class BudgetExceeded extends Error {
  override readonly name = 'BudgetExceeded';
  constructor() {
    super('The rule takes too long to expand');
  }
}

/** What is left of an expansion's steps. */
export interface Budget {
  steps: number;
}

function spend(budget: Budget, steps: number): void {
  budget.steps -= steps;
  if (budget.steps < 0) throw new BudgetExceeded();
}

export interface Scan {
  rule: RuleFields;
  /** The wall clock of the first occurrence, read as UTC, as all times here. */
  start: number;
  /** Occurrences before it may be left out: periods that end before it are not looked at. -Infinity: none may. */
  from: number;
  /** Nothing from here on is looked at. */
  to: number;
  budget: Budget;
}

/** Is handed the wall clock of each occurrence, in order; false ends the scan. */
export type Emit = (local: number) => boolean;

/**
 * Walks the periods of a rule (RFC 5545 3.3.10) from the one that `start` is in and hands out its occurrences from `start` on, in
 * order, by the wall clock alone: COUNT and UNTIL are the caller's. Periods are whole from their beginning on, so that BYSETPOS and
 * INTERVAL count rightly in the first. A start that the rule does not have is no occurrence. Throws BudgetExceeded.
 */
export function scanRule(scan: Scan, emit: Emit): void {
  const { start, rule } = scan;
  const first_day = Math.floor(start / DAY_MS);
  const day_rule = withDefaults(rule, dateOf(first_day), weekday(first_day));
  if (rule.freq >= HOURLY) scanTimes(scan, day_rule, emit);
  else scanDays(scan, day_rule, first_day, emit);
}

function scanDays(scan: Scan, rule: DayRule, first_day: number, emit: Emit): void {
  const { start, from, budget } = scan;
  const times = timesOfDay(rule, start - first_day * DAY_MS);
  const to = Math.min(scan.to, LAST);
  const periods = periodsOf(rule, first_day);
  const days: number[] = [];
  let at = from > start ? Math.max(periods.indexOf(Math.floor(from / DAY_MS)), 0) : 0;
  for (; ; at++) {
    const began = periods.first(at);
    if (began * DAY_MS >= to) return;
    days.length = 0;
    spend(budget, 1 + collectDays(rule, began, periods.last(at), days));
    if (days.length === 0) continue;
    spend(budget, days.length * times.length);
    if (rule.bysetpos.length > 0) {
      for (const local of pick(days, times, rule.bysetpos)) if (local >= start && (local >= to || !emit(local))) return;
      continue;
    }
    for (const day of days) {
      for (const time of times) {
        const local = day * DAY_MS + time;
        if (local < start) continue;
        if (local >= to || !emit(local)) return;
      }
    }
  }
}

/** The nth, from 0, of the periods of a rule that count: their first and their last day, and which one a day is in or before. */
interface Periods {
  first(at: number): number;
  last(at: number): number;
  /** Of the last period that begins at or before the day; negative before the first. */
  indexOf(day: number): number;
}

function periodsOf({ freq, interval, wkst }: DayRule, first_day: number): Periods {
  if (freq === DAILY || freq === WEEKLY) {
    const length = freq === DAILY ? 1 : 7;
    const origin = freq === DAILY ? first_day : first_day - ((weekday(first_day) - wkst + 7) % 7);
    const first = (at: number): number => origin + at * interval * length;
    return {
      first,
      last: (at) => first(at) + length - 1,
      indexOf: (day) => Math.floor((day - origin) / (interval * length)),
    };
  }
  const { year, month } = dateOf(first_day);
  const months = freq === MONTHLY ? 1 : 12;
  const origin = freq === MONTHLY ? year * 12 + month - 1 : year * 12;
  const monthAt = (index: number): number => dayOf(Math.floor(index / 12), (index % 12) + 1, 1);
  return {
    first: (at) => monthAt(origin + at * interval * months),
    last: (at) => monthAt(origin + at * interval * months + months) - 1,
    indexOf(day) {
      const date = dateOf(day);
      return Math.floor((date.year * 12 + date.month - 1 - origin) / (interval * months));
    },
  };
}

/** The days of one period that the rule has, ascending; how many days it looked at. */
function collectDays(rule: DayRule, first: number, last: number, days: number[]): number {
  const { freq, bymonth, byday, bymonthday, byyearday, byweekno } = rule;
  if (freq === YEARLY && byweekno.length + byyearday.length === 0 && bymonth.length > 0) {
    const { year } = dateOf(first);
    let looked = 0;
    for (const month of bymonth) {
      const begins = dayOf(year, month, 1);
      looked += collectOfMonth(rule, { year, month, day: 1 }, begins, days);
    }
    return looked;
  }
  if (freq === MONTHLY) return collectOfMonth(rule, dateOf(first), first, days);
  if (freq === DAILY && bymonth.length + byday.length + bymonthday.length === 0) {
    days.push(first);
    return 1;
  }
  const date = dateOf(first);
  for (let day = first; day <= last; day++) {
    if (hasDay(rule, day, date)) days.push(day);
    next(date);
  }
  return last - first + 1;
}

function collectOfMonth(rule: DayRule, { year, month }: CalendarDate, begins: number, days: number[]): number {
  const { bymonth, bymonthday, byday } = rule;
  if (bymonth.length > 0 && !bymonth.includes(month)) return 1;
  const length = monthLength(year, month);
  if (bymonthday.length > 0) {
    const wanted = new Set<number>();
    for (const each of bymonthday) {
      const day = each > 0 ? each : length + 1 + each;
      if (day >= 1 && day <= length && hasDay(rule, begins + day - 1, { year, month, day }))
        wanted.add(begins + day - 1);
    }
    days.push(...(wanted.size > 1 ? [...wanted].sort((a, b) => a - b) : wanted));
    return bymonthday.length;
  }
  if (byday.length === 0) for (let day = 0; day < length; day++) days.push(begins + day);
  else
    for (let day = 1; day <= length; day++)
      if (hasDay(rule, begins + day - 1, { year, month, day })) days.push(begins + day - 1);
  return length;
}

function next(date: CalendarDate): void {
  if (date.day < 28 || date.day < monthLength(date.year, date.month)) date.day++;
  else {
    date.day = 1;
    if (++date.month > 12) {
      date.month = 1;
      date.year++;
    }
  }
}

/** The times of day that a rule has, in milliseconds, ascending. */
function timesOfDay({ byhour, byminute, bysecond }: RuleFields, start: number): number[] {
  const second = Math.floor(start / 1_000);
  const hours = byhour.length > 0 ? byhour : [Math.floor(second / 3_600)];
  const minutes = byminute.length > 0 ? byminute : [Math.floor(second / 60) % 60];
  const seconds = bysecond.length > 0 ? bysecond : [second % 60];
  return hours.flatMap((h) => minutes.flatMap((m) => seconds.map((s) => ((h * 60 + m) * 60 + s) * 1_000)));
}

/** BYSETPOS: of all that a period has. */
function pick(days: number[], times: number[], bysetpos: number[]): number[] {
  const size = days.length * times.length;
  const picked = new Set<number>();
  for (const position of bysetpos) {
    const at = position > 0 ? position - 1 : size + position;
    if (at < 0 || at >= size) continue;
    const day = days[Math.floor(at / times.length)] as number;
    picked.add(day * DAY_MS + (times[at % times.length] as number));
  }
  return [...picked].sort((a, b) => a - b);
}

/** HOURLY, MINUTELY and SECONDLY: each period is as long as the unit, and what does not match leaps to where it can. */
function scanTimes(scan: Scan, rule: DayRule, emit: Emit): void {
  const { start, from, budget } = scan;
  const { freq, interval, byhour, byminute, bysecond, bysetpos } = rule;
  const to = Math.min(scan.to, LAST);
  const unit = freq === HOURLY ? 3_600_000 : freq === MINUTELY ? 60_000 : 1_000;
  const step = unit * interval;
  const origin = Math.floor(start / unit) * unit;
  const within = timesWithin(rule, start, unit);
  let period = from > start ? origin + Math.max(Math.floor((from - origin) / step), 0) * step : origin;
  let known_day = NaN;
  let is_day = false;
  while (period < to) {
    spend(budget, 1);
    const day = Math.floor(period / DAY_MS);
    if (day !== known_day) {
      known_day = day;
      is_day = hasDay(rule, day, dateOf(day));
    }
    const second = Math.floor(period / 1_000) - day * 86_400;
    if (!is_day) period = alignUp((day + 1) * DAY_MS);
    else if (byhour.length > 0 && !byhour.includes(Math.floor(second / 3_600)))
      period = alignUp(ceilTo(period, 3_600_000));
    else if (freq > HOURLY && byminute.length > 0 && !byminute.includes(Math.floor(second / 60) % 60))
      period = alignUp(ceilTo(period, 60_000));
    else if (freq > MINUTELY && bysecond.length > 0 && !bysecond.includes(second % 60)) period += step;
    else {
      spend(budget, within.length);
      const chosen = bysetpos.length > 0 ? pick([0], within, bysetpos) : within;
      for (const time of chosen) {
        const local = period + time;
        if (local < start) continue;
        if (local >= to || !emit(local)) return;
      }
      period += step;
    }
  }

  /** The first period at or after. */
  function alignUp(at: number): number {
    return origin + Math.ceil((at - origin) / step) * step;
  }
}

/** The next multiple after. */
const ceilTo = (at: number, unit: number): number => (Math.floor(at / unit) + 1) * unit;

function timesWithin({ freq, byminute, bysecond }: RuleFields, start: number, unit: number): number[] {
  const second = Math.floor(start / 1_000);
  if (unit === 1_000) return [0];
  const seconds = bysecond.length > 0 ? bysecond : [second % 60];
  if (freq !== HOURLY) return seconds.map((s) => s * 1_000);
  const minutes = byminute.length > 0 ? byminute : [Math.floor(second / 60) % 60];
  return minutes.flatMap((m) => seconds.map((s) => (m * 60 + s) * 1_000));
}
