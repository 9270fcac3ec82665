import { getBlockHistory } from '@potentia/db/canvas/history-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { historyInput, type HistoryPage } from './history-schemas.ts';
import { version } from './schemas.ts';

/**
 * Who made which version of a block when, newest first, also of a block in the trash. Pages can be shorter than asked for,
 * where the events of the versions are large. Throws `canvas.not_found`, `canvas.forbidden` (editors may), `block.not_found`.
 */
export async function listBlockHistory(ctx: UserCtx, input: z.input<typeof historyInput>): Promise<HistoryPage> {
  const { canvas_id, block_id, cursor, limit } = parseInput(historyInput, input);
  const before_version = cursor === undefined ? null : decodeCursor(version, cursor);
  const { items, next } = await fromDb(() =>
    getBlockHistory(ctx.db, { user_id: ctx.actor.user_id, canvas_id, block_id, before_version, limit }),
  );
  return { items, next_cursor: next === null ? null : encodeCursor(next) };
}
