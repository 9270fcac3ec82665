import { listBusy, nameOccurrences, type BusyRow } from '@potentia/db/calendar/freebusy-queries';
import { fromDb } from '../platform/db-errors.ts';
import type { BusyCtx } from './busy-cache.ts';
import type { Conflict } from './freebusy-schemas.ts';
import { loadBusy, type PersonBusy } from './load-busy.ts';
import { expandBusy, placeLocal } from './rules/busy-status.ts';
import { expandSeries } from './rules/expand.ts';
import { meetsSpans, mergeSpans, unpackWeeks } from './rules/intervals.ts';
import { printInstant } from './rules/print-times.ts';
import type { Series } from './rules/series.ts';

const DAY_MS = 86_400_000;
/** How far ahead, and at how many occurrences, a series is looked at. */
const HORIZON_MS = 366 * DAY_MS;
const MAX_OCCURRENCES = 200;
const MAX_CONFLICTS = 20;

export interface ConflictQuery {
  /** The organiser and the guests who have an account. Whom the caller may not ask about is left out. */
  user_ids: readonly string[];
  /** Of the schedule as it will be. Of one that makes nobody busy (transparent, cancelled) there is nothing to ask. */
  series: Series;
  /** Schedules that do not count: the one that is being changed, and both halves of one that is being cut. */
  ignore_schedule_ids?: readonly string[];
}

/** Somebody, and a time at which they are to be at two places. Epoch milliseconds. */
interface Clash {
  user_id: string;
  from: number;
  to: number;
}

/** Start and end. */
type Time = [number, number];

/** Something that is in the way, not yet named. */
interface Obstacle {
  user_id: string;
  schedule_id: string;
  recurrence_id: string;
  starts_at: number;
  ends_at: number;
  status: 'busy' | 'tentative';
}

/**
 * Where these people are busy already while an occurrence of `series` takes place: the first 20, of its first 200 occurrences
 * in the next 366 days. The reason is named where the caller may read it, and is null otherwise. The merged busy time
 * says whether there is any; only then is the reason looked for. Throws `platform.database_unavailable`, `BudgetExceeded`.
 */
export async function findConflicts(ctx: BusyCtx, query: ConflictQuery): Promise<Conflict[]> {
  const { series } = query;
  const ignore_schedule_ids = query.ignore_schedule_ids ?? [];
  const now = ctx.clock().getTime();
  const user_ids = [...new Set(query.user_ids)];
  const occurrences = expandSeries(series, { from: now, to: now + HORIZON_MS }, { limit: MAX_OCCURRENCES });
  const times = occurrences.slice(0, MAX_OCCURRENCES).map(({ starts_at, ends_at }): Time => [starts_at, ends_at]);
  if (times.length === 0 || user_ids.length === 0) return [];
  const loaded = await loadBusy(ctx, {
    user_ids,
    from: Math.min(...times.flat()) - DAY_MS,
    to: Math.max(...times.flat()) + DAY_MS,
    ignore_schedule_ids,
  });
  const clashes = loaded
    .filter((person) => person !== null)
    .flatMap((person) => clashesOf(person, series.time_zone === null, times))
    .sort((a, b) => a.from - b.from)
    .slice(0, MAX_CONFLICTS);
  if (clashes.length === 0) return [];
  const obstacles = await findObstacles(ctx, clashes, ignore_schedule_ids);
  const names = await fromDb(() => nameOccurrences(ctx.db, ctx.actor.user_id, obstacles));
  return obstacles.map(({ user_id, starts_at, ends_at, status }, i) => ({
    user_id,
    starts_at: printInstant(starts_at),
    ends_at: printInstant(ends_at),
    status,
    occurrence: names[i] ?? null,
  }));
}

/** The occurrences at which this person is busy, in their own zone where the series has none. */
function clashesOf({ user_id, time_zone, weeks }: PersonBusy, is_local: boolean, times: readonly Time[]): Clash[] {
  const { busy, tentative } = unpackWeeks(weeks);
  const taken = mergeSpans([...busy, ...tentative]);
  const clashes: Clash[] = [];
  for (const [starts_at, ends_at] of times) {
    const [from, to] = is_local ? placeLocal(starts_at, ends_at, time_zone) : [starts_at, ends_at];
    if (from < to && meetsSpans(taken, from, to)) clashes.push({ user_id, from, to });
  }
  return clashes;
}

/** What is behind the clashes, each once, in the order of its start. */
async function findObstacles(
  ctx: BusyCtx,
  clashes: readonly Clash[],
  ignore_schedule_ids: readonly string[],
): Promise<Obstacle[]> {
  const rows = await fromDb(() =>
    listBusy(ctx.db, {
      user_id: ctx.actor.user_id,
      windows: clashes.map(({ user_id, from, to }) => ({ user_id, from: isoText(from), to: isoText(to) })),
      ignore_schedule_ids,
    }),
  );
  const found = new Map<string, Obstacle>();
  for (const row of rows) {
    const clash = clashes[row.n - 1];
    for (const obstacle of clash ? obstaclesOf(row, clash) : [])
      found.set(`${obstacle.user_id} ${obstacle.schedule_id} ${obstacle.recurrence_id}`, obstacle);
  }
  return [...found.values()].sort((a, b) => a.starts_at - b.starts_at).slice(0, MAX_CONFLICTS);
}

function obstaclesOf({ time_zone, instances, series }: BusyRow, { user_id, from, to }: Clash): Obstacle[] {
  const toInstants = (
    is_local: boolean,
    starts_at: number,
    ends_at: number,
  ): { starts_at: number; ends_at: number } => {
    const [from, to] = is_local ? placeLocal(starts_at, ends_at, time_zone) : [starts_at, ends_at];
    return { starts_at: from, ends_at: to };
  };
  const written = (instances ?? []).map(({ schedule_id, recurrence_id, status, is_local, starts_at, ends_at }) => ({
    ...{ user_id, schedule_id, recurrence_id, status },
    ...toInstants(is_local, starts_at * 1000, ends_at * 1000),
  }));
  const expanded = (series ?? []).flatMap((schedule) =>
    expandBusy(schedule, { from: from - DAY_MS, to: to + DAY_MS }).map(
      ({ recurrence_id, status, starts_at, ends_at }) => ({
        ...{ user_id, schedule_id: schedule.schedule_id, recurrence_id, status },
        ...toInstants(schedule.series.time_zone === null, starts_at, ends_at),
      }),
    ),
  );
  return [...written, ...expanded].filter(
    ({ starts_at, ends_at }) => starts_at < ends_at && starts_at < to && ends_at > from,
  );
}

const isoText = (ms: number): string => new Date(ms).toISOString();
