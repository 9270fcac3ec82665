import { getCalendar as selectCalendar } from '@potentia/db/calendar/calendar-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { calendarRef, type Calendar } from './calendar-schemas.ts';

/** One calendar, with the caller's role and what they chose for themselves. Throws `calendar.not_found`. */
export function getCalendar(ctx: UserCtx, input: z.input<typeof calendarRef>): Promise<Calendar> {
  const { calendar_id } = parseInput(calendarRef, input);
  return fromDb(() => selectCalendar(ctx.db, { user_id: ctx.actor.user_id, calendar_id }));
}
