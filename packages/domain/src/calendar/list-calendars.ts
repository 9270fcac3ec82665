import { listCalendars as selectCalendars } from '@potentia/db/calendar/calendar-queries';
import { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { id } from '../platform/schemas.ts';
import { listCalendarsQuery, type CalendarPage } from './calendar-schemas.ts';

const position = z.tuple([z.iso.datetime({ offset: true }), id]);

/** Every calendar that the caller subscribes to, in all workspaces or one, the oldest first. */
export async function listCalendars(ctx: UserCtx, input: z.input<typeof listCalendarsQuery>): Promise<CalendarPage> {
  const { workspace_id, cursor, limit } = parseInput(listCalendarsQuery, input);
  const after = cursor === undefined ? null : decodeCursor(position, cursor);
  const rows = await fromDb(() =>
    selectCalendars(ctx.db, {
      user_id: ctx.actor.user_id,
      workspace_id: workspace_id ?? null,
      after: after && { created_at: after[0], id: after[1] },
      limit: limit + 1,
    }),
  );
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    items: page.map((row) => row.calendar),
    next_cursor: last ? encodeCursor([last.created_at, last.id]) : null,
  };
}
