import { listCanvases as selectCanvases } from '@potentia/db/canvas/queries';
import { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { id } from '../platform/schemas.ts';
import { listCanvasesQuery, type CanvasPage } from './schemas.ts';

const position = z.tuple([z.iso.datetime({ offset: true }), id]);

/** The canvases that the caller may open, of all workspaces, last changed first. */
export async function listCanvases(ctx: UserCtx, input: z.input<typeof listCanvasesQuery>): Promise<CanvasPage> {
  const { cursor, limit, include_archived } = parseInput(listCanvasesQuery, input);
  const [updated_at, canvas_id] = cursor === undefined ? [null, null] : decodeCursor(position, cursor);
  const rows = await fromDb(() =>
    selectCanvases(ctx.db, {
      user_id: ctx.actor.user_id,
      include_archived,
      cursor_updated_at: updated_at,
      cursor_id: canvas_id,
      limit: limit + 1,
    }),
  );
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, next_cursor: last ? encodeCursor([last.updated_at, last.id]) : null };
}
