import { getTransfer as selectTransfer, startImport as queueImport } from '@potentia/db/workspace/transfer-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import type { FilePorts } from '../platform/objects.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { presentImport } from './present-transfer.ts';
import { transferRef, type WorkspaceImport } from './transfer-schemas.ts';

/**
 * Starts an import whose zip has been uploaded; a job does it, as this person. Twice is once. Throws
 * `workspace.not_found`, `workspace.forbidden` (admins may), `transfer.not_found`, `transfer.not_uploaded`,
 * `transfer.running`, `feature.disabled`, `objects.unavailable`.
 */
export async function startImport(
  ctx: UserCtx & FilePorts,
  input: z.input<typeof transferRef>,
): Promise<WorkspaceImport> {
  const ref = { ...parseInput(transferRef, input), user_id: ctx.actor.user_id };
  const { transfer, object_key } = await fromDb(() => selectTransfer(ctx.db, { ...ref, kind: 'import' }));
  if (transfer.status !== 'awaiting_upload' || object_key === null) return presentImport(transfer);
  const facts = await ctx.objects.head(object_key);
  if (facts?.size !== transfer.size)
    throw new AppError('conflict', 'transfer.not_uploaded', 'The zip has not been uploaded');
  const started = await fromDb(() => queueImport(ctx.db, { ...ref, request_id: ctx.request_id }));
  publishOutboxHint(ctx);
  return presentImport(started);
}
