import { type ExpansionRow, readExpansion } from '@potentia/db/calendar/instance-queries';
import { z } from 'zod';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import type { OutboxJob } from '../platform/outbox.ts';
import { fillInstances, type InstanceCtx, pruneReaders } from './fill-instances.ts';
import { expandSeries } from './rules/expand.ts';
import { instanceWindow, openWindow } from './rules/horizon.ts';

/** The outbox topic of schedules whose occurrences or readers have changed. */
export const CALENDAR_MATERIALISE = 'calendar.materialise';
export const materialiseSchedulePayload = z.looseObject({ schedule_id: z.uuid() });

/** Times that it begins anew in one attempt, when somebody edits the schedule faster than it is written. */
const MAX_TRIES = 10;
const BUSY_RETRY_MS = 2_000;
/** Beyond every occurrence of the years 1900 to 2100. */
const ALWAYS = { from: Date.UTC(1899, 0), to: Date.UTC(2103, 0) };

/**
 * Writes the instances of a schedule and opens them for reading: of one that recurs by a rule those of `instanceWindow`, else all. Of one
 * that has them it takes away what nobody reads any more; of one that is gone everything. May run at any time, also twice at once.
 * Throws `calendar.zones_differ` (see `fillInstances`) and `schedule.busy`: the schedule is edited all the time.
 */
export async function materialiseSchedule(
  ctx: InstanceCtx,
  { payload }: Pick<OutboxJob<z.infer<typeof materialiseSchedulePayload>>, 'payload'>,
): Promise<void> {
  const { schedule_id } = payload;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const found = await fromDb(() => readExpansion(ctx.db, schedule_id));
    if (found?.materialised_until !== '-infinity') return pruneReaders(ctx, schedule_id);
    await fillInstances(ctx, { schedule_id, found, ...expand(schedule_id, found, ctx.clock().getTime()) });
  }
  throw new AppError('unavailable', 'schedule.busy', 'The schedule is being changed', {
    retry_after_ms: BUSY_RETRY_MS,
  });
}

/** The whole window, and what stands in it. */
function expand(schedule_id: string, { series }: ExpansionRow, now: number) {
  if (series.rrule === null) {
    const always = { from: '-infinity', until: 'infinity' };
    return { written: always, open: always, occurrences: expandSeries(series, ALWAYS) };
  }
  const window = instanceWindow(schedule_id, now);
  const from = new Date(window.from).toISOString();
  const open = openWindow(series, window);
  return { written: { from, until: open.until }, open, occurrences: expandSeries(series, window) };
}
