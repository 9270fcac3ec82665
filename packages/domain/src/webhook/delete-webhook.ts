import { deleteWebhook as removeWebhook } from '@potentia/db/webhook/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { webhookRef } from './schemas.ts';

/** Nothing more is sent to it, and its log goes. Throws `workspace.not_found`, `workspace.forbidden`, `webhook.not_found`. */
export async function deleteWebhook(ctx: UserCtx, input: z.input<typeof webhookRef>): Promise<void> {
  const ref = parseInput(webhookRef, input);
  await fromDb(() => removeWebhook(ctx.db, { user_id: ctx.actor.user_id, ...ref, request_id: ctx.request_id }));
  publishOutboxHint(ctx);
}
