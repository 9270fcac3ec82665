import { withContext } from '@potentia/db/context';
import { createExport as insertExport } from '@potentia/db/workspace/transfer-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { newObjectKey } from '../platform/object-key.ts';
import type { FilePorts } from '../platform/objects.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { presentExport } from './present-transfer.ts';
import { workspaceRef, type WorkspaceExport } from './transfer-schemas.ts';

/**
 * Asks for a whole workspace as a zip; a job makes it, as this person. Exactly once per `Idempotency-Key`.
 * Throws `workspace.not_found`, `workspace.forbidden` (admins may), `transfer.running`, `feature.disabled`.
 */
export async function createExport(
  ctx: UserCtx & FilePorts,
  input: z.input<typeof workspaceRef>,
): Promise<Once<WorkspaceExport>> {
  const { workspace_id } = parseInput(workspaceRef, input);
  const { user_id } = ctx.actor;
  const { result, replayed } = await fromDb(() =>
    withContext(ctx.db, { user_id, workspace_id, needed_role: 'admin' }, (tx) =>
      once(ctx, tx, 'workspace.export', input, () =>
        insertExport(tx, {
          user_id,
          workspace_id,
          transfer_id: newId(),
          object_key: newObjectKey('transfers'),
          request_id: ctx.request_id,
        }),
      ),
    ),
  );
  publishOutboxHint(ctx);
  return { result: await presentExport(ctx, result, null), replayed };
}
