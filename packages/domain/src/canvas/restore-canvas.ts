import { restoreCanvas as setRestored } from '@potentia/db/canvas/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { parseInput } from '../platform/parse.ts';
import { writeCanvas } from './canvas-queue.ts';
import { publishEvent } from './publish.ts';
import { canvasRef, type Canvas } from './schemas.ts';

/** Undoes `archiveCanvas`; restoring twice changes nothing. Throws `canvas.not_found`, `canvas.forbidden` (admins may). */
export async function restoreCanvas(ctx: UserCtx, input: z.input<typeof canvasRef>): Promise<Canvas> {
  const { canvas_id } = parseInput(canvasRef, input);
  const { canvas, event } = await writeCanvas(ctx, canvas_id, () =>
    setRestored(ctx.db, { user_id: ctx.actor.user_id, canvas_id, request_id: ctx.request_id }),
  );
  if (event) publishEvent(ctx, { canvas_id, ...event });
  return canvas;
}
