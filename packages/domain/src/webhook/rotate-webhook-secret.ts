import { withContext } from '@potentia/db/context';
import { rotateWebhookSecret as storeSecret } from '@potentia/db/webhook/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import type { WebhookCtx } from './ctx.ts';
import { webhookRef, type WebhookWithSecret } from './schemas.ts';
import { makeSecret, openSecret } from './sealed-secret.ts';

/** How long the secret before signs beside the new one: the time to change it at the other end. */
const OVERLAP_MS = 24 * 3_600_000;

/**
 * A new secret, shown this once. For a day every message is signed with both; one that was rotated out before that ends.
 * Exactly once per `Idempotency-Key`: whoever asks again, since the answer was lost, would else end the secret that the other
 * end still has. Throws `workspace.not_found`, `workspace.forbidden`, `webhook.not_found`.
 */
export async function rotateWebhookSecret(
  ctx: UserCtx & Pick<WebhookCtx, 'sealer'>,
  input: z.input<typeof webhookRef>,
): Promise<Once<WebhookWithSecret>> {
  const ref = parseInput(webhookRef, input);
  const { user_id } = ctx.actor;
  const { result, replayed } = await fromDb(() =>
    withContext(ctx.db, { user_id, workspace_id: ref.workspace_id, needed_role: 'admin' }, (tx) =>
      once(ctx, tx, 'webhook.rotate_secret', input, async () => {
        const { sealed } = makeSecret(ctx.sealer, ref.webhook_id);
        const scope = { user_id, ...ref, request_id: ctx.request_id };
        const webhook = await storeSecret(tx, { ...scope, secret: sealed, overlap_ms: OVERLAP_MS });
        return { webhook, sealed };
      }),
    ),
  );
  if (!replayed) publishOutboxHint(ctx);
  const { webhook, sealed } = result;
  return { result: { ...webhook, secret: openSecret(ctx.sealer, webhook.id, sealed) }, replayed };
}
