import { getCanvasMembersDetailed as selectMembers } from '@potentia/db/canvas/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { canvasRef, type CanvasMember } from './schemas.ts';

/** Everybody with access to a canvas, by any of the three paths, with their highest role. Throws `canvas.not_found`. */
export async function listMembers(ctx: UserCtx, input: z.input<typeof canvasRef>): Promise<CanvasMember[]> {
  const ref = parseInput(canvasRef, input);
  return fromDb(() => selectMembers(ctx.db, { user_id: ctx.actor.user_id, ...ref }));
}
