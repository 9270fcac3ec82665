import { listMemories as selectMemories } from '@potentia/db/chat/memory-queries';
import { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { id } from '../platform/schemas.ts';
import { listMemoriesQuery, type MemoryPage } from './memory-schemas.ts';

const position = z.tuple([z.iso.datetime({ offset: true }), id]);

/** What is remembered of the caller, the newest first; also while memory is switched off. */
export async function listMemories(ctx: UserCtx, input: z.input<typeof listMemoriesQuery>): Promise<MemoryPage> {
  const { cursor, limit, ...filter } = parseInput(listMemoriesQuery, input);
  const [created_at, memory_id] = cursor === undefined ? [] : decodeCursor(position, cursor);
  const after = created_at !== undefined && memory_id !== undefined ? { created_at, id: memory_id } : null;
  const rows = await fromDb(() =>
    selectMemories(ctx.db, { user_id: ctx.actor.user_id, filter, after, limit: limit + 1 }),
  );
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    items: rows.slice(0, limit).map(({ memory }) => memory),
    next_cursor: last ? encodeCursor([last.created_at, last.id]) : null,
  };
}
