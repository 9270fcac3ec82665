import { revokeFeed as deleteFeed } from '@potentia/db/calendar/ics-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { icsCalendarRef } from './ics-schemas.ts';

/** Ends one's own feed of a calendar at once. Throws `calendar.not_found`, `calendar.feed_not_found`. */
export async function revokeFeed(ctx: UserCtx, input: z.input<typeof icsCalendarRef>): Promise<void> {
  const { calendar_id } = parseInput(icsCalendarRef, input);
  const { user_id } = ctx.actor;
  await fromDb(() => deleteFeed(ctx.db, { user_id, calendar_id, request_id: ctx.request_id }));
}
