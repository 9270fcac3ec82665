import { getWebhookDelivery } from '@potentia/db/webhook/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { deliveryRef, type DeliveryDetail } from './schemas.ts';

/**
 * One delivery with what is sent and how the last answer began. Throws `workspace.not_found`, `workspace.forbidden`,
 * `webhook.not_found`, `webhook.delivery_not_found`.
 */
export function getDelivery(ctx: UserCtx, input: z.input<typeof deliveryRef>): Promise<DeliveryDetail> {
  const ref = parseInput(deliveryRef, input);
  return fromDb(() => getWebhookDelivery(ctx.db, { user_id: ctx.actor.user_id, ...ref }));
}
