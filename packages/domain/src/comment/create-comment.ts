import { createComment as insertComment } from '@potentia/db/comment/queries';
import type { z } from 'zod';
import { writeCanvas } from '../canvas/canvas-queue.ts';
import { hashJson } from '../platform/canonical-json.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { publishComment } from './publish.ts';
import { createCommentInput, type WrittenComment } from './schemas.ts';

/**
 * Begins a thread on a canvas or on one of its blocks, or replies in one. One event of the canvas; whoever is mentioned, and
 * whoever has written in the thread, is told on `/ws/me`. The same `mutation_id` again changes nothing and answers the same.
 * Throws `canvas.not_found`, `canvas.forbidden` (commenters may), `canvas.archived`, `canvas.mutation_reused`,
 * `comment.not_found` (no such thread), `comment.not_a_thread`, `comment.block_unknown`, `comment.mention_unknown`.
 */
export async function createComment(ctx: UserCtx, input: z.input<typeof createCommentInput>): Promise<WrittenComment> {
  const { canvas_id, mutation_id, ...body } = parseInput(createCommentInput, input);
  const written = await writeCanvas(ctx, canvas_id, () =>
    insertComment(ctx.db, {
      user_id: ctx.actor.user_id,
      canvas_id,
      comment_id: newId(),
      mutation_id,
      request_hash: hashJson({ comment: 'create', ...body }),
      ...body,
      request_id: ctx.request_id,
    }),
  );
  publishComment(ctx, canvas_id, written);
  return { comment: written.comment, replayed: written.replayed };
}
