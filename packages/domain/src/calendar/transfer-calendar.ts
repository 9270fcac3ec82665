import { transferCalendar as handOver } from '@potentia/db/calendar/calendar-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { transferCalendarInput, type Calendar } from './calendar-schemas.ts';

/**
 * Makes a subscriber the owner of a calendar; the caller, who was, writes in it from then on. To oneself changes nothing. Throws
 * `calendar.not_found`, `calendar.forbidden` (its owner may), `subscription.not_found`.
 */
export async function transferCalendar(ctx: UserCtx, input: z.input<typeof transferCalendarInput>): Promise<Calendar> {
  const { calendar_id, user_id: target_user_id } = parseInput(transferCalendarInput, input);
  const { calendar, changed } = await fromDb(() =>
    handOver(ctx.db, { user_id: ctx.actor.user_id, calendar_id, target_user_id, request_id: ctx.request_id }),
  );
  if (changed) publishOutboxHint(ctx);
  return calendar;
}
