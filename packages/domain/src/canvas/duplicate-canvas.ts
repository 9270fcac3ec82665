import { duplicateCanvas as insertDuplicate } from '@potentia/db/canvas/transfer-queries';
import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { duplicateCanvasInput } from './history-schemas.ts';
import type { Canvas } from './schemas.ts';

/**
 * Makes a new canvas in the same workspace with the live blocks of another under fresh ids, and the files that they refer
 * to; no comments, no trash, no invitations. Exactly once per `Idempotency-Key`. Throws `canvas.not_found`,
 * `workspace.forbidden` (members of the workspace may), `canvas.too_large` (20,000 blocks).
 */
export async function duplicateCanvas(
  ctx: UserCtx,
  input: z.input<typeof duplicateCanvasInput>,
): Promise<Once<Canvas>> {
  const { canvas_id, title = null } = parseInput(duplicateCanvasInput, input);
  const { user_id } = ctx.actor;
  return fromDb(() =>
    withContext(ctx.db, { user_id }, (tx) =>
      once(ctx, tx, 'canvas.duplicate', input, () =>
        insertDuplicate(tx, { user_id, canvas_id, copy_id: newId(), title, request_id: ctx.request_id }),
      ),
    ),
  );
}
