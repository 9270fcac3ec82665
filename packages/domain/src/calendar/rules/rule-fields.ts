import { parseLocal } from './zones.ts';

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

/** A rule (RFC 5545 3.3.10) in numbers; a list that is empty was not given. */
export interface RuleFields {
  freq: number;
  interval: number;
  count: number | null;
  until: Until | null;
  wkst: number;
  bymonth: number[];
  byweekno: number[];
  byyearday: number[];
  bymonthday: number[];
  /** `n` 0: every such weekday. */
  byday: { weekday: number; n: number }[];
  byhour: number[];
  byminute: number[];
  bysecond: number[];
  bysetpos: number[];
}

/** Reads a rule whose form has been checked (`rule.ts`). Throws RangeError where it has not been, and the form is none. */
export function readFields(rrule: string): RuleFields {
  const parts = new Map(rrule.split(';').map((part) => part.split('=', 2) as [string, string]));
  const numbers = (name: string): number[] =>
    (parts.get(name)?.split(',') ?? []).map((text) => {
      const value = Number(text);
      if (!Number.isInteger(value)) throw new RangeError(`${name}=${text} is no whole number`);
      return value;
    });
  const sorted = (name: string): number[] => [...new Set(numbers(name))].sort((a, b) => a - b);
  const freq = FREQUENCIES.indexOf(parts.get('FREQ') as (typeof FREQUENCIES)[number]);
  const interval = numbers('INTERVAL')[0] ?? 1;
  if (freq < 0 || interval < 1) throw new RangeError(`no FREQ, or no INTERVAL: ${rrule}`);
  const until = parts.get('UNTIL');
  return {
    freq,
    interval,
    count: numbers('COUNT')[0] ?? null,
    until: until === undefined ? null : readUntilField(until),
    wkst: weekdayOf(parts.get('WKST') ?? 'MO'),
    bymonth: sorted('BYMONTH'),
    byweekno: sorted('BYWEEKNO'),
    byyearday: sorted('BYYEARDAY'),
    bymonthday: sorted('BYMONTHDAY'),
    byday: (parts.get('BYDAY')?.split(',') ?? []).map((text) => {
      const n = Number(text.slice(0, -2));
      return { weekday: weekdayOf(text.slice(-2)), n };
    }),
    byhour: sorted('BYHOUR'),
    byminute: sorted('BYMINUTE'),
    bysecond: sorted('BYSECOND'),
    bysetpos: sorted('BYSETPOS'),
  };
}

function weekdayOf(text: string): number {
  const weekday = WEEKDAYS.indexOf(text as (typeof WEEKDAYS)[number]);
  if (weekday < 0) throw new RangeError(`${text} is no weekday`);
  return weekday;
}

function readUntilField(text: string): Until {
  const match = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z)?)?$/.exec(text);
  if (!match) throw new RangeError(`UNTIL=${text} is no time`);
  const [, year, month, day, hour, minute, second, utc] = match;
  const date = `${year}-${month}-${day}`;
  if (hour === undefined) return { ms: parseLocal(date), kind: 'date' };
  return { ms: parseLocal(`${date}T${hour}:${minute}:${second}`), kind: utc ? 'instant' : 'local' };
}
