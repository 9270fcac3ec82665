const DAY_MS = 86_400_000;
/** Days whose text is kept: some years of calendars. */
const MAX_DAYS = 2_000;

const TWO_DIGITS = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'));
const days = new Map<number, string>();

/**
 * `2026-03-01T09:00:00` of epoch milliseconds, seconds rounded down: of an instant it lacks the `Z`. A page of a view has three
 * of these per occurrence, for which `toISOString` takes three times as long.
 */
export function printSeconds(ms: number): string {
  const day = Math.floor(ms / DAY_MS);
  const seconds = Math.floor((ms - day * DAY_MS) / 1000);
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds - hours * 3600) / 60);
  return `${printDay(day)}T${TWO_DIGITS[hours]}:${TWO_DIGITS[minutes]}:${TWO_DIGITS[seconds - hours * 3600 - minutes * 60]}`;
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
