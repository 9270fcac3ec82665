import type { Recurrence } from './recurrence-words.ts';
import type { SaidTimes } from './said-times.ts';

const CODES = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
/** What a rule may say, and what it says by itself. */
const KNOWN = new Set(['FREQ', 'INTERVAL', 'BYDAY', 'BYMONTHDAY', 'BYMONTH', 'BYSETPOS', 'WKST', 'COUNT', 'UNTIL']);

interface Rule {
  freq: string;
  interval: number;
  /** From Monday = 0, in order. */
  weekdays: number[];
  nth: number | null;
  month_day: number | null;
  month: number | null;
  is_bounded: boolean;
}

/** Whether a rule repeats as the person said. */
export function isSaidRule(rrule: string, said: SaidTimes): boolean {
  const rule = parse(rrule);
  if (!rule) return false;
  // That it ends, and when: by a number of times, by a day, or after so long.
  if (rule.is_bounded && !said.has_count && said.days.length === 0 && said.lengths.size === 0) return false;
  return said.recurrences.some((recurrence) => isSame(rule, plain(recurrence)));
}

function isSame(rule: Rule, said: Rule): boolean {
  const agrees = <T>(written: T | null, wanted: T | null): boolean => wanted === null || written === wanted;
  return (
    rule.freq === said.freq &&
    rule.interval === said.interval &&
    // Of every week, month or year the day is that of the first.
    (said.weekdays.length === 0 ? rule.weekdays.length <= 1 : rule.weekdays.join() === said.weekdays.join()) &&
    agrees(rule.nth, said.nth) &&
    agrees(rule.month_day, said.month_day) &&
    agrees(rule.month, said.month)
  );
}

/** All days of a week are each day; days of a week come weekly, however it is said. */
function plain({ freq, interval, weekdays, nth, month_day, month }: Recurrence): Rule {
  return simplest({ freq, interval, weekdays, nth, month_day, month, is_bounded: false });
}

function simplest(rule: Rule): Rule {
  if (rule.freq === 'WEEKLY' && rule.weekdays.length === 7) return { ...rule, freq: 'DAILY', weekdays: [] };
  if (rule.freq === 'DAILY' && rule.weekdays.length > 0 && rule.interval === 1)
    return simplest({ ...rule, freq: 'WEEKLY' });
  return rule;
}

/** Null: it says something that words do not. */
function parse(rrule: string): Rule | null {
  const parts = new Map(
    rrule
      .toUpperCase()
      .replace(/^RRULE:/u, '')
      .split(';')
      .map((part) => part.split('=') as [string, string | undefined]),
  );
  if ([...parts.keys()].some((key) => !KNOWN.has(key))) return null;
  const days = (parts.get('BYDAY')?.split(',') ?? []).map((day) => /^([+-]?\d+)?([A-Z]{2})$/u.exec(day.trim()));
  if (days.some((day) => !day || !CODES.includes(day[2] ?? ''))) return null;
  const positions = [...new Set(days.map((day) => day?.[1] ?? parts.get('BYSETPOS') ?? ''))];
  const numbers = [
    ...positions,
    parts.get('BYMONTHDAY') ?? '',
    parts.get('BYMONTH') ?? '',
    parts.get('INTERVAL') ?? '',
  ];
  if (positions.length > 1 || numbers.some((text) => text !== '' && !/^[+-]?\d{1,3}$/u.test(text))) return null;
  const numberOf = (text: string | undefined): number | null =>
    text === undefined || text === '' ? null : Number(text);
  return simplest({
    freq: parts.get('FREQ') ?? '',
    interval: numberOf(parts.get('INTERVAL')) ?? 1,
    weekdays: [...new Set(days.map((day) => CODES.indexOf(day?.[2] ?? '')))].sort((a, b) => a - b),
    nth: numberOf(positions[0]),
    month_day: numberOf(parts.get('BYMONTHDAY')),
    month: numberOf(parts.get('BYMONTH')),
    is_bounded: parts.has('COUNT') || parts.has('UNTIL'),
  });
}
