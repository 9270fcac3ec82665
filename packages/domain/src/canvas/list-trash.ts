import { listTrash as selectTrash } from '@potentia/db/canvas/history-queries';
import { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { id } from '../platform/schemas.ts';
import { trashInput, type TrashPage } from './history-schemas.ts';

const position = z.tuple([z.iso.datetime({ offset: true }), id]);

/** What was deleted from a canvas by name, last first. Throws `canvas.not_found`, `canvas.forbidden` (editors may). */
export async function listTrash(ctx: UserCtx, input: z.input<typeof trashInput>): Promise<TrashPage> {
  const { canvas_id, cursor, limit } = parseInput(trashInput, input);
  const [deleted_at, block_id] = cursor === undefined ? [null, null] : decodeCursor(position, cursor);
  const rows = await fromDb(() =>
    selectTrash(ctx.db, {
      user_id: ctx.actor.user_id,
      canvas_id,
      cursor_deleted_at: deleted_at,
      cursor_id: block_id,
      limit: limit + 1,
    }),
  );
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, next_cursor: last ? encodeCursor([last.deleted_at, last.block_id]) : null };
}
