const DAY_MS = 86_400_000;
/** Days whose text is kept: some years of calendars. */
const MAX_DAYS = 2_000;

const days = new Map<number, string>();
const TWO_DIGITS = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'));
const MINUTES = Array.from({ length: 1440 }, (_, n) => `T${TWO_DIGITS[Math.floor(n / 60)]}:${TWO_DIGITS[n % 60]}:00`);

/**
 * `2026-03-01T09:00:00` of epoch milliseconds, seconds rounded down: of an instant it lacks the `Z`. A page of a view has three
 * of these per occurrence, and `toISOString` would take more time than the page.
 */
export function printSeconds(ms: number): string {
  const day = Math.floor(ms / DAY_MS);
  return printDay(day) + printTime(Math.floor((ms - day * DAY_MS) / 1000));
}

/** `2026-03-01` of the number of days since 1970. */
export function printDay(day: number): string {
  let text = days.get(day);
  if (text === undefined) {
    if (days.size >= MAX_DAYS) days.clear();
    text = new Date(day * DAY_MS).toISOString().slice(0, 10);
    days.set(day, text);
  }
  return text;
}

export const printInstant = (ms: number): string => `${printSeconds(ms)}Z`;

/** `T09:00:00` of the second of the day: most begin and end with a minute. */
function printTime(second_of_day: number): string {
  const minute = Math.floor(second_of_day / 60);
  const text = MINUTES[minute] ?? '';
  const second = second_of_day - minute * 60;
  return second === 0 ? text : `${text.slice(0, 7)}${TWO_DIGITS[second]}`;
}
