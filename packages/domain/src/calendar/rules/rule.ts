import { DAY_MS } from './civil.ts';
import { expandSeries } from './expand.ts';
import { parseLocal, printLocal } from './local-time.ts';
import { DAILY, FREQUENCIES, HOURLY, type RuleFields, type Until, WEEKLY, YEARLY } from './rule-fields.ts';
import { readRule, RuleRefused } from './rule-grammar.ts';
import { BudgetExceeded } from './scan-output.ts';
import type { LocalTime } from './series.ts';
import { toInstant } from './zones.ts';

/** What a rule is read for: the start of its series. */
export interface RuleStart {
  starts_local: LocalTime;
  /** Null: floating, or all day. */
  time_zone: string | null;
  is_all_day: boolean;
}

const MAX_TIMES_A_DAY = 24;
/** A rule that has no occurrence for so long is a mistake. */
const HORIZON_YEARS = 10;

/**
 * A rule as it is stored: its parts in one order, upper case, without what goes without saying (`INTERVAL=1`, `WKST=MO`), UNTIL as an
 * instant in UTC, of a floating series a wall clock, of an all-day one, which has no times of day, a date. Throws RuleRefused for whatever a rule of RFC 5545
 * cannot be, or that we do not take.
 */
export function normaliseRule(text: string, start: RuleStart): string {
  const { rrule: read, rule } = readRule(start.is_all_day ? withoutTimes(text) : text);
  const rrule = rule.until === null ? read : read.replace(/UNTIL=\w+/, `UNTIL=${printUntil(rule.until, start)}`);
  checkCombination(rule);
  checkTimes(rule, start);
  if (rule.until !== null) checkUntil(rule.until, start);
  checkOccurrences(rrule, start);
  return rrule;
}

/** RFC 5545 3.3.10: times of day are not for a start that is a date, and are passed over where they stand. */
function withoutTimes(text: string): string {
  const { rrule } = readRule(text);
  const parts = rrule.split(';').filter((part) => !/^BY(HOUR|MINUTE|SECOND)=/.test(part));
  return parts.join(';');
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

/** A date is the whole day; a wall clock is that of the series, and so is what an instant shows there. */
function printUntil({ ms, kind }: Until, { time_zone, is_all_day }: RuleStart): string {
  const digits = (at: number, date_only: boolean): string => printLocal(at, date_only).replaceAll(/[-:]/g, '');
  const local = kind === 'date' && !is_all_day ? ms + DAY_MS - 1_000 : ms;
  if (time_zone === null) return digits(local, is_all_day);
  return `${digits(kind === 'instant' ? ms : toInstant(local, time_zone), false)}Z`;
}

function refuse(message: string): never {
  throw new RuleRefused('rule.combination', message);
}

/** What RFC 5545 3.3.10 lets stand together. */
function checkCombination(rule: RuleFields): void {
  const { freq, byweekno, byyearday, bymonthday, byday, bymonth, byhour, byminute, bysecond } = rule;
  const name = FREQUENCIES[freq] ?? '';
  if (rule.count !== null && rule.until !== null) refuse('COUNT and UNTIL exclude each other');
  if (byweekno.length > 0 && freq !== YEARLY) refuse('BYWEEKNO is for FREQ=YEARLY');
  if (byyearday.length > 0 && freq > YEARLY && freq <= DAILY) refuse(`BYYEARDAY is not for FREQ=${name}`);
  if (bymonthday.length > 0 && freq === WEEKLY) refuse('BYMONTHDAY is not for FREQ=WEEKLY');
  if (byday.some(({ n }) => n !== 0)) {
    if (freq >= WEEKLY) refuse(`A weekday with a number is not for FREQ=${name}`);
    if (byweekno.length > 0) refuse('A weekday with a number is not for BYWEEKNO');
  }
  const others = [byweekno, byyearday, bymonthday, byday, bymonth, byhour, byminute, bysecond];
  if (rule.bysetpos.length > 0 && others.every((list) => list.length === 0))
    refuse('BYSETPOS picks from what another BY part gives');
}

function checkTimes({ freq, interval, byhour, byminute, bysecond }: RuleFields, { is_all_day }: RuleStart): void {
  if (freq > HOURLY) throw new RuleRefused('rule.too_frequent', 'Schedules recur hourly at most');
  if (is_all_day && freq === HOURLY) refuse('An all-day schedule has no times of day');
  const hours = byhour.length > 0 ? byhour.length : freq === HOURLY ? 24 / interval : 1;
  if (hours * (byminute.length || 1) * (bysecond.length || 1) > MAX_TIMES_A_DAY)
    throw new RuleRefused('rule.too_frequent', `Schedules recur at most ${MAX_TIMES_A_DAY} times a day`);
}

function checkUntil({ ms, kind }: Until, { starts_local, time_zone }: RuleStart): void {
  const start = parseLocal(starts_local);
  const first = kind === 'instant' && time_zone !== null ? toInstant(start, time_zone) : start;
  if ((kind === 'date' ? ms + DAY_MS - 1 : ms) < first)
    throw new RuleRefused('rule.until_before_start', 'UNTIL is before the start');
}

function checkOccurrences(rrule: string, { starts_local, time_zone, is_all_day }: RuleStart): void {
  const frame = { starts_local, time_zone, is_all_day };
  const series = { ...frame, duration_seconds: 0, rrule, rdates: [], exdates: [], overrides: [] };
  const local = parseLocal(starts_local);
  const from = time_zone === null ? local : toInstant(local, time_zone);
  try {
    const [first] = expandSeries(series, { from, to: from + HORIZON_YEARS * 366 * DAY_MS }, { limit: 1 });
    if (!first)
      throw new RuleRefused('rule.no_occurrence', `It has no occurrence within ${HORIZON_YEARS} years of the start`);
  } catch (error) {
    if (!(error instanceof BudgetExceeded)) throw error;
    throw new RuleRefused('rule.too_complex', 'It takes too long to find its occurrences');
  }
}
