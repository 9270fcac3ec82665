import { setWorkspaceRole } from '@potentia/db/workspace/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { publishWorkspaceAccess } from './publish.ts';
import { changeMemberInput, type MemberChange } from './schemas.ts';

/**
 * Gives a member another role; the one they have already changes nothing. Who stops being an admin loses the API keys they
 * made and the invitations they sent. Throws `workspace.not_found`, `workspace.forbidden` (admins may),
 * `workspace.member_not_found`, `workspace.owner_fixed`.
 */
export async function changeWorkspaceMember(
  ctx: UserCtx,
  input: z.input<typeof changeMemberInput>,
): Promise<MemberChange> {
  const { workspace_id, user_id, role } = parseInput(changeMemberInput, input);
  const { changed } = await fromDb(() =>
    setWorkspaceRole(ctx.db, {
      user_id: ctx.actor.user_id,
      workspace_id,
      target_user_id: user_id,
      role,
      request_id: ctx.request_id,
    }),
  );
  if (changed) {
    publishWorkspaceAccess(ctx, workspace_id, user_id);
    publishOutboxHint(ctx);
  }
  return { user_id, role };
}
