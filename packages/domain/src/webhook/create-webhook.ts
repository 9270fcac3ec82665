import { withContext } from '@potentia/db/context';
import { createWebhook as insertWebhook } from '@potentia/db/webhook/queries';
import type { z } from 'zod';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import type { WebhookCtx } from './ctx.ts';
import { createWebhookInput, MAX_WEBHOOKS, type WebhookWithSecret } from './schemas.ts';
import { makeSecret, openSecret } from './sealed-secret.ts';

/**
 * Makes an endpoint; its secret is shown this once. Exactly once per `Idempotency-Key`, whose stored result holds the
 * secret sealed. Throws `workspace.not_found`, `workspace.forbidden` (admins may), `webhook.too_many`, and
 * `request.invalid` for a URL that leads to where customers may not send us.
 */
export async function createWebhook(
  ctx: WebhookCtx,
  input: z.input<typeof createWebhookInput>,
): Promise<Once<WebhookWithSecret>> {
  const { workspace_id, description, event_types, ...parsed } = parseInput(createWebhookInput, input);
  const { user_id } = ctx.actor;
  const scope = { user_id, workspace_id, needed_role: 'admin' };
  // Who may not do this is told so before anything is looked up for them.
  await fromDb(() => withContext(ctx.db, scope, async () => undefined));
  const url = await ctx.targets.check(parsed.url, '/url');
  const { result, replayed } = await fromDb(() =>
    withContext(ctx.db, scope, (tx) =>
      once(ctx, tx, 'webhook.create', input, async () => {
        const webhook_id = newId();
        const { sealed } = makeSecret(ctx.sealer, webhook_id);
        const webhook = await insertWebhook(tx, {
          ...{ user_id, workspace_id, webhook_id, url, description, event_types, secret: sealed },
          limit: MAX_WEBHOOKS,
          request_id: ctx.request_id,
        });
        return { webhook, sealed };
      }),
    ),
  );
  if (!replayed) publishOutboxHint(ctx);
  const { webhook, sealed } = result;
  return { result: { ...webhook, secret: openSecret(ctx.sealer, webhook.id, sealed) }, replayed };
}
