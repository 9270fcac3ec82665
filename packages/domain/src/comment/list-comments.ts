import { listComments as selectComments } from '@potentia/db/comment/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { id } from '../platform/schemas.ts';
import { listCommentsInput, type CommentPage } from './schemas.ts';

/**
 * The threads of a canvas, newest first, each with its first replies; with `thread_id` the replies of that one, oldest
 * first. Everybody who sees the canvas sees them. Throws `canvas.not_found`, `comment.not_found`.
 */
export async function listComments(ctx: UserCtx, input: z.input<typeof listCommentsInput>): Promise<CommentPage> {
  const { canvas_id, thread_id, block_id, resolved, cursor, limit } = parseInput(listCommentsInput, input);
  const rows = await fromDb(() =>
    selectComments(ctx.db, {
      user_id: ctx.actor.user_id,
      canvas_id,
      thread_id: thread_id ?? null,
      block_id: block_id ?? null,
      resolved: resolved ?? null,
      cursor_id: cursor === undefined ? null : decodeCursor(id, cursor),
      limit: limit + 1,
    }),
  );
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, next_cursor: last ? encodeCursor(last.id) : null };
}
