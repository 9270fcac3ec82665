import rruleLibrary from 'rrule';
import { DAY_MS } from './civil.ts';
import { parseLocal, printLocal } from './local-time.ts';
import { HOURLY, readFields, type RuleFields, WEEKLY } from './rule-fields.ts';
import type { RuleStart } from './rule.ts';
import { timesOfDay } from './time-sets.ts';
import { toLocal } from './zones.ts';

/** What the library says rightly; the rest it leaves out (BYSETPOS, BYMINUTE), or says of UTC (UNTIL), or cuts short (BYMONTHDAY=-1). */
const SAID_BY_LIBRARY = ['FREQ', 'INTERVAL', 'BYMONTH', 'BYWEEKNO', 'BYYEARDAY', 'BYDAY'];

/** A normalised rule in words (English), of a series that begins so: `every 2 weeks on Monday at 09:00, until December 31, 2026`. */
export function explainRule(rrule: string, start: RuleStart): string {
  const rule = readFields(rrule);
  const said = rrule.split(';').filter((part) => SAID_BY_LIBRARY.includes(part.slice(0, part.indexOf('='))));
  const text = rruleLibrary.RRule.fromString(`RRULE:${said.join(';')}`).toText();
  return (
    text + daysOfMonth(rule) + timesText(rule, start) + positionsText(rule) + weeksText(rule) + endText(rule, start)
  );
}

function daysOfMonth({ bymonthday, byday }: RuleFields): string {
  if (bymonthday.length === 0) return '';
  const days = fromBeginning(bymonthday).map((day) => `${ordinal(day)}${day < 0 ? ' day' : ''}`);
  return byday.length > 0 ? `, if it is the ${list(days, 'or')} of the month` : ` on the ${list(days, 'and')}`;
}

function timesText(rule: RuleFields, { starts_local }: RuleStart): string {
  const { byhour, byminute, bysecond, freq } = rule;
  if (byhour.length + byminute.length + bysecond.length === 0) return '';
  const start = parseLocal(starts_local);
  const time = start - Math.floor(start / DAY_MS) * DAY_MS;
  const hours = freq === HOURLY && byhour.length === 0 ? [0] : byhour;
  const times = timesOfDay({ ...rule, byhour: hours }, time).map((each) => printLocal(each, false).slice(11));
  const short = times.map((each) => (each.endsWith(':00') ? each.slice(0, 5) : each));
  // Hours that are not given pass one after the other: only the minutes can be said.
  if (freq === HOURLY && byhour.length === 0)
    return ` at ${list(
      short.map((each) => each.slice(2)),
      'and',
    )}`;
  return `${freq === HOURLY ? ', if it is' : ' at'} ${list(short, freq === HOURLY ? 'or' : 'and')}`;
}

function positionsText({ bysetpos, freq }: RuleFields): string {
  if (bysetpos.length === 0) return '';
  const period = ['year', 'month', 'week', 'day', 'hour'][freq] ?? '';
  return `, but only the ${list(fromBeginning(bysetpos).map(ordinal), 'and')} of each ${period}`;
}

function weeksText({ freq, interval, wkst, byweekno }: RuleFields): string {
  if (wkst === 0 || (byweekno.length === 0 && (freq !== WEEKLY || interval === 1))) return '';
  return `, weeks beginning on ${WEEKDAY_NAMES[wkst] ?? ''}`;
}

function endText({ count, until }: RuleFields, { time_zone }: RuleStart): string {
  if (count !== null) return count === 1 ? ', once' : `, ${count} times`;
  if (until === null) return '';
  const local = until.kind === 'instant' && time_zone !== null ? toLocal(until.ms, time_zone) : until.ms;
  const [year, month, day] = printLocal(local, true).split('-').map(Number) as [number, number, number];
  return `, until ${MONTH_NAMES[month - 1] ?? ''} ${day}, ${year}`;
}

const WEEKDAY_NAMES = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const MONTH_NAMES = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November'],
  'December',
];

/** Positions from the end after those from the beginning. */
const fromBeginning = (numbers: readonly number[]): number[] => [
  ...numbers.filter((n) => n > 0),
  ...numbers.filter((n) => n < 0),
];

/** `1st`, `22nd`, `last`, `3rd to last`. */
function ordinal(n: number): string {
  if (n === -1) return 'last';
  const size = Math.abs(n);
  const ending = size % 100 > 10 && size % 100 < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][size % 10] ?? 'th');
  return `${size}${ending}${n < 0 ? ' to last' : ''}`;
}

function list(texts: string[], word: 'and' | 'or'): string {
  const last = texts.at(-1) ?? '';
  return texts.length < 2 ? last : `${texts.slice(0, -1).join(', ')} ${word} ${last}`;
}
