import { getCanvas as selectCanvas } from '@potentia/db/canvas/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { canvasRef, type Canvas } from './schemas.ts';

/** One canvas with the role of the caller on it. Throws `canvas.not_found`. */
export async function getCanvas(ctx: UserCtx, input: z.input<typeof canvasRef>): Promise<Canvas> {
  const ref = parseInput(canvasRef, input);
  return fromDb(() => selectCanvas(ctx.db, { user_id: ctx.actor.user_id, ...ref }));
}
