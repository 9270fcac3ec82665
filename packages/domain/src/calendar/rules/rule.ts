import rruleLibrary from 'rrule';
import { FREQUENCIES, readFields, type RuleFields, WEEKDAYS } from './rule-fields.ts';
import { expandSeries } from './expand.ts';
import { printUntil, readUntil } from './rule-parts.ts';
import { BudgetExceeded } from './scan-output.ts';
import type { LocalTime } from './series.ts';
import { parseLocal, toInstant } from './zones.ts';

/** What a rule is read for: the start of its series. */
export interface RuleStart {
  starts_local: LocalTime;
  /** Null: floating, or all day. */
  time_zone: string | null;
  is_all_day: boolean;
}

/** Why a rule is not taken. */
export class RuleRefused extends Error {
  override readonly name = 'RuleRefused';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Characters of a rule. */
export const MAX_RULE = 512;
export const MAX_COUNT = 20_000;
const MAX_TIMES_A_DAY = 24;
const MAX_INTERVAL = 10_000;
/** A rule that has no occurrence for so long is a mistake. */
const HORIZON_YEARS = 10;

/** Ranges of the parts that are lists of numbers; negative ones count from the end. */
const RANGES: Record<string, { min: number; max: number; negative?: boolean }> = {
  BYMONTH: { min: 1, max: 12 },
  BYWEEKNO: { min: 1, max: 53, negative: true },
  BYYEARDAY: { min: 1, max: 366, negative: true },
  BYMONTHDAY: { min: 1, max: 31, negative: true },
  BYHOUR: { min: 0, max: 23 },
  BYMINUTE: { min: 0, max: 59 },
  BYSECOND: { min: 0, max: 59 },
  BYSETPOS: { min: 1, max: 366, negative: true },
};

/** The order in which a normalised rule is printed. */
const ORDER = [
  ...['FREQ', 'INTERVAL', 'COUNT', 'UNTIL', 'BYMONTH', 'BYWEEKNO', 'BYYEARDAY', 'BYMONTHDAY', 'BYDAY'],
  ...['BYHOUR', 'BYMINUTE', 'BYSECOND', 'BYSETPOS', 'WKST'],
];

/**
 * A rule as it is stored: its parts in one order, upper case, without what goes without saying (`INTERVAL=1`, `WKST=MO`), UNTIL as an
 * instant in UTC, of a floating series a wall clock, of an all-day one a date. Throws RuleRefused for whatever a rule of RFC 5545
 * cannot be, or that we do not take.
 */
export function normaliseRule(text: string, start: RuleStart): string {
  const parts = readRuleParts(text, start);
  const rrule = ORDER.flatMap((name) => (parts.has(name) ? [`${name}=${parts.get(name) ?? ''}`] : [])).join(';');
  checkCombination(readFields(rrule), start);
  checkOccurrences(rrule, start);
  return rrule;
}

/** Why a rule would be refused; null: it would not. */
export function refuseRule(text: string, start: RuleStart): { code: string; message: string } | null {
  try {
    normaliseRule(text, start);
    return null;
  } catch (error) {
    if (error instanceof RuleRefused) return { code: error.code, message: error.message };
    throw error;
  }
}

/** A normalised rule in words (English). */
export function explainRule(rrule: string): string {
  return rruleLibrary.RRule.fromString(`RRULE:${rrule}`).toText();
}

function readRuleParts(text: string, start: RuleStart): Map<string, string> {
  if (text.length > MAX_RULE) throw new RuleRefused('rule.too_long', `A rule has at most ${MAX_RULE} characters`);
  const parts = new Map<string, string>();
  for (const part of text
    .trim()
    .toUpperCase()
    .replace(/^RRULE:/, '')
    .split(';')) {
    const [name = '', value, ...rest] = part.split('=').map((piece) => piece.trim());
    if (value === undefined || value === '' || rest.length > 0)
      throw new RuleRefused('rule.malformed', `Not a part such as FREQ=DAILY: ${part.slice(0, 40) || '(nothing)'}`);
    if (parts.has(name)) throw new RuleRefused('rule.duplicate_part', `${name} is given twice`);
    parts.set(name, readPart(name, value, start));
  }
  if (!parts.has('FREQ')) throw new RuleRefused('rule.no_frequency', 'A rule needs FREQ');
  if (parts.get('INTERVAL') === '1') parts.delete('INTERVAL');
  if (parts.get('WKST') === 'MO') parts.delete('WKST');
  return parts;
}

function readPart(name: string, value: string, start: RuleStart): string {
  switch (name) {
    case 'FREQ':
      if (!(FREQUENCIES as readonly string[]).includes(value)) throw range(name, value);
      if (value === 'SECONDLY' || value === 'MINUTELY')
        throw new RuleRefused('rule.too_frequent', 'Schedules recur hourly at most');
      return value;
    case 'INTERVAL':
      return String(wholeNumber(name, value, 1, MAX_INTERVAL));
    case 'COUNT':
      return String(wholeNumber(name, value, 1, MAX_COUNT));
    case 'UNTIL':
      return readUntilPart(value, start);
    case 'WKST':
      if (!(WEEKDAYS as readonly string[]).includes(value)) throw range(name, value);
      return value;
    case 'BYDAY':
      return readWeekdays(value);
    default: {
      const limits = RANGES[name];
      if (!limits) throw new RuleRefused('rule.unknown_part', `There is no part ${name.slice(0, 40)}`);
      return readNumbers(name, value, limits);
    }
  }
}

const range = (name: string, value: string): RuleRefused =>
  new RuleRefused('rule.out_of_range', `${name} cannot be ${value.slice(0, 40)}`);

function wholeNumber(name: string, value: string, min: number, max: number): number {
  if (!/^\d{1,9}$/.test(value) || Number(value) < min || Number(value) > max)
    throw new RuleRefused(
      'rule.out_of_range',
      `${name} is a whole number from ${min} to ${max}, not ${value.slice(0, 40)}`,
    );
  return Number(value);
}

function readNumbers(
  name: string,
  value: string,
  { min, max, negative = false }: { min: number; max: number; negative?: boolean },
): string {
  const numbers = value.split(',').map((text) => {
    const number = Number(text);
    const fits = /^[+-]?\d{1,3}$/.test(text) && Math.abs(number) >= min && Math.abs(number) <= max;
    if (!fits || (!negative && text.startsWith('-'))) throw range(name, text);
    return number;
  });
  return [...new Set(numbers)].sort((a, b) => a - b).join(',');
}

function readWeekdays(value: string): string {
  const days = value.split(',').map((text) => {
    const match = /^([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)$/.exec(text);
    const n = Number(match?.[1] ?? 0);
    if (!match || (match[1] !== undefined && (n === 0 || Math.abs(n) > 53))) throw range('BYDAY', text);
    return { n, weekday: WEEKDAYS.indexOf(match[2] as (typeof WEEKDAYS)[number]) };
  });
  days.sort((a, b) => a.n - b.n || a.weekday - b.weekday);
  return [...new Set(days.map(({ n, weekday }) => `${n === 0 ? '' : n}${WEEKDAYS[weekday] ?? ''}`))].join(',');
}

function readUntilPart(value: string, start: RuleStart): string {
  const match = /^(19\d\d|20\d\d|2100)(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)Z?)?$/.exec(value);
  const text =
    match && `${match[1]}-${match[2]}-${match[3]}T${match[4] ?? '00'}:${match[5] ?? '00'}:${match[6] ?? '00'}`;
  // A day or an hour that there is not would be another one.
  const at = text === null ? NaN : Date.parse(`${text}Z`);
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 19) !== text)
    throw new RuleRefused('rule.until_invalid', `UNTIL is a time such as 20261231T235959Z, not ${value.slice(0, 40)}`);
  return printUntil(readUntil(value, start), start);
}

function checkCombination(rule: RuleFields, { is_all_day }: RuleStart): void {
  const freq = FREQUENCIES[rule.freq] as (typeof FREQUENCIES)[number];
  const refuse = (message: string): never => {
    throw new RuleRefused('rule.combination', message);
  };
  if (rule.count !== null && rule.until !== null) refuse('COUNT and UNTIL exclude each other');
  if (rule.byweekno.length > 0 && freq !== 'YEARLY') refuse('BYWEEKNO is for FREQ=YEARLY');
  if (rule.byyearday.length > 0 && (freq === 'DAILY' || freq === 'WEEKLY' || freq === 'MONTHLY'))
    refuse(`BYYEARDAY is not for FREQ=${freq}`);
  if (rule.bymonthday.length > 0 && freq === 'WEEKLY') refuse('BYMONTHDAY is not for FREQ=WEEKLY');
  if (rule.byday.some(({ n }) => n !== 0)) {
    if (freq !== 'MONTHLY' && freq !== 'YEARLY') refuse(`A weekday with a number is not for FREQ=${freq}`);
    if (rule.byweekno.length > 0) refuse('A weekday with a number is not for BYWEEKNO');
  }
  const others = [rule.bymonth, rule.byweekno, rule.byyearday, rule.bymonthday, rule.byday];
  const times = [rule.byhour, rule.byminute, rule.bysecond];
  if (rule.bysetpos.length > 0 && [...others, ...times].every((list) => list.length === 0))
    refuse('BYSETPOS picks from what another BY part gives');
  if (is_all_day && (freq === 'HOURLY' || times.some((list) => list.length > 0)))
    refuse('An all-day schedule has no times of day');
  const hours = rule.byhour.length > 0 ? rule.byhour.length : freq === 'HOURLY' ? 24 / rule.interval : 1;
  if (hours * Math.max(rule.byminute.length, 1) * Math.max(rule.bysecond.length, 1) > MAX_TIMES_A_DAY)
    throw new RuleRefused('rule.too_frequent', `Schedules recur at most ${MAX_TIMES_A_DAY} times a day`);
}

function checkOccurrences(rrule: string, start: RuleStart): void {
  const local = parseLocal(start.starts_local);
  const from = start.time_zone === null ? local : toInstant(local, start.time_zone);
  const { until } = readFields(rrule);
  if (until !== null && until.ms < (until.kind === 'instant' ? from : local))
    throw new RuleRefused('rule.until_before_start', 'UNTIL is before the start');
  const series = { ...start, duration_seconds: 0, rrule, rdates: [], exdates: [], overrides: [] };
  const window = { from, to: from + HORIZON_YEARS * 366 * 86_400_000 };
  try {
    if (expandSeries(series, window, { limit: 1 }).length > 0) return;
  } catch (error) {
    if (!(error instanceof BudgetExceeded)) throw error;
    throw new RuleRefused('rule.too_complex', 'It takes too long to find its occurrences');
  }
  throw new RuleRefused('rule.no_occurrence', `It has no occurrence within ${HORIZON_YEARS} years of the start`);
}
