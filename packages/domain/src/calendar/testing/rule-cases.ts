import { expandSeries } from '../rules/expand.ts';
import type { Series } from '../rules/series.ts';

/** A worked case: a series, a window of starts, and the instants that are right. */
export interface RuleCase {
  id: string;
  dtstart: string;
  /** `floating`: none. */
  tzid: string;
  rrule: string;
  rdate?: string[];
  exdate?: string[];
  allDay?: boolean;
  window: string[];
  expected: string[];
}

/** A series without length or overrides. */
export const ruleSeries = (starts_local: string, time_zone: string | null, rrule: string | null): Series => ({
  starts_local,
  time_zone,
  is_all_day: false,
  duration_seconds: 0,
  rrule,
  rdates: [],
  exdates: [],
  overrides: [],
});

export function caseSeries({ dtstart, tzid, rrule, rdate = [], exdate = [], allDay = false }: RuleCase): Series {
  const series = ruleSeries(dtstart, tzid === 'floating' ? null : tzid, rrule);
  return { ...series, is_all_day: allDay, rdates: rdate, exdates: exdate };
}

/** The instants that we find, in the form of `expected`. */
export function expandCase(each: RuleCase): string[] {
  const [from, to] = each.window.map((text) => Date.parse(text)) as [number, number];
  return expandSeries(caseSeries(each), { from, to }).map(({ starts_at }) => printInstant(starts_at));
}

export const printInstant = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
