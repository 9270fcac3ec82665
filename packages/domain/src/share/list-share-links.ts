import { listShareLinks as selectShareLinks } from '@potentia/db/share/queries';
import type { z } from 'zod';
import { canvasRef } from '../canvas/schemas.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import type { ShareLink } from './schemas.ts';

/** The links of a canvas, newest first, the expired too. Throws `canvas.not_found`, `canvas.forbidden` (admins may). */
export async function listShareLinks(ctx: UserCtx, input: z.input<typeof canvasRef>): Promise<ShareLink[]> {
  const { canvas_id } = parseInput(canvasRef, input);
  return fromDb(() => selectShareLinks(ctx.db, { user_id: ctx.actor.user_id, canvas_id }));
}
