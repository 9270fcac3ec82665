/** A stretch of local days, as whoever stored the text resolved it (`yesterday`). */
export interface DayRange {
  from: string;
  to: string;
}

const MONTHS: Record<string, number> = {};
const NAMES = [
  'january jan januari',
  'february feb februari',
  'march mar maret',
  'april apr',
  'may mei',
  'june jun juni',
  'july jul juli',
  'august aug agustus agu ags',
  'september sep sept',
  'october oct oktober okt',
  'november nov',
  'december dec desember des',
];
NAMES.forEach((names, index) => names.split(' ').forEach((name) => (MONTHS[name] = index + 1)));
const MONTH = Object.keys(MONTHS)
  .sort((a, b) => b.length - a.length)
  .join('|');

const ISO_DAY = /\b(\d{4})-(\d{2})-(\d{2})\b/g;
const DAY_FIRST = new RegExp(String.raw`\b(\d{1,2})(?:st|nd|rd|th)?(?: of)? (${MONTH})\b\.?,? ?(\d{4})\b`, 'gi');
const MONTH_FIRST = new RegExp(String.raw`\b(${MONTH})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})\b`, 'gi');
const MONTH_ALONE = new RegExp(String.raw`\b(${MONTH})\.?,? (\d{4})\b`, 'gi');

/** More days than these are found by their months alone. */
const MAX_DAYS = 14;
const MAX_MONTHS = 24;
const DAY_MS = 86_400_000;

const two = (value: number): string => String(value).padStart(2, '0');

/** Terms of days and months; no word begins with `@`. */
const dayTerm = (year: string, month: number, day: number): string[] =>
  month >= 1 && month <= 12 && day >= 1 && day <= 31
    ? [`@${year}-${two(month)}-${two(day)}`, `@${year}-${two(month)}`]
    : [];
const monthOf = (name: string | undefined): number => MONTHS[(name ?? '').toLowerCase()] ?? 0;

/** The dates that a text names in full, in figures or in words, English or Indonesian. */
export function writtenDateTerms(text: string): string[] {
  if (!/\d{4}/.test(text)) return [];
  const terms = new Set<string>();
  const addAll = (found: string[]): void => found.forEach((term) => terms.add(term));
  for (const [, year, month, day] of text.matchAll(ISO_DAY)) addAll(dayTerm(year ?? '', Number(month), Number(day)));
  for (const [, day, month, year] of text.matchAll(DAY_FIRST)) addAll(dayTerm(year ?? '', monthOf(month), Number(day)));
  for (const [, month, day, year] of text.matchAll(MONTH_FIRST))
    addAll(dayTerm(year ?? '', monthOf(month), Number(day)));
  for (const [, month, year] of text.matchAll(MONTH_ALONE)) terms.add(`@${year ?? ''}-${two(monthOf(month))}`);
  return [...terms];
}

/** The days of a stretch, if they are few, and its months. */
export function rangeTerms({ from, to }: DayRange): string[] {
  const first = Date.parse(from.slice(0, 10));
  const last = Date.parse(to.slice(0, 10));
  if (Number.isNaN(first) || Number.isNaN(last) || last < first) return [];
  const terms = new Set<string>();
  const is_short = (last - first) / DAY_MS < MAX_DAYS;
  for (let at = first; at <= last && terms.size < MAX_DAYS + MAX_MONTHS; at += DAY_MS) {
    const day = new Date(at).toISOString().slice(0, 10);
    if (is_short) terms.add(`@${day}`);
    terms.add(`@${day.slice(0, 7)}`);
  }
  return [...terms];
}
