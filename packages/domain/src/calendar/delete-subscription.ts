import { deleteSubscription as removeSubscription } from '@potentia/db/calendar/calendar-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { subscriptionRef } from './calendar-schemas.ts';

/**
 * Ends a subscription: one's own, or as the calendar's owner anybody's but that. Throws `calendar.not_found`,
 * `calendar.forbidden`, `subscription.not_found`, `subscription.owner_fixed`.
 */
export async function deleteSubscription(ctx: UserCtx, input: z.input<typeof subscriptionRef>): Promise<void> {
  const { calendar_id, user_id: target_user_id } = parseInput(subscriptionRef, input);
  await fromDb(() =>
    removeSubscription(ctx.db, {
      user_id: ctx.actor.user_id,
      calendar_id,
      target_user_id,
      request_id: ctx.request_id,
    }),
  );
  publishOutboxHint(ctx);
}
