import { rotateWebhookSecret as storeSecret } from '@potentia/db/webhook/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import type { WebhookCtx } from './ctx.ts';
import { webhookRef, type WebhookWithSecret } from './schemas.ts';
import { makeSecret } from './sealed-secret.ts';

/** How long the secret before signs beside the new one: the time to change it at the other end. */
const OVERLAP_MS = 24 * 3_600_000;

/**
 * A new secret, shown this once. For a day every message is signed with both; one that was rotated out before that ends.
 * Throws `workspace.not_found`, `workspace.forbidden`, `webhook.not_found`.
 */
export async function rotateWebhookSecret(
  ctx: UserCtx & Pick<WebhookCtx, 'sealer'>,
  input: z.input<typeof webhookRef>,
): Promise<WebhookWithSecret> {
  const ref = parseInput(webhookRef, input);
  const { secret, sealed } = makeSecret(ctx.sealer, ref.webhook_id);
  const webhook = await fromDb(() =>
    storeSecret(ctx.db, {
      ...{ user_id: ctx.actor.user_id, ...ref, secret: sealed },
      overlap_ms: OVERLAP_MS,
      request_id: ctx.request_id,
    }),
  );
  publishOutboxHint(ctx);
  return { ...webhook, secret };
}
