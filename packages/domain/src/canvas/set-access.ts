import { setCanvasAccess } from '@potentia/db/canvas/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { writeCanvas } from './canvas-queue.ts';
import { publishAccess } from './publish.ts';
import { setAccessInput, type Access } from './schemas.ts';

/**
 * Invites a person by id, changes the role of an invitation, or (`role: null`) takes it back; at once, for open sockets
 * too. Throws `canvas.not_found`, `canvas.forbidden` (admins may, up to their own role, and everybody takes back their own
 * invitation), `user.not_found`, `canvas.owner_fixed`, with `only_invited` or `role: null` `user.not_invited` where there
 * is no invitation to change, and `canvas.not_invited` where it would be one's own.
 */
export async function setAccess(ctx: UserCtx, input: z.input<typeof setAccessInput>): Promise<Access> {
  const { canvas_id, user_id, role, only_invited } = parseInput(setAccessInput, input);
  const { changed } = await writeCanvas(ctx, canvas_id, () =>
    setCanvasAccess(ctx.db, {
      user_id: ctx.actor.user_id,
      canvas_id,
      target_user_id: user_id,
      role,
      only_invited,
      request_id: ctx.request_id,
    }),
  );
  if (changed) {
    publishAccess(ctx, canvas_id, user_id);
    publishOutboxHint(ctx);
  }
  return { user_id, role };
}
