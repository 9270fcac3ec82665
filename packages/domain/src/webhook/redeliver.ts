import { redeliverWebhook } from '@potentia/db/webhook/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { deliveryRef, type Delivery } from './schemas.ts';

/**
 * Sends a message again, at once and under the same id, whatever became of it; should that fail, by the whole schedule.
 * Throws `workspace.not_found`, `workspace.forbidden`, `webhook.not_found`, `webhook.delivery_not_found`, `webhook.disabled`.
 */
export async function redeliver(ctx: UserCtx, input: z.input<typeof deliveryRef>): Promise<Delivery> {
  const ref = parseInput(deliveryRef, input);
  const delivery = await fromDb(() =>
    redeliverWebhook(ctx.db, { user_id: ctx.actor.user_id, ...ref, request_id: ctx.request_id }),
  );
  publishOutboxHint(ctx);
  return delivery;
}
