import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { getCanvas } from './get-canvas.ts';
import { listMembers } from './list-members.ts';
import { canWrite } from './rules/roles.ts';
import type { canvasRef, Permissions } from './schemas.ts';

/** What the caller may do on a canvas, and who else is there. Throws `canvas.not_found`. */
export async function getPermissions(ctx: UserCtx, input: z.input<typeof canvasRef>): Promise<Permissions> {
  const [canvas, members] = await Promise.all([getCanvas(ctx, input), listMembers(ctx, input)]);
  return { role: canvas.role, can_write: canWrite(canvas.role, canvas.archived_at), members };
}
