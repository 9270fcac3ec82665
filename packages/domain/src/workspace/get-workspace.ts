import { getWorkspace as selectWorkspace } from '@potentia/db/workspace/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { type Workspace, workspaceRef } from './schemas.ts';

/**
 * One workspace with the caller's role in it, for guests too; a deleted one for its owner alone. Throws
 * `workspace.not_found`.
 */
export async function getWorkspace(ctx: UserCtx, input: z.input<typeof workspaceRef>): Promise<Workspace> {
  const ref = parseInput(workspaceRef, input);
  return fromDb(() => selectWorkspace(ctx.db, { user_id: ctx.actor.user_id, ...ref }));
}
