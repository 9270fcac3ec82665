import { getCanvasRole } from '@potentia/db/canvas/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { parseInput } from '../platform/parse.ts';
import { publishPresenceFrame } from './publish.ts';
import { publishPresenceInput } from './schemas.ts';

/**
 * Shows the caller's cursor, selection and name to the others on a canvas, for whoever has no socket: the person is one
 * session, by the id of their own. Ephemeral: nothing is stored, and it may be lost. Throws `canvas.not_found`.
 */
export async function publishPresence(ctx: UserCtx, input: z.input<typeof publishPresenceInput>): Promise<void> {
  const { canvas_id, name, cursor, selection } = parseInput(publishPresenceInput, input);
  const { user_id } = ctx.actor;
  await requireSight(ctx, canvas_id);
  publishPresenceFrame(ctx, canvas_id, {
    type: 'presence',
    session_id: user_id,
    user_id,
    name: name ?? null,
    cursor: cursor ?? null,
    selection: selection ?? null,
  });
}

/** Throws `canvas.not_found` when the caller has no role on the canvas. */
export async function requireSight(ctx: UserCtx, canvas_id: string): Promise<void> {
  const role = await fromDb(() => getCanvasRole(ctx.db, { user_id: ctx.actor.user_id, canvas_id }));
  if (role === null) throw new AppError('not_found', 'canvas.not_found', 'There is no such canvas');
}
