import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { parseInput } from '../platform/parse.ts';
import { requireSight } from './publish-presence.ts';
import { publishPresenceFrame } from './publish.ts';
import { canvasRef } from './schemas.ts';

/** Takes the caller's presence off a canvas; access stays. Throws `canvas.not_found`. */
export async function leaveCanvas(ctx: UserCtx, input: z.input<typeof canvasRef>): Promise<void> {
  const { canvas_id } = parseInput(canvasRef, input);
  await requireSight(ctx, canvas_id);
  publishPresenceFrame(ctx, canvas_id, { type: 'presence.left', session_id: ctx.actor.user_id });
}
