import { restoreWorkspace as setRestored } from '@potentia/db/workspace/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { type Workspace, workspaceRef } from './schemas.ts';

/**
 * Takes a deletion back within its 30 days, with everybody's membership as it was. Restoring what is not deleted changes
 * nothing. Throws `workspace.not_found`, `workspace.forbidden` (the owner may).
 */
export async function restoreWorkspace(ctx: UserCtx, input: z.input<typeof workspaceRef>): Promise<Workspace> {
  const { workspace_id } = parseInput(workspaceRef, input);
  const { workspace, changed } = await fromDb(() =>
    setRestored(ctx.db, { user_id: ctx.actor.user_id, workspace_id, request_id: ctx.request_id }),
  );
  if (changed) publishOutboxHint(ctx);
  return workspace;
}
