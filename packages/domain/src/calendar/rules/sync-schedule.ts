import { expandSeries } from './expand.ts';
import { printInstant } from './print-times.ts';
import { effectiveResponse, type GuestResponse, type OccurrenceResponse } from './responses.ts';
import type { LocalTime, Occurrence, Series, Window } from './series.ts';
import { findByName } from './viewed.ts';
import { parseLocal, printLocal, toLocal } from './zones.ts';

/** What one occurrence has of its own; null in it: as the series has it. */
export interface OwnContent {
  title: string | null;
  description: string | null;
  location: string | null;
  url: string | null;
  status: 'confirmed' | 'tentative' | 'cancelled' | null;
  transparency: 'opaque' | 'transparent' | null;
}

export interface SyncedSchedule {
  series: Series;
  /** The answer to the series; null: no guest. */
  response: GuestResponse | null;
  responses: OccurrenceResponse[] | null;
  overrides: (OwnContent & { recurrence_id: LocalTime })[] | null;
}

export interface SyncedOccurrence {
  recurrence_id: LocalTime;
  starts_at: string | null;
  ends_at: string | null;
  starts_local: LocalTime;
  ends_local: LocalTime;
  my_response: GuestResponse | null;
  override: OwnContent | null;
}

/**
 * The occurrences that overlap the window, or with `is_begun_included` false those that begin in it. Wall clocks are read as UTC, so
 * where whoever asks is does not matter. Throws `BudgetExceeded`.
 */
export function syncOccurrences(
  { series, response, responses, overrides }: SyncedSchedule,
  window: Window,
  { is_begun_included }: { is_begun_included: boolean },
): SyncedOccurrence[] {
  const contentOf = findByName(series, overrides);
  const print = (ms: number): LocalTime => printLocal(ms, series.is_all_day);
  const synced = ({ recurrence_id, starts_at, ends_at }: Occurrence): SyncedOccurrence => {
    const zone = series.time_zone;
    return {
      recurrence_id,
      starts_at: zone === null ? null : printInstant(starts_at),
      ends_at: zone === null ? null : printInstant(ends_at),
      starts_local: print(zone === null ? starts_at : toLocal(starts_at, zone)),
      ends_local: print(zone === null ? ends_at : toLocal(ends_at, zone)),
      my_response: response && effectiveResponse({ response }, responses ?? [], recurrence_id),
      override: ownContent(contentOf(parseLocal(recurrence_id))),
    };
  };
  return expandSeries(series, window).flatMap((occurrence) =>
    is_begun_included || occurrence.starts_at >= window.from ? [synced(occurrence)] : [],
  );
}

function ownContent(content: OwnContent | undefined): OwnContent | null {
  if (!content) return null;
  const { title, description, location, url, status, transparency } = content;
  return { title, description, location, url, status, transparency };
}
