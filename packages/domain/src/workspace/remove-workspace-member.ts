import { removeWorkspaceMember as endMembership } from '@potentia/db/workspace/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { publishWorkspaceAccess } from './publish.ts';
import { workspaceMemberRef } from './schemas.ts';

/**
 * Takes a person out of a workspace, with their invitations to its canvases, the API keys they made and the invitations
 * they sent; on every door at once, open sockets too. Throws `workspace.not_found`, `workspace.forbidden` (admins may),
 * `workspace.member_not_found`, `workspace.owner_fixed`.
 */
export async function removeWorkspaceMember(ctx: UserCtx, input: z.input<typeof workspaceMemberRef>): Promise<void> {
  const { workspace_id, user_id: target_user_id } = parseInput(workspaceMemberRef, input);
  await fromDb(() =>
    endMembership(ctx.db, {
      user_id: ctx.actor.user_id,
      workspace_id,
      target_user_id,
      request_id: ctx.request_id,
    }),
  );
  publishWorkspaceAccess(ctx, workspace_id, target_user_id);
  publishOutboxHint(ctx);
}
