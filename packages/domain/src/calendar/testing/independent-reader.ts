import nodeIcal from 'node-ical';

/** One occurrence as somebody else's program reads it: all-day ones by their date. */
export interface ReadOccurrence {
  title: string;
  /** ISO 8601, UTC; all day: a date. */
  start: string;
  end: string;
}

/**
 * What node-ical makes of a file between two instants: an independent reader (its own parser, rrule-temporal for the rules). Sorted,
 * without what was cancelled.
 */
export function readIndependently(ics: string, from: Date, to: Date): ReadOccurrence[] {
  const occurrences: ReadOccurrence[] = [];
  for (const component of Object.values(nodeIcal.sync.parseICS(ics))) {
    if (component?.type !== 'VEVENT') continue;
    const instances = nodeIcal.expandRecurringEvent(component, { from, to, expandOngoing: true });
    for (const { start, end, isFullDay, event, summary } of instances) {
      if (event.status === 'CANCELLED' || start.getTime() >= to.getTime() || end.getTime() <= from.getTime()) continue;
      const title = typeof summary === 'string' ? summary : summary.val;
      occurrences.push({ title, start: print(start, isFullDay), end: print(end, isFullDay) });
    }
  }
  return occurrences.sort(byTimeAndTitle);
}

/** node-ical gives a date as midnight in the zone of the process. */
function print(date: Date, is_date: boolean): string {
  if (!is_date) return date.toISOString().replace('.000Z', 'Z');
  const pad = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

export const byTimeAndTitle = (a: ReadOccurrence, b: ReadOccurrence): number =>
  [a.start, a.title, a.end].join().localeCompare([b.start, b.title, b.end].join());
