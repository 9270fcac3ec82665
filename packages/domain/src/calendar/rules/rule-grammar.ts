import { FREQUENCIES, readFields, type RuleFields, WEEKDAYS } from './rule-fields.ts';

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
/** Half a century of days. */
const MAX_COUNT = 20_000;
const MAX_INTERVAL = 10_000;

interface Range {
  min: number;
  max: number;
  /** -1 is the last. */
  from_end?: boolean;
}

/** Of the parts that are lists of numbers. */
const RANGES: Record<string, Range> = {
  BYMONTH: { min: 1, max: 12 },
  BYWEEKNO: { min: 1, max: 53, from_end: true },
  BYYEARDAY: { min: 1, max: 366, from_end: true },
  BYMONTHDAY: { min: 1, max: 31, from_end: true },
  BYHOUR: { min: 0, max: 23 },
  BYMINUTE: { min: 0, max: 59 },
  // 60 is a leap second.
  BYSECOND: { min: 0, max: 60 },
  BYSETPOS: { min: 1, max: 366, from_end: true },
};

/** The order in which a rule is stored. */
const ORDER = [
  ...['FREQ', 'INTERVAL', 'COUNT', 'UNTIL', 'BYMONTH', 'BYWEEKNO', 'BYYEARDAY', 'BYMONTHDAY', 'BYDAY'],
  ...['BYHOUR', 'BYMINUTE', 'BYSECOND', 'BYSETPOS', 'WKST'],
];

/** What goes without saying. */
const DEFAULTS = ['INTERVAL=1', 'WKST=MO'];

/**
 * Reads a rule as people and programs write it (in any case and order, with or without `RRULE:`) by the grammar of RFC 5545 3.3.10, and
 * prints its parts in one form; UNTIL stays as it is, or is left out when no schedule is as late. Throws RuleRefused for what is no rule.
 */
export function readRule(text: string): { rrule: string; rule: RuleFields } {
  if (text.length > MAX_RULE) throw new RuleRefused('rule.too_long', `A rule has at most ${MAX_RULE} characters`);
  // Upper case is made of letters that look different, too.
  if (!/^[\x20-\x7e\s]*$/.test(text)) throw new RuleRefused('rule.malformed', 'A rule is made of ASCII characters');
  const rule = text.trim().toUpperCase();
  const parts = new Map<string, string>();
  for (const part of (rule.startsWith('RRULE:') ? rule.slice(6) : rule).split(';')) {
    const [name = '', value = '', ...rest] = part.split('=').map((piece) => piece.trim());
    if (name === '' || value === '' || rest.length > 0)
      throw new RuleRefused('rule.malformed', `Not a part such as FREQ=DAILY: ${part.slice(0, 40) || '(nothing)'}`);
    if (parts.has(name)) throw new RuleRefused('rule.duplicate_part', `${name.slice(0, 40)} is given twice`);
    parts.set(name, readPart(name, value));
  }
  if (isForEver(parts.get('UNTIL'))) parts.delete('UNTIL');
  if (!parts.has('FREQ')) throw new RuleRefused('rule.no_frequency', 'A rule needs FREQ');
  const printed = ORDER.flatMap((name) => (parts.has(name) ? [`${name}=${parts.get(name) ?? ''}`] : []));
  const rrule = printed.filter((part) => !DEFAULTS.includes(part)).join(';');
  return { rrule, rule: readFields(rrule) };
}

function readPart(name: string, value: string): string {
  switch (name) {
    case 'FREQ':
      return oneOf(FREQUENCIES, name, value);
    case 'INTERVAL':
      return wholeNumber(name, value, MAX_INTERVAL);
    case 'COUNT':
      return wholeNumber(name, value, MAX_COUNT);
    case 'UNTIL':
      return readUntil(value);
    case 'WKST':
      return oneOf(WEEKDAYS, name, value);
    case 'BYDAY':
      return readWeekdays(value);
    default: {
      const range = Object.hasOwn(RANGES, name) ? RANGES[name] : undefined;
      if (!range) throw new RuleRefused('rule.unknown_part', `There is no part ${name.slice(0, 40)}`);
      return readNumbers(name, value, range);
    }
  }
}

const splitList = (value: string): string[] => value.split(',').map((text) => text.trim());

const outOfRange = (name: string, value: string): RuleRefused =>
  new RuleRefused('rule.out_of_range', `${name} cannot be ${value.slice(0, 40)}`);

function oneOf(values: readonly string[], name: string, value: string): string {
  if (!values.includes(value)) throw outOfRange(name, value);
  return value;
}

function wholeNumber(name: string, value: string, max: number): string {
  const number = /^\d{1,9}$/.test(value) ? Number(value) : 0;
  if (number < 1 || number > max)
    throw new RuleRefused('rule.out_of_range', `${name} is a whole number from 1 to ${max}, not ${value.slice(0, 40)}`);
  return String(number);
}

/** The order of positions in one list: every, from the beginning, from the end. */
const rank = (n: number): number => (n === 0 ? 0 : n > 0 ? 1 : 2);

function readNumbers(name: string, value: string, { min, max, from_end = false }: Range): string {
  const numbers = splitList(value).map((text) => {
    const number = Number(text);
    const size = Math.abs(number);
    if (!/^[+-]?\d{1,3}$/.test(text) || size < min || size > max) throw outOfRange(name, text);
    if (!from_end && text.startsWith('-')) throw outOfRange(name, text);
    return name === 'BYSECOND' ? Math.min(number, 59) : number;
  });
  return [...new Set(numbers)].sort((a, b) => rank(a) - rank(b) || a - b).join(',');
}

function readWeekdays(value: string): string {
  const days = splitList(value).map((text) => {
    const match = /^([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)$/.exec(text);
    const n = Number(match?.[1] ?? 0);
    if (!match || (match[1] !== undefined && n === 0) || Math.abs(n) > 53) throw outOfRange('BYDAY', text);
    return { n, weekday: (WEEKDAYS as readonly string[]).indexOf(match[2] ?? '') };
  });
  days.sort((a, b) => rank(a.n) - rank(b.n) || a.n - b.n || a.weekday - b.weekday);
  return [...new Set(days.map(({ n, weekday }) => `${n || ''}${WEEKDAYS[weekday] ?? ''}`))].join(',');
}

function readUntil(value: string): string {
  const match = /^(19\d\d|[2-9]\d\d\d)(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)Z?)?$/.exec(value);
  const text =
    match && `${match[1]}-${match[2]}-${match[3]}T${match[4] ?? '00'}:${match[5] ?? '00'}:${match[6] ?? '00'}`;
  const at = text === null ? NaN : Date.parse(`${text}Z`);
  // A day or an hour that there is not would be another one.
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 19) !== text)
    throw new RuleRefused('rule.until_invalid', `UNTIL is a time such as 20261231T235959Z, not ${value.slice(0, 40)}`);
  return value;
}

/** Programs write `99991231T235959Z` for what has no end; no schedule is later than 2100. */
const isForEver = (until: string | undefined): boolean => until !== undefined && until >= '2101';
