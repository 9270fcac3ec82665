import { withContext } from '@potentia/db/context';
import { createWorkspace as insertWorkspace } from '@potentia/db/workspace/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { createWorkspaceBody, type Workspace } from './schemas.ts';

/**
 * Makes a workspace that the caller owns. Exactly once per `Idempotency-Key`. Throws `workspace.too_many`,
 * `workspace.forbidden` (only a person owns one).
 */
export async function createWorkspace(
  ctx: UserCtx,
  input: z.input<typeof createWorkspaceBody>,
): Promise<Once<Workspace>> {
  const { name, icon } = parseInput(createWorkspaceBody, input);
  const { user_id } = ctx.actor;
  return fromDb(() =>
    withContext(ctx.db, { user_id }, (tx) =>
      once(ctx, tx, 'workspace.create', input, () =>
        insertWorkspace(tx, { user_id, workspace_id: newId(), name, icon, request_id: ctx.request_id }),
      ),
    ),
  );
}
