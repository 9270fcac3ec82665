import type { BusyCtx } from './busy-cache.ts';
import { findConflicts } from './find-conflicts.ts';
import type { Conflict } from './freebusy-schemas.ts';
import { busyStatus } from './rules/busy-status.ts';
import type { ScheduleDetail } from './schedule-schemas.ts';
import type { Series } from './rules/series.ts';

/** What is asked of a schedule that was just written. */
interface Written extends Omit<Series, 'overrides'> {
  id: string;
  organiser_user_id: string;
  status: ScheduleDetail['status'];
  transparency: ScheduleDetail['transparency'];
  overrides: ScheduleDetail['overrides'];
}

/**
 * Who is busy already when these schedules take place: their organiser, who writes them, and `guest_user_ids`. They are written, so
 * nothing is refused any more: null when it cannot be worked out. None of them is in the way of another.
 */
export async function conflictsOf(
  ctx: BusyCtx,
  schedules: readonly Written[],
  guest_user_ids: readonly string[],
): Promise<Conflict[] | null> {
  const ignore_schedule_ids = schedules.map(({ id }) => id);
  const asked = schedules.filter(({ status, transparency }) => status !== 'cancelled' && transparency === 'opaque');
  try {
    const found = await Promise.all(
      asked.map((schedule) => {
        const user_ids = [schedule.organiser_user_id, ...guest_user_ids];
        return findConflicts(ctx, { user_ids, series: withoutFree(schedule), ignore_schedule_ids });
      }),
    );
    return found.flat();
  } catch (error) {
    ctx.log.warn({ err: error, schedule_ids: ignore_schedule_ids }, 'conflicts of a written schedule are not known');
    return null;
  }
}

/** Occurrences that make nobody busy are in nobody's way. */
function withoutFree({ status, transparency, overrides, ...series }: Written): Series {
  const isFree = (one: Written['overrides'][number]): boolean =>
    busyStatus(one.status ?? status, one.transparency ?? transparency, null) === null;
  return { ...series, overrides: overrides.map((one) => (isFree(one) ? { ...one, is_cancelled: true } : one)) };
}
