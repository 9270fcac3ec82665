import { listGuests as selectGuests } from '@potentia/db/calendar/guest-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { id } from '../platform/schemas.ts';
import { listGuestsInput, type GuestPage } from './guest-schemas.ts';

/** The guests of a schedule and what they have answered, for everybody who reads it. Throws `schedule.not_found`. */
export async function listGuests(ctx: UserCtx, input: z.input<typeof listGuestsInput>): Promise<GuestPage> {
  const { schedule_id, cursor, limit } = parseInput(listGuestsInput, input);
  const rows = await fromDb(() =>
    selectGuests(ctx.db, {
      user_id: ctx.actor.user_id,
      schedule_id,
      cursor_id: cursor === undefined ? null : decodeCursor(id, cursor),
      limit: limit + 1,
    }),
  );
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, next_cursor: last ? encodeCursor(last.id) : null };
}
