import { deleteWorkspace as setDeleted } from '@potentia/db/workspace/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { publishWorkspaceDeleted } from './publish.ts';
import { deleteWorkspaceInput, type Workspace } from './schemas.ts';

/**
 * Deletes a workspace: at once nobody but its owner sees it, open sockets close, and 30 days later it is gone for good.
 * Deleting twice changes nothing. Throws `workspace.not_found`, `workspace.forbidden` (the owner may),
 * `workspace.name_mismatch` unless `name` is its exact name, `workspace.personal`, and with `expected_version`
 * `workspace.version_conflict` (precondition).
 */
export async function deleteWorkspace(ctx: UserCtx, input: z.input<typeof deleteWorkspaceInput>): Promise<Workspace> {
  const { workspace_id, name, expected_version } = parseInput(deleteWorkspaceInput, input);
  const { workspace, changed } = await fromDb(() =>
    setDeleted(ctx.db, {
      user_id: ctx.actor.user_id,
      workspace_id,
      name,
      expected_version: expected_version ?? null,
      request_id: ctx.request_id,
    }),
  );
  if (changed) {
    publishWorkspaceDeleted(ctx, workspace_id);
    publishOutboxHint(ctx);
  }
  return workspace;
}
