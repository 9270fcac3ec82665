import { deleteCanvas as removeCanvas } from '@potentia/db/canvas/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { parseInput } from '../platform/parse.ts';
import { writeCanvas } from './canvas-queue.ts';
import { publishDeleted } from './publish.ts';
import { removeCanvasInput } from './schemas.ts';

/**
 * Deletes a canvas for good, with what is in its trash. With `expected_version` (If-Match) only if the canvas is still at
 * that version, else `precondition` with the current one. Throws `canvas.not_found`, `canvas.forbidden` (admins may),
 * `canvas.not_empty` while blocks remain.
 */
export async function deleteCanvas(ctx: UserCtx, input: z.input<typeof removeCanvasInput>): Promise<void> {
  const { canvas_id, expected_version } = parseInput(removeCanvasInput, input);
  await writeCanvas(ctx, canvas_id, () =>
    removeCanvas(ctx.db, { user_id: ctx.actor.user_id, canvas_id, expected_version, request_id: ctx.request_id }),
  );
  publishDeleted(ctx, canvas_id);
}
