import { dateOf, dayOf, monthLength, weekday } from '../../calendar/rules/civil.ts';
import type { DayPart, Unit } from './date-words.ts';

/** Where a date without its year, or a weekday, is looked for. */
export type Lean = 'past' | 'future' | 'near';

/** When something is said. Days are counted from 1970-01-01, of the person's own zone. */
export interface DateRef {
  today: number;
  /** Of what stands at an index of the text. */
  leanAt: (at: number) => Lean;
  /** Whether 3/4/2026 is the fourth of March. */
  is_month_first: boolean;
}

/** A date that a text speaks of: where it stands, its first and last day. */
export interface DateSpan {
  start: number;
  end: number;
  from: number;
  to: number;
  /** The one day, where one is meant; null of a week and the like. */
  exact: number | null;
  part: DayPart | null;
}

export type Groups = Partial<Record<string, string>>;
export type Found = Pick<DateSpan, 'from' | 'to' | 'exact'>;

/** An expression, global, and what it means. Null: not a date after all. */
export interface DatePattern {
  re: RegExp;
  read: (groups: Groups, ref: DateRef, at: number) => Found | null;
}

export const oneDay = (day: number): Found => ({ from: day, to: day, exact: day });
export const range = (from: number, to: number): Found => ({ from, to, exact: from === to ? from : null });

/** The day of a date. Null: there is no such day. */
export const dayIn = (year: number, month: number, day: number): number | null =>
  month >= 1 && month <= 12 && day >= 1 && day <= monthLength(year, month) ? dayOf(year, month, day) : null;

/** The week (from Monday), month or year of a day. */
export function periodOf(day: number, unit: Unit): Found {
  if (unit === 'day') return oneDay(day);
  if (unit === 'week') return range(day - weekday(day), day - weekday(day) + 6);
  const { year, month } = dateOf(day);
  if (unit === 'year') return range(dayOf(year, 1, 1), dayOf(year, 12, 31));
  return range(dayOf(year, month, 1), dayOf(year, month, monthLength(year, month)));
}

/** So many units later, or earlier; of a shorter month its last day. */
export function shiftDay(day: number, count: number, unit: Unit): number {
  if (unit === 'day' || unit === 'week') return day + count * (unit === 'week' ? 7 : 1);
  const date = dateOf(day);
  const months = date.year * 12 + date.month - 1 + count * (unit === 'year' ? 12 : 1);
  const [year, month] = [Math.floor(months / 12), (((months % 12) + 12) % 12) + 1];
  return dayOf(year, month, Math.min(date.day, monthLength(year, month)));
}

/** The weekend of the week of a day. */
export function weekendOf(day: number): Found {
  const monday = day - weekday(day);
  return range(monday + 5, monday + 6);
}

/** The year of a month and day that came without one: the nearest, the next or the last. */
export function yearFor(month: number, day: number, ref: DateRef, at: number): number | null {
  const { year } = dateOf(ref.today);
  // A 29th of February is there every four years, and once not for eight.
  const years = Array.from({ length: 17 }, (_, index) => year - 8 + index);
  const lean = ref.leanAt(at);
  let best: number | null = null;
  for (const each of years) {
    const found = dayIn(each, month, day);
    if (found === null) continue;
    const away = found - ref.today;
    if ((lean === 'future' && away < 0) || (lean === 'past' && away > 0)) continue;
    if (best === null || Math.abs(away) < Math.abs((dayIn(best, month, day) ?? Infinity) - ref.today)) best = each;
  }
  return best;
}

/** Every match of the patterns; of two that overlap the longer one, of two as long the first. */
export function scanWith(patterns: readonly DatePattern[], text: string, ref: DateRef): DateSpan[] {
  const spans: DateSpan[] = [];
  for (const { re, read } of patterns) {
    for (const match of text.matchAll(re)) {
      const groups = match.groups ?? {};
      const found = read(groups, ref, match.index);
      if (found === null) continue;
      spans.push({ start: match.index, end: match.index + match[0].length, part: null, ...found });
    }
  }
  return withoutOverlaps(spans);
}

export function withoutOverlaps<T extends { start: number; end: number }>(spans: readonly T[]): T[] {
  const kept: T[] = [];
  const by_length = [...spans].sort((a, b) => b.end - b.start - (a.end - a.start) || a.start - b.start);
  for (const span of by_length)
    if (!kept.some((other) => span.start < other.end && other.start < span.end)) kept.push(span);
  return kept.sort((a, b) => a.start - b.start);
}
