import { setThreadResolved } from '@potentia/db/comment/queries';
import type { z } from 'zod';
import { writeCanvas } from '../canvas/canvas-queue.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { parseInput } from '../platform/parse.ts';
import { publishComment } from './publish.ts';
import { commentRef, type Comment } from './schemas.ts';

/**
 * Marks a thread as done; twice changes nothing. Throws `canvas.not_found`, `canvas.forbidden` (commenters may),
 * `canvas.archived`, `comment.not_found`, `comment.not_a_thread` for a reply.
 */
export const resolveThread = (ctx: UserCtx, input: z.input<typeof commentRef>): Promise<Comment> =>
  setResolved(ctx, input, true);

/** Takes that back. Throws what `resolveThread` does. */
export const reopenThread = (ctx: UserCtx, input: z.input<typeof commentRef>): Promise<Comment> =>
  setResolved(ctx, input, false);

async function setResolved(ctx: UserCtx, input: z.input<typeof commentRef>, resolved: boolean): Promise<Comment> {
  const ref = parseInput(commentRef, input);
  const { comment, event } = await writeCanvas(ctx, ref.canvas_id, () =>
    setThreadResolved(ctx.db, { user_id: ctx.actor.user_id, ...ref, resolved, request_id: ctx.request_id }),
  );
  publishComment(ctx, ref.canvas_id, { event, notified: false });
  return comment;
}
