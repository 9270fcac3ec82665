import { leaveWorkspace as endMembership } from '@potentia/db/workspace/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { publishWorkspaceAccess } from './publish.ts';
import { workspaceRef } from './schemas.ts';

/**
 * Ends the caller's own membership, as `removeWorkspaceMember` does. Throws `workspace.not_found`, `workspace.owner_fixed`
 * (the owner transfers first), `workspace.personal`.
 */
export async function leaveWorkspace(ctx: UserCtx, input: z.input<typeof workspaceRef>): Promise<void> {
  const { workspace_id } = parseInput(workspaceRef, input);
  const { user_id } = ctx.actor;
  await fromDb(() => endMembership(ctx.db, { user_id, workspace_id, request_id: ctx.request_id }));
  publishWorkspaceAccess(ctx, workspace_id, user_id);
  publishOutboxHint(ctx);
}
