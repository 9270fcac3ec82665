import { getSchedule, prepareSchedule } from '@potentia/db/calendar/schedule-queries';
import type { Db } from '@potentia/db/client';
import { LRUCache } from 'lru-cache';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { inTurn } from '../platform/turns.ts';

const busy = { code: 'calendar.busy', message: 'Too many change this calendar at once; try again soon' };
const MAX_SEEN = 20_000;

/** In which calendar schedules were last seen. It says only in which queue to wait: the lock is in Postgres. */
const seen_in = new WeakMap<Db, LRUCache<string, string>>();

/**
 * `fromDb` for work that takes the lock of a calendar: at most two writers of one calendar go to Postgres from one process, the
 * others wait in order (`inTurn`). `calendar_id` null: of the caller's own. Throws `calendar.busy` (limit, nothing was done), and to
 * whoever would have to wait and may not write in it what the work would.
 */
export function writeCalendar<T>(ctx: UserCtx, calendar_id: string | null, work: () => Promise<T>): Promise<T> {
  const { db, actor } = ctx;
  const assertAccess = async (): Promise<void> => {
    await fromDb(() => prepareSchedule(db, { user_id: actor.user_id, calendar_id }));
  };
  const key = `calendar:${calendar_id ?? actor.user_id}`;
  return inTurn({ db, actor, key, assertAccess, busy }, () => fromDb(work));
}

/** The same for a change of a schedule, which says in which calendar that stands. */
export async function writeSchedule<T extends { calendar_id: string }>(
  ctx: UserCtx,
  schedule_id: string,
  work: () => Promise<T>,
): Promise<T> {
  const { db, actor } = ctx;
  const assertAccess = async (): Promise<void> => {
    await fromDb(() => getSchedule(db, { user_id: actor.user_id, schedule_id }));
  };
  const seen = seen_in.get(db) ?? new LRUCache<string, string>({ max: MAX_SEEN });
  seen_in.set(db, seen);
  const key = `calendar:${seen.get(schedule_id) ?? schedule_id}`;
  const done = await inTurn({ db, actor, key, assertAccess, busy }, () => fromDb(work));
  seen.set(schedule_id, done.calendar_id);
  return done;
}
