import { deleteCalendar as removeCalendar } from '@potentia/db/calendar/calendar-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { calendarRef } from './calendar-schemas.ts';

/**
 * Deletes a calendar with everything that stands in it; its subscribers are told. Throws `calendar.not_found`,
 * `calendar.forbidden` (its owner may).
 */
export async function deleteCalendar(ctx: UserCtx, input: z.input<typeof calendarRef>): Promise<void> {
  const { calendar_id } = parseInput(calendarRef, input);
  await fromDb(() => removeCalendar(ctx.db, { user_id: ctx.actor.user_id, calendar_id, request_id: ctx.request_id }));
  publishOutboxHint(ctx);
}
