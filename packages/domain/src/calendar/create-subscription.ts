import { createSubscription as insertSubscription } from '@potentia/db/calendar/calendar-queries';
import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { createSubscriptionInput, type Subscription } from './calendar-schemas.ts';

/**
 * Subscribes somebody of the workspace to a calendar, at once; they are told. Exactly once per `Idempotency-Key`. Throws
 * `calendar.not_found`, `calendar.forbidden` (its owner may), `subscription.user_not_found`, `subscription.exists` with the
 * current one, `subscription.too_many` (of that person), `calendar.too_many_subscriptions`.
 */
export async function createSubscription(
  ctx: UserCtx,
  input: z.input<typeof createSubscriptionInput>,
): Promise<Once<Subscription>> {
  const { calendar_id, user_id: target_user_id, role } = parseInput(createSubscriptionInput, input);
  const { user_id } = ctx.actor;
  const written = await fromDb(() =>
    withContext(ctx.db, { user_id }, (tx) =>
      once(ctx, tx, 'subscription.create', input, () =>
        insertSubscription(tx, { user_id, calendar_id, target_user_id, role, request_id: ctx.request_id }),
      ),
    ),
  );
  publishOutboxHint(ctx);
  return written;
}
