import { updateComment as changeComment } from '@potentia/db/comment/queries';
import type { z } from 'zod';
import { writeCanvas } from '../canvas/canvas-queue.ts';
import { hashJson } from '../platform/canonical-json.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { parseInput } from '../platform/parse.ts';
import { publishComment } from './publish.ts';
import { updateCommentInput, type WrittenComment } from './schemas.ts';

/**
 * Replaces the text and the mentions of a comment of one's own; whoever is mentioned anew is told. Throws
 * `comment.version_conflict` with the current comment, `comment.forbidden`, and what `createComment` does.
 */
export async function updateComment(ctx: UserCtx, input: z.input<typeof updateCommentInput>): Promise<WrittenComment> {
  const { canvas_id, mutation_id, ...body } = parseInput(updateCommentInput, input);
  const written = await writeCanvas(ctx, canvas_id, () =>
    changeComment(ctx.db, {
      user_id: ctx.actor.user_id,
      canvas_id,
      mutation_id,
      request_hash: hashJson({ comment: 'update', ...body }),
      ...body,
      request_id: ctx.request_id,
    }),
  );
  publishComment(ctx, canvas_id, written);
  return { comment: written.comment, replayed: written.replayed };
}
