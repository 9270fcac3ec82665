import { getSubscription as selectSubscription } from '@potentia/db/calendar/calendar-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { subscriptionRef, type Subscription } from './calendar-schemas.ts';

/**
 * One subscription: one's own, and whoever reads the calendar sees everybody's. Throws `calendar.not_found`, `calendar.forbidden`,
 * `subscription.not_found`.
 */
export function getSubscription(ctx: UserCtx, input: z.input<typeof subscriptionRef>): Promise<Subscription> {
  const { calendar_id, user_id: target_user_id } = parseInput(subscriptionRef, input);
  return fromDb(() => selectSubscription(ctx.db, { user_id: ctx.actor.user_id, calendar_id, target_user_id }));
}
