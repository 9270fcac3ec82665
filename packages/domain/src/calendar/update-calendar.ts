import { updateCalendar as setCalendar } from '@potentia/db/calendar/calendar-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { updateCalendarInput, type Calendar } from './calendar-schemas.ts';

/**
 * Changes what a calendar is, for everybody; with `expected_version` only if it still is at that. Throws `calendar.not_found`,
 * `calendar.forbidden` (its owner may), `calendar.version_conflict` with the current calendar, `calendar.not_empty` (only an
 * empty one becomes exclusive, and only while it is empty an exclusive one has another zone).
 */
export function updateCalendar(ctx: UserCtx, input: z.input<typeof updateCalendarInput>): Promise<Calendar> {
  const { calendar_id, expected_version, ...patch } = parseInput(updateCalendarInput, input);
  return fromDb(() =>
    setCalendar(ctx.db, {
      user_id: ctx.actor.user_id,
      calendar_id,
      expected_version: expected_version ?? null,
      patch,
      request_id: ctx.request_id,
    }),
  );
}
