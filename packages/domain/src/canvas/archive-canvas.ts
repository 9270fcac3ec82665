import { archiveCanvas as setArchived } from '@potentia/db/canvas/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { parseInput } from '../platform/parse.ts';
import { writeCanvas } from './canvas-queue.ts';
import { publishEvent } from './publish.ts';
import { removeCanvasInput, type Canvas } from './schemas.ts';

/**
 * Makes a canvas read-only and hides it from lists; archiving twice changes nothing. With `expected_version` (If-Match)
 * only if the canvas is still at that version, else `precondition` with the current one. Throws `canvas.not_found`,
 * `canvas.forbidden` (admins may).
 */
export async function archiveCanvas(ctx: UserCtx, input: z.input<typeof removeCanvasInput>): Promise<Canvas> {
  const { canvas_id, expected_version } = parseInput(removeCanvasInput, input);
  const { canvas, event } = await writeCanvas(ctx, canvas_id, () =>
    setArchived(ctx.db, { user_id: ctx.actor.user_id, canvas_id, expected_version, request_id: ctx.request_id }),
  );
  if (event) publishEvent(ctx, { canvas_id, ...event });
  return canvas;
}
