import { DAY_MS } from '../../calendar/rules/civil.ts';
import { parseLocal } from '../../calendar/rules/zones.ts';
import { DAY, HOUR } from './clock-words.ts';
import { isSaidRule } from './said-rule.ts';
import type { SaidTimes } from './said-times.ts';

/** The times that a write would write, on the person's clocks. What is absent is not written. */
export interface Timing {
  /** `2026-03-01T09:00:00`, or a day. */
  starts_local?: string | undefined;
  /** Where that stands now, and may go from by so much. */
  from_local?: string | undefined;
  /** Minutes. */
  length?: number | undefined;
  rrule?: string | undefined;
  /** When what is to go begins: of days and times that are said, it must be one. */
  meant_local?: string | undefined;
  /** It was due lately and is to come again: whoever says no time leaves it open. */
  is_again?: boolean | undefined;
}

/** Minutes that something may take without anybody having said how long. */
const USUAL_LENGTH = 4 * HOUR;
/** Days within which the first of a series comes where its day is not said. */
const PERIODS: Readonly<Record<string, number>> = { HOURLY: 1, DAILY: 1, WEEKLY: 7, MONTHLY: 62, YEARLY: 366 };

interface Local {
  day: number;
  /** Of the day; null: it is the day that is meant. */
  minute: number | null;
}

function localOf(text: string): Local {
  const ms = parseLocal(text);
  const day = Math.floor(ms / DAY_MS);
  return { day, minute: text.includes('T') ? Math.floor((ms - day * DAY_MS) / 60_000) : null };
}

/** Whether these are the times that the person said, as far as they said any. What they did not say is theirs to confirm. */
export function isSaidWhen(timing: Timing, said: SaidTimes): boolean {
  const { starts_local, from_local, length, rrule, meant_local } = timing;
  if (rrule !== undefined && !isSaidRule(rrule, said)) return false;
  if (meant_local !== undefined && !isMeant(localOf(meant_local), said)) return false;
  const start = starts_local === undefined ? null : localOf(starts_local);
  if (start && from_local !== undefined) {
    if (!isSaidMove(start, localOf(from_local), said)) return false;
  } else if (start && !isSaidStart(start, timing, said)) return false;
  return length === undefined || isSaidLength(length, start, said);
}

const isIn = (day: number, { days }: SaidTimes): boolean => days.some(({ from, to }) => day >= from && day <= to);

/** The time of day, by the clock or by its part. */
const isSaidMinute = (minute: number, { minutes, bare_minutes, parts }: SaidTimes): boolean =>
  minutes.has(minute) || bare_minutes.has(minute) || parts.some(({ from, to }) => minute >= from && minute <= to);

const saysTime = ({ minutes, parts }: SaidTimes): boolean => minutes.size > 0 || parts.length > 0;

/** So many minutes from the message on, to the minute or the next whole one. */
function isSaidOffset({ day, minute }: Local, { lengths, minutesTo }: SaidTimes): boolean {
  if (minute === null || lengths.size === 0) return false;
  const from_now = minutesTo(day * DAY_MS + minute * 60_000);
  return lengths.has(from_now) || lengths.has(from_now - 1);
}

function isSaidStart(start: Local, { rrule, is_again }: Timing, said: SaidTimes): boolean {
  if (isSaidOffset(start, said)) return true;
  const { day, minute } = start;
  if (is_again === true && !saysTime(said) && said.lengths.size === 0) return day <= said.today + 1;
  // Of every hour the first may be any.
  const is_hourly = rrule?.includes('FREQ=HOURLY') === true;
  if (minute !== null && !is_hourly && !isSaidMinute(minute, said)) return false;
  if (isIn(day, said)) return true;
  // `At twelve tonight` is a time of tomorrow.
  if (minute !== null && minute < 6 * HOUR && isIn(day - 1, said)) return true;
  if (said.days.length > 0 && rrule === undefined) return false;
  const period = Math.max(1, ...said.recurrences.map(({ freq, interval }) => (PERIODS[freq] ?? 1) * interval));
  const first = Math.max(said.today, ...said.days.map(({ from }) => from));
  return (minute !== null || said.recurrences.length > 0) && day >= said.today && day <= first + period;
}

/** What is not said stays as it is, and something must be said. */
function isSaidMove(start: Local, from: Local, said: SaidTimes): boolean {
  const by = Math.abs((start.day - from.day) * DAY + (start.minute ?? 0) - (from.minute ?? 0));
  if (by > 0 && said.lengths.has(by)) return true;
  const same_minute = start.minute === from.minute;
  if (!same_minute && (start.minute === null || !isSaidMinute(start.minute, said))) return false;
  if (start.day === from.day || isIn(start.day, said)) return true;
  return said.days.length === 0 && !same_minute && (start.day === said.today || start.day === said.today + 1);
}

/** What is meant by its day, or its time, is of that day, and of that time. */
function isMeant({ day, minute }: Local, said: SaidTimes): boolean {
  if (said.days.length > 0 && !isIn(day, said)) return false;
  return minute === null || !saysTime(said) || isSaidMinute(minute, said);
}

function isSaidLength(length: number, start: Local | null, said: SaidTimes): boolean {
  if (said.lengths.has(length)) return true;
  if (start === null) return false;
  if (start.minute === null) {
    const last = start.day + Math.ceil(length / DAY) - 1;
    return last === start.day || isIn(last, said);
  }
  return length <= USUAL_LENGTH || isSaidMinute((start.minute + length) % DAY, said);
}
