import { dateOf, DAY_MS, dayOf, monthLength } from './civil.ts';

/** A number of two or four digits in a text; NaN: something else stands there. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (!(digit >= 0 && digit <= 9)) return NaN;
    value = value * 10 + digit;
  }
  return value;
}

function dayIn(text: string): number {
  const [year, month, day] = [digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10)];
  const is_date = text[4] === '-' && text[7] === '-' && month >= 1 && month <= 12 && day >= 1;
  return is_date && day <= monthLength(year, month) ? dayOf(year, month, day) : NaN;
}

function timeIn(text: string): number {
  const [hour, minute, second] = [digits(text, 11, 13), digits(text, 14, 16), digits(text, 17, 19)];
  const is_time = text[10] === 'T' && text[13] === ':' && text[16] === ':' && hour < 24 && minute < 60 && second < 60;
  return is_time ? ((hour * 60 + minute) * 60 + second) * 1_000 : NaN;
}

/** `2026-03-01T09:00:00` or `2026-03-01` as epoch milliseconds, read as UTC. Throws RangeError for anything else. */
export function parseLocal(text: string): number {
  const is_date = text.length === 10;
  const ms = is_date || text.length === 19 ? dayIn(text) * DAY_MS + (is_date ? 0 : timeIn(text)) : NaN;
  if (Number.isNaN(ms)) throw new RangeError(`Not a local time: ${text.slice(0, 40)}`);
  return ms;
}

/** Dates and times of day that were printed before: a calendar asks for the same ones again and again. */
const dates = new Map<number, string>();
const times = new Map<number, string>();
/** As many as there are days from 1900 to 2100, and half as many as a day has seconds. */
const MAX_DATES = 73_414;
const MAX_TIMES = 43_200;

const pad = (value: number, size: number): string => String(value).padStart(size, '0');

function printDate(days: number): string {
  let text = dates.get(days);
  if (text === undefined) {
    const { year, month, day } = dateOf(days);
    text = `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
    if (dates.size < MAX_DATES) dates.set(days, text);
  }
  return text;
}

function printTime(ms: number): string {
  let text = times.get(ms);
  if (text === undefined) {
    const second = Math.floor(ms / 1_000);
    text = `T${pad(Math.floor(second / 3_600), 2)}:${pad(Math.floor(second / 60) % 60, 2)}:${pad(second % 60, 2)}`;
    if (times.size < MAX_TIMES) times.set(ms, text);
  }
  return text;
}

/** The other way round; all day: the date alone. */
export function printLocal(ms: number, is_all_day: boolean): string {
  const days = Math.floor(ms / DAY_MS);
  return is_all_day ? printDate(days) : printDate(days) + printTime(ms - days * DAY_MS);
}
