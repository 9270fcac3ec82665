import { getSchedule as selectSchedule } from '@potentia/db/calendar/schedule-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { scheduleRef, type ScheduleDetail } from './schedule-schemas.ts';

/** One schedule with what single occurrences have of their own. Throws `schedule.not_found`. */
export async function getSchedule(ctx: UserCtx, input: z.input<typeof scheduleRef>): Promise<ScheduleDetail> {
  const { schedule_id } = parseInput(scheduleRef, input);
  return fromDb(() => selectSchedule(ctx.db, { user_id: ctx.actor.user_id, schedule_id }));
}
