import { listSchedules as selectSchedules } from '@potentia/db/calendar/schedule-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { id } from '../platform/schemas.ts';
import { listSchedulesInput, type SchedulePage } from './schedule-schemas.ts';

/**
 * The schedules of one calendar, not their occurrences, in the order of their making; of private ones those that the caller may
 * read. Throws `calendar.not_found`, `calendar.forbidden` (viewers may).
 */
export async function listSchedules(ctx: UserCtx, input: z.input<typeof listSchedulesInput>): Promise<SchedulePage> {
  const { calendar_id, cursor, limit } = parseInput(listSchedulesInput, input);
  const cursor_id = cursor === undefined ? null : decodeCursor(id, cursor);
  const { user_id } = ctx.actor;
  const rows = await fromDb(() => selectSchedules(ctx.db, { user_id, calendar_id, cursor_id, limit: limit + 1 }));
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, next_cursor: last ? encodeCursor(last.id) : null };
}
