import { createCanvas as insertCanvas } from '@potentia/db/canvas/queries';
import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { createCanvasBody, type Canvas } from './schemas.ts';

/**
 * Makes a canvas in a workspace, or in the caller's personal space. Exactly once per `Idempotency-Key`.
 * Throws `workspace.not_found`, `workspace.forbidden` (guests).
 */
export async function createCanvas(ctx: UserCtx, input: z.input<typeof createCanvasBody>): Promise<Once<Canvas>> {
  const { workspace_id, title, icon } = parseInput(createCanvasBody, input);
  const { user_id } = ctx.actor;
  return fromDb(() =>
    withContext(ctx.db, { user_id, workspace_id }, (tx) =>
      once(ctx, tx, 'canvas.create', input, () =>
        insertCanvas(tx, { user_id, workspace_id, canvas_id: newId(), title, icon, request_id: ctx.request_id }),
      ),
    ),
  );
}
