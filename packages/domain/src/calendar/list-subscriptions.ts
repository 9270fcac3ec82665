import { listSubscriptions as selectSubscriptions } from '@potentia/db/calendar/calendar-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { id } from '../platform/schemas.ts';
import { listSubscriptionsInput, type SubscriptionPage } from './calendar-schemas.ts';

/** Who subscribes to a calendar, in the order of their ids; whoever sees only free/busy sees themselves. Throws `calendar.not_found`. */
export async function listSubscriptions(
  ctx: UserCtx,
  input: z.input<typeof listSubscriptionsInput>,
): Promise<SubscriptionPage> {
  const { calendar_id, cursor, limit } = parseInput(listSubscriptionsInput, input);
  const rows = await fromDb(() =>
    selectSubscriptions(ctx.db, {
      user_id: ctx.actor.user_id,
      calendar_id,
      cursor_user_id: cursor === undefined ? null : decodeCursor(id, cursor),
      limit: limit + 1,
    }),
  );
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, next_cursor: last ? encodeCursor(last.user_id) : null };
}
