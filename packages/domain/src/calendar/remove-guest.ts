import { removeGuest as deleteGuest } from '@potentia/db/calendar/guest-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { guestRef } from './guest-schemas.ts';

/**
 * Removes a guest, who sees the schedule no more unless they subscribe to its calendar, and is told. Throws `schedule.not_found`,
 * `schedule.forbidden` (its editors may; a guest who does not come declines), `guest.not_found`.
 */
export async function removeGuest(ctx: UserCtx, input: z.input<typeof guestRef>): Promise<void> {
  const ref = parseInput(guestRef, input);
  await fromDb(() => deleteGuest(ctx.db, { user_id: ctx.actor.user_id, ...ref, request_id: ctx.request_id }));
  publishOutboxHint(ctx);
}
