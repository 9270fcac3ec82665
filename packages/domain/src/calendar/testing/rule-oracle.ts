/*
 * What a rule means, the slow way: every day and every second of a day is asked, each part of the rule being one condition (the table
 * of RFC 5545 3.3.10). It shares nothing with the scanner: its calendar is that of `Date`. Wall clocks are ms, read as UTC.
 */

const DAY = 86_400_000;
const WEEKDAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];

type Parts = Map<string, string>;

const listOf = (parts: Parts, name: string): number[] | null => parts.get(name)?.split(',').map(Number) ?? null;

/** The first `to` - exclusive - wall clocks of a rule from its start on; without UNTIL, which is an instant. */
export function bruteForce(rrule: string, start: number, to: number): number[] {
  const parts: Parts = new Map(rrule.split(';').map((part) => part.split('=') as [string, string]));
  withDefaults(parts, new Date(start));
  const freq = parts.get('FREQ')!;
  const interval = Number(parts.get('INTERVAL') ?? 1);
  const seconds = secondsOfDay(parts, start);
  const periods = new Map<number, number[]>();
  const wkst = WEEKDAYS.indexOf(parts.get('WKST') ?? 'MO');
  const first = periodOf(freq, start, wkst);
  // Periods are whole: that of the start begins up to a year before it.
  const began = Date.UTC(new Date(start).getUTCFullYear() - 1, 11, 20);
  for (let day = began; day < to + 400 * DAY && day < to + (freq === 'YEARLY' ? 400 : 40) * DAY; day += DAY) {
    if (!isDay(parts, new Date(day), wkst)) continue;
    for (const second of seconds) {
      const local = day + second * 1_000;
      const period = periodOf(freq, local, wkst) - first;
      if (period < 0 || period % interval !== 0) continue;
      if (!periods.has(period)) periods.set(period, []);
      periods.get(period)!.push(local);
    }
  }
  const found = [...periods.values()].flatMap((list) => pick(list, listOf(parts, 'BYSETPOS')));
  return found
    .filter((local) => local >= start)
    .slice(0, Number(parts.get('COUNT') ?? Infinity))
    .filter((local) => local < to);
}

function withDefaults(parts: Parts, start: Date): void {
  const freq = parts.get('FREQ')!;
  const has = (...names: string[]): boolean => names.some((name) => parts.has(name));
  const no_days = !has('BYDAY', 'BYMONTHDAY', 'BYYEARDAY');
  if (freq === 'YEARLY' && no_days && !has('BYWEEKNO')) {
    if (!has('BYMONTH')) parts.set('BYMONTH', String(start.getUTCMonth() + 1));
    parts.set('BYMONTHDAY', String(start.getUTCDate()));
  }
  if (freq === 'MONTHLY' && no_days) parts.set('BYMONTHDAY', String(start.getUTCDate()));
  if (no_days && !parts.has('BYMONTHDAY') && (freq === 'WEEKLY' || (freq === 'YEARLY' && has('BYWEEKNO'))))
    parts.set('BYDAY', WEEKDAYS[start.getUTCDay()]!);
}

/** Which period a time is in, as a number that grows by one. */
function periodOf(freq: string, local: number, wkst: number): number {
  const date = new Date(local);
  switch (freq) {
    case 'YEARLY':
      return date.getUTCFullYear();
    case 'MONTHLY':
      return date.getUTCFullYear() * 12 + date.getUTCMonth();
    case 'WEEKLY':
      // 1970-01-01 was a Thursday.
      return Math.floor((local / DAY + 4 - wkst) / 7);
    default:
      return Math.floor(local / { DAILY: DAY, HOURLY: 3_600_000, MINUTELY: 60_000, SECONDLY: 1_000 }[freq]!);
  }
}

/** The seconds of a day at which the rule can be. */
function secondsOfDay(parts: Parts, start: number): number[] {
  const freq = parts.get('FREQ')!;
  const from = new Date(start);
  const finer = ['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY', 'HOURLY', 'MINUTELY', 'SECONDLY'].indexOf(freq) - 3;
  const hours = listOf(parts, 'BYHOUR') ?? (finer >= 1 ? null : [from.getUTCHours()]);
  const minutes = listOf(parts, 'BYMINUTE') ?? (finer >= 2 ? null : [from.getUTCMinutes()]);
  const seconds = listOf(parts, 'BYSECOND') ?? (finer >= 3 ? null : [from.getUTCSeconds()]);
  const fits = (list: number[] | null, value: number): boolean => list === null || list.includes(value);
  return Array.from({ length: 86_400 }, (_, second) => second).filter(
    (second) =>
      fits(hours, Math.floor(second / 3_600)) &&
      fits(minutes, Math.floor(second / 60) % 60) &&
      fits(seconds, second % 60),
  );
}

function isDay(parts: Parts, date: Date, wkst: number): boolean {
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth();
  const fits = (name: string, value: number, size: number): boolean => {
    const list = listOf(parts, name);
    return list === null || list.some((each) => each === value || each === value - size - 1);
  };
  const year_length = (Date.UTC(year + 1, 0, 1) - Date.UTC(year, 0, 1)) / DAY;
  const month_length = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return (
    fits('BYMONTH', month + 1, Infinity) &&
    fits('BYMONTHDAY', date.getUTCDate(), month_length) &&
    fits('BYYEARDAY', (date.getTime() - Date.UTC(year, 0, 1)) / DAY + 1, year_length) &&
    isWeek(parts, date, wkst) &&
    isWeekday(parts, date)
  );
}

/** A week belongs to the year that its fourth day is in. */
function isWeek(parts: Parts, date: Date, wkst: number): boolean {
  const wanted = listOf(parts, 'BYWEEKNO');
  if (wanted === null) return true;
  const fourth = (day: Date): Date => new Date(day.getTime() + (3 - ((day.getUTCDay() - wkst + 7) % 7)) * DAY);
  const numberOf = (day: Date): number =>
    Math.ceil(((day.getTime() - Date.UTC(day.getUTCFullYear(), 0, 1)) / DAY + 1) / 7);
  const middle = fourth(date);
  let last = middle;
  while (new Date(last.getTime() + 7 * DAY).getUTCFullYear() === middle.getUTCFullYear())
    last = new Date(last.getTime() + 7 * DAY);
  const number = numberOf(middle);
  return wanted.some((each) => each === number || each === number - numberOf(last) - 1);
}

function isWeekday(parts: Parts, date: Date): boolean {
  const wanted = parts.get('BYDAY')?.split(',');
  if (!wanted) return true;
  const of_month = parts.get('FREQ') === 'MONTHLY' || parts.has('BYMONTH');
  const same = (step: number): number => {
    // How many such weekdays there are from here to the end of the month or year, this one included.
    let count = 0;
    const isInside = (day: Date): boolean =>
      day.getUTCFullYear() === date.getUTCFullYear() && (!of_month || day.getUTCMonth() === date.getUTCMonth());
    for (let day = date; isInside(day); day = new Date(day.getTime() + step * 7 * DAY)) count++;
    return count;
  };
  return wanted.some((text) => {
    if (WEEKDAYS[date.getUTCDay()] !== text.slice(-2)) return false;
    const n = Number(text.slice(0, -2));
    return n === 0 || n === same(-1) || n === -same(1);
  });
}

function pick(list: number[], positions: number[] | null): number[] {
  if (positions === null) return list;
  return list.filter((_, at) => positions.includes(at + 1) || positions.includes(at - list.length));
}
