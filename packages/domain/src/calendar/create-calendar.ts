import { createCalendar as insertCalendar } from '@potentia/db/calendar/calendar-queries';
import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { createCalendarBody, type Calendar } from './calendar-schemas.ts';

/**
 * Makes a calendar that the caller owns, in a workspace or in their personal space. Exactly once per `Idempotency-Key`. Throws
 * `workspace.not_found`, `workspace.forbidden` (guests), `calendar.too_many`, `subscription.too_many`.
 */
export async function createCalendar(ctx: UserCtx, input: z.input<typeof createCalendarBody>): Promise<Once<Calendar>> {
  const { workspace_id, ...fields } = parseInput(createCalendarBody, input);
  const { user_id } = ctx.actor;
  const written = await fromDb(() =>
    withContext(ctx.db, { user_id }, (tx) =>
      once(ctx, tx, 'calendar.create', input, () =>
        insertCalendar(tx, { user_id, calendar_id: newId(), workspace_id, fields, request_id: ctx.request_id }),
      ),
    ),
  );
  publishOutboxHint(ctx);
  return written;
}
