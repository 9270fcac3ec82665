import { testWebhook as addTest } from '@potentia/db/webhook/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { webhookRef, type Delivery } from './schemas.ts';

/**
 * Sends a `webhook.test` whatever the endpoint wants to be told of. Throws `workspace.not_found`, `workspace.forbidden`,
 * `webhook.not_found`, `webhook.disabled`.
 */
export async function testWebhook(ctx: UserCtx, input: z.input<typeof webhookRef>): Promise<Delivery> {
  const ref = parseInput(webhookRef, input);
  const delivery = await fromDb(() =>
    addTest(ctx.db, { user_id: ctx.actor.user_id, ...ref, request_id: ctx.request_id }),
  );
  publishOutboxHint(ctx);
  return delivery;
}
