import { getTransfer as selectTransfer } from '@potentia/db/workspace/transfer-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import type { FilePorts } from '../platform/objects.ts';
import { parseInput } from '../platform/parse.ts';
import { presentExport, presentImport } from './present-transfer.ts';
import { transferRef, type WorkspaceExport, type WorkspaceImport } from './transfer-schemas.ts';

/**
 * An export, with the address of its zip once it is finished. Throws `workspace.not_found`, `workspace.forbidden` (admins
 * may), `transfer.not_found`.
 */
export async function getExport(
  ctx: UserCtx & FilePorts,
  input: z.input<typeof transferRef>,
): Promise<WorkspaceExport> {
  const ref = { ...parseInput(transferRef, input), user_id: ctx.actor.user_id, kind: 'export' as const };
  const { transfer, object_key } = await fromDb(() => selectTransfer(ctx.db, ref));
  return presentExport(ctx, transfer, object_key);
}

/** An import. Throws as `getExport`. */
export async function getImport(ctx: UserCtx, input: z.input<typeof transferRef>): Promise<WorkspaceImport> {
  const ref = { ...parseInput(transferRef, input), user_id: ctx.actor.user_id, kind: 'import' as const };
  return presentImport((await fromDb(() => selectTransfer(ctx.db, ref))).transfer);
}
