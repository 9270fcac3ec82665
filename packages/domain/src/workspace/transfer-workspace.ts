import { transferWorkspace as setOwner } from '@potentia/db/workspace/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { publishWorkspaceAccess } from './publish.ts';
import { transferWorkspaceInput, type Workspace } from './schemas.ts';

/**
 * Makes a member the owner; the former owner stays as an admin. Throws `workspace.not_found`, `workspace.forbidden` (the
 * owner may), `workspace.member_not_found`, `workspace.personal`.
 */
export async function transferWorkspace(
  ctx: UserCtx,
  input: z.input<typeof transferWorkspaceInput>,
): Promise<Workspace> {
  const { workspace_id, user_id: target_user_id } = parseInput(transferWorkspaceInput, input);
  const { user_id } = ctx.actor;
  const { workspace, changed } = await fromDb(() =>
    setOwner(ctx.db, { user_id, workspace_id, target_user_id, request_id: ctx.request_id }),
  );
  if (changed) {
    publishWorkspaceAccess(ctx, workspace_id, user_id);
    publishWorkspaceAccess(ctx, workspace_id, target_user_id);
    publishOutboxHint(ctx);
  }
  return workspace;
}
