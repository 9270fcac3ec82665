import { deleteComment as removeComment } from '@potentia/db/comment/queries';
import type { z } from 'zod';
import { writeCanvas } from '../canvas/canvas-queue.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { parseInput } from '../platform/parse.ts';
import { publishComment } from './publish.ts';
import { commentRef } from './schemas.ts';

/**
 * Deletes a comment of one's own, or as an admin of the canvas anybody's. Its words are shown no more (the event
 * and the audit row that told of it keep them); a thread that has
 * replies keeps its place. Throws `comment.not_found`, `comment.forbidden`, `canvas.not_found`, `canvas.forbidden`
 * (commenters may), `canvas.archived`.
 */
export async function deleteComment(ctx: UserCtx, input: z.input<typeof commentRef>): Promise<void> {
  const ref = parseInput(commentRef, input);
  const event = await writeCanvas(ctx, ref.canvas_id, () =>
    removeComment(ctx.db, { user_id: ctx.actor.user_id, ...ref, request_id: ctx.request_id }),
  );
  publishComment(ctx, ref.canvas_id, { event, notified: false });
}
