import { getWebhook, updateWebhook as changeWebhook } from '@potentia/db/webhook/queries';
import type { z } from 'zod';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import type { WebhookCtx } from './ctx.ts';
import { updateWebhookInput, type Webhook } from './schemas.ts';

/**
 * Changes an endpoint, enables or disables it. Disabled, what is still to be sent to it fails, and can be redelivered once
 * it is enabled. Throws as `createWebhook`, and `webhook.not_found`.
 */
export async function updateWebhook(ctx: WebhookCtx, input: z.input<typeof updateWebhookInput>): Promise<Webhook> {
  const { workspace_id, webhook_id, url, description, event_types, status } = parseInput(updateWebhookInput, input);
  const ref = { user_id: ctx.actor.user_id, workspace_id, webhook_id };
  let checked: string | undefined;
  if (url !== undefined) {
    await fromDb(() => getWebhook(ctx.db, ref));
    checked = await ctx.targets.check(url, '/url');
  }
  const changes = {
    ...(checked !== undefined && { url: checked }),
    ...(description !== undefined && { description }),
    ...(event_types !== undefined && { event_types }),
    ...(status !== undefined && { status }),
  };
  const webhook = await fromDb(() => changeWebhook(ctx.db, { ...ref, changes, request_id: ctx.request_id }));
  publishOutboxHint(ctx);
  return webhook;
}
