import { getFeed as readFeed } from '@potentia/db/calendar/ics-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { type CalendarFeed, icsCalendarRef } from './ics-schemas.ts';

/** One's own feed of a calendar, without its address. Throws `calendar.not_found`, `calendar.feed_not_found`. */
export async function getFeed(ctx: UserCtx, input: z.input<typeof icsCalendarRef>): Promise<CalendarFeed> {
  const { calendar_id } = parseInput(icsCalendarRef, input);
  return fromDb(() => readFeed(ctx.db, { user_id: ctx.actor.user_id, calendar_id }));
}
