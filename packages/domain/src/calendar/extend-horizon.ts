import {
  type HorizonRow,
  listHorizons,
  listUncovered,
  readExpansion,
  trimInstances,
} from '@potentia/db/calendar/instance-queries';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { fillInstances, type InstanceCtx, pruneReaders } from './fill-instances.ts';
import { materialiseSchedule } from './materialise-schedule.ts';
import { expandSeries } from './rules/expand.ts';
import { horizonDue, instanceWindow, openWindow } from './rules/horizon.ts';

/** The queue of the horizon that moves. */
export const CALENDAR_EXTEND = 'calendar.extend';

const BATCH = 500;
/** Batches of one run, of each kind; what is left waits for the next. */
const MAX_BATCHES = 100;
const TRIM_ROWS = 20_000;
/** Schedules that find Postgres away before the run ends; one alone may be too much for a deadline. */
const AWAY_IN_A_ROW = 3;

/**
 * Moves the window of recurring schedules, each about once a week: writes what comes, opens it, deletes what lies behind. Then looks after
 * schedules that still wait for their instances: their job was lost with a Redis, or given up. One that fails is passed over.
 */
export async function extendHorizon(ctx: InstanceCtx): Promise<{ extended: number; rescued: number }> {
  const done = { extended: 0, rescued: 0 };
  const attempt = passOver(ctx);
  const before = new Date(horizonDue(ctx.clock().getTime())).toISOString();
  let cursor: HorizonRow | null = null;
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const due: HorizonRow[] = await nextHorizons(ctx, before, cursor);
    for (const { schedule_id } of due)
      if (await attempt(schedule_id, () => extendSchedule(ctx, schedule_id))) done.extended += 1;
    cursor = due.at(-1) ?? null;
    if (due.length < BATCH) break;
  }
  let cursor_id: string | null = null;
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const waiting: { schedule_id: string }[] = await nextUncovered(ctx, cursor_id);
    for (const payload of waiting)
      if (await attempt(payload.schedule_id, () => materialiseSchedule(ctx, { payload }))) done.rescued += 1;
    cursor_id = waiting.at(-1)?.schedule_id ?? null;
    if (waiting.length < BATCH) break;
  }
  if (done.extended + done.rescued > 0) ctx.log.info(done, 'the horizon of schedules was moved');
  return done;
}

const nextHorizons = (ctx: Ctx, before: string, cursor: HorizonRow | null) =>
  fromDb(() => listHorizons(ctx.db, { before, cursor, limit: BATCH }));
const nextUncovered = (ctx: Ctx, cursor_id: string | null) =>
  fromDb(() => listUncovered(ctx.db, { cursor_id, limit: BATCH }));

/** Runs work on one schedule after the other. Throws when it is not a schedule that fails, but Postgres. */
function passOver(ctx: Ctx) {
  let times_away = 0;
  return async (schedule_id: string, work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      times_away = 0;
      return true;
    } catch (error) {
      const is_away = error instanceof AppError && error.code === 'platform.database_unavailable';
      if (is_away && ++times_away === AWAY_IN_A_ROW) throw error;
      ctx.log.error({ err: error, schedule_id }, 'instances of a schedule cannot be written');
      return false;
    }
  };
}

/** Of one that is being changed it leaves everything to the job of that change. */
async function extendSchedule(ctx: InstanceCtx, schedule_id: string): Promise<void> {
  const found = await fromDb(() => readExpansion(ctx.db, schedule_id));
  const window = instanceWindow(schedule_id, ctx.clock().getTime());
  if (!found || found.materialised_until === '-infinity') return;
  // Another worker was here, or the series is none any more.
  if (!(Date.parse(found.materialised_from) < window.from)) return;
  const open = openWindow(found.series, window);
  // All that is to come of a series that ends is there already.
  const since = found.materialised_until === 'infinity' ? window.to : Date.parse(found.materialised_until);
  const from = Math.max(since, window.from);
  const occurrences = from < window.to ? expandSeries(found.series, { from, to: window.to }) : [];
  const written = {
    from: new Date(from).toISOString(),
    until: from < window.to ? open.until : new Date(from).toISOString(),
  };
  if (!(await fillInstances(ctx, { schedule_id, found, written, open, occurrences }))) return;
  for (;;) {
    const deleted = await fromDb(() => trimInstances(ctx.db, { schedule_id, limit: TRIM_ROWS }));
    ctx.instances.observe({ written: 0, deleted });
    if (deleted < TRIM_ROWS) break;
  }
  await pruneReaders(ctx, schedule_id);
}
