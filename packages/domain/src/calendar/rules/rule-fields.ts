import { parseLocal } from './local-time.ts';

/** FREQ, from coarse to fine: what is smaller stands for longer periods. */
export const FREQUENCIES = ['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY', 'HOURLY', 'MINUTELY', 'SECONDLY'] as const;
export const [YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, MINUTELY, SECONDLY] = [0, 1, 2, 3, 4, 5, 6] as const;

/** Weekdays from Monday, as `weekday` counts them. */
export const WEEKDAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'] as const;

export interface Until {
  /** Epoch milliseconds of the instant, or of the wall clock or day read as UTC. */
  ms: number;
  kind: 'instant' | 'local' | 'date';
}

export interface WeekdayNumber {
  weekday: number;
  /** 0: every such weekday. */
  n: number;
}

/** A rule (RFC 5545 3.3.10) in numbers, each list ascending; one that is empty was not given. */
export interface RuleFields {
  freq: number;
  interval: number;
  count: number | null;
  until: Until | null;
  wkst: number;
  bymonth: readonly number[];
  byweekno: readonly number[];
  byyearday: readonly number[];
  bymonthday: readonly number[];
  byday: readonly WeekdayNumber[];
  byhour: readonly number[];
  byminute: readonly number[];
  bysecond: readonly number[];
  bysetpos: readonly number[];
}

const NONE: readonly never[] = [];

/** Reads a rule whose form has been checked (`rule.ts`). Throws RangeError where it has not been, and the form is none. */
export function readFields(rrule: string): RuleFields {
  const rule: RuleFields = {
    freq: -1,
    interval: 1,
    count: null,
    until: null,
    wkst: 0,
    bymonth: NONE,
    byweekno: NONE,
    byyearday: NONE,
    bymonthday: NONE,
    byday: NONE,
    byhour: NONE,
    byminute: NONE,
    bysecond: NONE,
    bysetpos: NONE,
  };
  for (const part of rrule.split(';')) {
    const split = part.indexOf('=');
    readPart(rule, part.slice(0, split), part.slice(split + 1));
  }
  if (rule.freq < 0) throw new RangeError('A rule without FREQ');
  return rule;
}

function readPart(rule: RuleFields, name: string, value: string): void {
  switch (name) {
    case 'FREQ':
      rule.freq = FREQUENCIES.indexOf(value as (typeof FREQUENCIES)[number]);
      return;
    case 'INTERVAL':
      rule.interval = readCount(value);
      return;
    case 'COUNT':
      rule.count = readCount(value);
      return;
    case 'UNTIL':
      rule.until = readUntil(value);
      return;
    case 'WKST':
      rule.wkst = readWeekday(value).weekday;
      return;
    case 'BYDAY':
      rule.byday = value.split(',').map(readWeekday);
      return;
    default:
      readNumbers(rule, name, value);
  }
}

function readNumbers(rule: RuleFields, name: string, value: string): void {
  const numbers = value.includes(',') ? ascending(value.split(',').map(readNumber)) : [readNumber(value)];
  switch (name) {
    case 'BYMONTH':
      rule.bymonth = numbers;
      return;
    case 'BYWEEKNO':
      rule.byweekno = numbers;
      return;
    case 'BYYEARDAY':
      rule.byyearday = numbers;
      return;
    case 'BYMONTHDAY':
      rule.bymonthday = numbers;
      return;
    case 'BYHOUR':
      rule.byhour = numbers;
      return;
    case 'BYMINUTE':
      rule.byminute = numbers;
      return;
    case 'BYSECOND':
      // A leap second: no clock of ours shows one, so it is the second before.
      rule.bysecond = numbers.includes(60) ? ascending(numbers.map((second) => Math.min(second, 59))) : numbers;
      return;
    case 'BYSETPOS':
      rule.bysetpos = numbers;
      return;
    default:
      throw new RangeError(`A rule has no part ${name.slice(0, 40)}`);
  }
}

const ascending = (numbers: number[]): number[] => [...new Set(numbers)].sort((a, b) => a - b);

function readNumber(text: string): number {
  const value = Number(text);
  if (text === '' || !Number.isInteger(value)) throw new RangeError(`${text.slice(0, 40)} is no whole number`);
  return value;
}

function readCount(text: string): number {
  const value = readNumber(text);
  if (value < 1) throw new RangeError(`${text.slice(0, 40)} counts nothing`);
  return value;
}

function readWeekday(text: string): WeekdayNumber {
  const at = text.length - 2;
  const weekday = WEEKDAYS.indexOf(text.slice(at) as (typeof WEEKDAYS)[number]);
  if (weekday < 0) throw new RangeError(`${text.slice(0, 40)} is no weekday`);
  return { weekday, n: at > 0 ? readNumber(text.slice(0, at)) : 0 };
}

function readUntil(text: string): Until {
  const match = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z)?)?$/.exec(text);
  if (!match) throw new RangeError(`UNTIL=${text.slice(0, 40)} is no time`);
  const [, year, month, day, hour, minute, second, utc] = match;
  const date = `${year}-${month}-${day}`;
  if (hour === undefined) return { ms: parseLocal(date), kind: 'date' };
  return { ms: parseLocal(`${date}T${hour}:${minute}:${second}`), kind: utc ? 'instant' : 'local' };
}
