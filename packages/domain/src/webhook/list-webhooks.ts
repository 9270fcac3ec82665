import { listWebhooks as selectWebhooks } from '@potentia/db/webhook/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { workspaceRef, type Webhook } from './schemas.ts';

/** Every endpoint of a workspace, oldest first. Throws `workspace.not_found`, `workspace.forbidden`. */
export function listWebhooks(ctx: UserCtx, input: z.input<typeof workspaceRef>): Promise<Webhook[]> {
  const { workspace_id } = parseInput(workspaceRef, input);
  return fromDb(() => selectWebhooks(ctx.db, { user_id: ctx.actor.user_id, workspace_id }));
}
