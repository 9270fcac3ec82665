import { placeLocal } from './busy-status.ts';
import { expandSeries } from './expand.ts';
import { mergeSpans } from './intervals.ts';
import { printInstant } from './print-times.ts';
import type { Override, Series, Window } from './series.ts';
import { findByName, FURTHEST_ZONE_MS, isBusy } from './viewed.ts';
import { parseLocal } from './zones.ts';

type Status = 'confirmed' | 'tentative' | 'cancelled';
type Transparency = 'opaque' | 'transparent';

/** A schedule of which no more is told than that it takes somebody's time. */
export interface BlockSource {
  series: Omit<Series, 'overrides'> & {
    overrides: (Override & { status: Status | null; transparency: Transparency | null })[];
  };
  status: Status;
  transparency: Transparency;
}

/** Starts and ends in turn of what overlaps the window; wall clocks are those of `time_zone`. Throws `BudgetExceeded`. */
export function expandBlocks(source: BlockSource, { from, to }: Window, time_zone: string): number[] {
  const { series } = source;
  const is_wall_clock = series.time_zone === null;
  const margin = is_wall_clock ? FURTHEST_ZONE_MS : 0;
  const overrideOf = findByName(series, series.overrides);
  return expandSeries(series, { from: from - margin, to: to + margin }).flatMap((occurrence) => {
    if (!isBusy(source, overrideOf(parseLocal(occurrence.recurrence_id)))) return [];
    const { starts_at, ends_at } = occurrence;
    const [start, end] = is_wall_clock ? placeLocal(starts_at, ends_at, time_zone) : [starts_at, ends_at];
    return end > from && start < to ? [start, end] : [];
  });
}

/** What these starts and ends, in turn, cover, as blocks of which none touches another. */
export function blocksOf(pairs: readonly number[]): { starts_at: string; ends_at: string }[] {
  const spans = mergeSpans(pairs);
  return Array.from({ length: spans.length / 2 }, (_, n) => ({
    starts_at: printInstant(spans[2 * n] ?? 0),
    ends_at: printInstant(spans[2 * n + 1] ?? 0),
  }));
}
