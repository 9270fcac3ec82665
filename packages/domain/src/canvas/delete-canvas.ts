import { deleteCanvas as removeCanvas } from '@potentia/db/canvas/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { publishDeleted } from './publish.ts';
import { canvasRef } from './schemas.ts';

/**
 * Deletes a canvas for good, with what is in its trash. Throws `canvas.not_found`, `canvas.forbidden` (admins may),
 * `canvas.not_empty` while blocks remain.
 */
export async function deleteCanvas(ctx: UserCtx, input: z.input<typeof canvasRef>): Promise<void> {
  const { canvas_id } = parseInput(canvasRef, input);
  await fromDb(() => removeCanvas(ctx.db, { user_id: ctx.actor.user_id, canvas_id, request_id: ctx.request_id }));
  publishDeleted(ctx, canvas_id);
}
