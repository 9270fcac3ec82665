import { strict } from 'chrono-node/en';
import { DAY_MS } from '../../calendar/rules/civil.ts';
import { dayIn, type DateRef, type DateSpan, oneDay, range, yearFor } from './date-spans.ts';

/** Spelt-out dates alone are left to it: a month by its name must be there. */
const WORTH = /\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)/iu;

/** Its time grows with the square of what it reads. */
const MAX_READ = 2_000;

/** A year by its last two digits, or before Christ, is nobody's appointment. */
const [FIRST_YEAR, LAST_YEAR] = [1900, 2200];

/**
 * Dates that are written out in English ("the twenty-second of October", "5 Sept. '24"), by chrono-node. Its arithmetic is that of the
 * process's zone: it is given the person's wall clock as if that were UTC, and only the day and month that the text names are taken.
 */
export function scanChrono(text: string, ref: DateRef): DateSpan[] {
  if (!WORTH.test(text)) return [];
  const read = text.slice(0, MAX_READ);
  const spans: DateSpan[] = [];
  for (const { index, text: said, start, end } of strict.parse(read, {
    instant: new Date(ref.today * DAY_MS + DAY_MS / 2),
    timezone: 0,
  })) {
    const from = dayOf(start, ref, index);
    const to = end ? dayOf(end, ref, index) : from;
    if (from === null) continue;
    spans.push({
      start: index,
      end: index + said.length,
      part: null,
      ...(to === null || to <= from ? oneDay(from) : range(from, to)),
    });
  }
  return spans;
}

interface Components {
  isCertain(component: 'year' | 'month' | 'day'): boolean;
  get(component: 'year' | 'month' | 'day'): number | null;
}

function dayOf(parts: Components, ref: DateRef, at: number): number | null {
  const [month, day] = [parts.get('month'), parts.get('day')];
  if (!parts.isCertain('month') || !parts.isCertain('day') || month === null || day === null) return null;
  const year = parts.isCertain('year') ? parts.get('year') : yearFor(month, day, ref, at);
  return year === null || year < FIRST_YEAR || year > LAST_YEAR ? null : dayIn(year, month, day);
}
