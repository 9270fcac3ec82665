import { getCanvasSnapshot as selectSnapshot } from '@potentia/db/canvas/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { canvasRef } from './schemas.ts';

/** The canvas, its `epoch` and `seq` and all its blocks as of one moment, as JSON text (`snapshot` in schemas.ts): Postgres builds it and doors pass it on unread. Throws `canvas.not_found`. */
export async function getSnapshot(ctx: UserCtx, input: z.input<typeof canvasRef>): Promise<string> {
  const ref = parseInput(canvasRef, input);
  return fromDb(() => selectSnapshot(ctx.db, { user_id: ctx.actor.user_id, ...ref }));
}
