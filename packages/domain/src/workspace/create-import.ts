import { withContext } from '@potentia/db/context';
import { createImport as insertImport } from '@potentia/db/workspace/transfer-queries';
import type { z } from 'zod';
import { UPLOAD_S } from '../canvas/present-attachment.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { newObjectKey } from '../platform/object-key.ts';
import type { FilePorts } from '../platform/objects.ts';
import { invalidField, parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { presentImport } from './present-transfer.ts';
import { createImportInput, type ImportUpload } from './transfer-schemas.ts';

/**
 * Announces a zip to import into a workspace and answers where to upload it; `startImport` follows. Exactly once per
 * `Idempotency-Key`. Throws `workspace.not_found`, `workspace.forbidden` (admins may), `request.invalid`, `feature.disabled`.
 */
export async function createImport(
  ctx: UserCtx & FilePorts,
  input: z.input<typeof createImportInput>,
): Promise<Once<ImportUpload>> {
  const { workspace_id, size } = parseInput(createImportInput, input);
  const max = ctx.file_limits.transfer_max_bytes;
  if (size > max) throw invalidField('/size', `At most ${String(max)} bytes`);
  const { user_id } = ctx.actor;
  const { result, replayed } = await fromDb(() =>
    withContext(ctx.db, { user_id, workspace_id, needed_role: 'admin' }, (tx) =>
      once(ctx, tx, 'workspace.import', input, async () => {
        const object_key = newObjectKey('transfers');
        const named = { user_id, workspace_id, transfer_id: newId(), object_key, size, request_id: ctx.request_id };
        return { transfer: await insertImport(tx, named), object_key };
      }),
    ),
  );
  const upload = await ctx.objects.presignPut({
    key: result.object_key,
    media_type: 'application/zip',
    size,
    expires_s: UPLOAD_S,
  });
  return { result: { import: presentImport(result.transfer), upload }, replayed };
}
