import { updateWorkspace as setWorkspace } from '@potentia/db/workspace/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { updateWorkspaceInput, type Workspace } from './schemas.ts';

/**
 * Changes name and icon. With `expected_version` (If-Match) only if the workspace is still at that version, else
 * `precondition` with the current one. Throws `workspace.not_found`, `workspace.forbidden` (admins may).
 */
export async function updateWorkspace(ctx: UserCtx, input: z.input<typeof updateWorkspaceInput>): Promise<Workspace> {
  const { workspace_id, expected_version, ...patch } = parseInput(updateWorkspaceInput, input);
  return fromDb(() =>
    setWorkspace(ctx.db, {
      user_id: ctx.actor.user_id,
      workspace_id,
      expected_version: expected_version ?? null,
      patch,
      request_id: ctx.request_id,
    }),
  );
}
