import type { UserCtx } from '../platform/ctx.ts';

/** The packed busy time of one person in one week (`rules/intervals.ts`), with the stamp that it is valid by. */
export interface CachedWeek {
  week: number;
  stamp: string;
  packed: string;
}

/** These people in the weeks `first` to `last`. */
export interface BusyQuestion {
  user_ids: readonly string[];
  first: number;
  last: number;
}

/** Copies of when people are busy, shared by all replicas. Never the truth: each is worth as much as its stamp. */
export interface BusyCache {
  /**
   * What is kept, whatever its stamp: for each question, for each of its people, in their order. Null when the store does not
   * answer: at once, without a promise, when it is known to be away. Never rejects.
   */
  read(questions: readonly BusyQuestion[]): Promise<CachedWeek[][][] | null> | null;
  /** Keeps these weeks of each person, which follow each other, instead of what was kept of them. Never rejects. */
  write(people: readonly { user_id: string; weeks: readonly CachedWeek[] }[]): Promise<void>;
  /** How weeks were answered, for the metrics. */
  count(outcome: 'hit' | 'miss' | 'stale' | 'bypass', weeks: number): void;
}

/** What reading of free/busy needs of the world. */
export interface BusyCtx extends UserCtx {
  busy: BusyCache;
}
