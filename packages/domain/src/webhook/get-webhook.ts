import { getWebhook as selectWebhook } from '@potentia/db/webhook/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { webhookRef, type Webhook } from './schemas.ts';

/** Throws `workspace.not_found`, `workspace.forbidden`, `webhook.not_found`. */
export function getWebhook(ctx: UserCtx, input: z.input<typeof webhookRef>): Promise<Webhook> {
  const ref = parseInput(webhookRef, input);
  return fromDb(() => selectWebhook(ctx.db, { user_id: ctx.actor.user_id, ...ref }));
}
