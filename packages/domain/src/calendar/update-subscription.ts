import { updateSubscription as setSubscription } from '@potentia/db/calendar/calendar-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { updateSubscriptionInput, type Subscription } from './calendar-schemas.ts';

/**
 * Gives a subscriber another role, which the calendar's owner may, or changes how the caller shows the calendar and whether it
 * makes them busy. Throws `calendar.not_found`, `calendar.forbidden`, `subscription.not_found`, `subscription.not_yours`,
 * `subscription.owner_fixed`, `subscription.version_conflict` with the current one.
 */
export async function updateSubscription(
  ctx: UserCtx,
  input: z.input<typeof updateSubscriptionInput>,
): Promise<Subscription> {
  const { calendar_id, user_id, expected_version, ...patch } = parseInput(updateSubscriptionInput, input);
  const { subscription, changed_role } = await fromDb(() =>
    setSubscription(ctx.db, {
      user_id: ctx.actor.user_id,
      calendar_id,
      target_user_id: user_id,
      expected_version: expected_version ?? null,
      patch,
      request_id: ctx.request_id,
    }),
  );
  if (changed_role) publishOutboxHint(ctx);
  return subscription;
}
