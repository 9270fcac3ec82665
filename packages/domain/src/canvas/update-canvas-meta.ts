import { updateCanvasMeta as updateMeta } from '@potentia/db/canvas/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { parseInput } from '../platform/parse.ts';
import { writeCanvas } from './canvas-queue.ts';
import { publishEvent } from './publish.ts';
import { updateCanvasMetaInput, type Canvas } from './schemas.ts';

/**
 * Changes title and icon. With `expected_version` (If-Match) only if the canvas is still at that version, else
 * `precondition` with the current one. Throws `canvas.not_found`, `canvas.forbidden`, `canvas.archived`.
 */
export async function updateCanvasMeta(ctx: UserCtx, input: z.input<typeof updateCanvasMetaInput>): Promise<Canvas> {
  const { canvas_id, expected_version, ...patch } = parseInput(updateCanvasMetaInput, input);
  const { canvas, event } = await writeCanvas(ctx, canvas_id, () =>
    updateMeta(ctx.db, {
      user_id: ctx.actor.user_id,
      canvas_id,
      expected_version: expected_version ?? null,
      patch,
      request_id: ctx.request_id,
    }),
  );
  if (event) publishEvent(ctx, { canvas_id, ...event });
  return canvas;
}
