import { deleteAllMemories, deleteMemories } from '@potentia/db/chat/memory-queries';
import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { parseInput } from '../platform/parse.ts';
import { deleteMemoryInput } from './memory-schemas.ts';

/**
 * Deletes a memory for good, with all that it took the place of, its words in the index and its vector. `restore_previous`
 * takes it back instead: what it took the place of counts again. Throws `memory.not_found`.
 */
export async function deleteMemory(ctx: UserCtx, input: z.input<typeof deleteMemoryInput>): Promise<void> {
  const { memory_id, restore_previous } = parseInput(deleteMemoryInput, input);
  const { user_id } = ctx.actor;
  const change = { user_id, memory_ids: [memory_id], restore: restore_previous, request_id: ctx.request_id };
  const deleted = await fromDb(() => withContext(ctx.db, { user_id }, (tx) => deleteMemories(tx, change)));
  if (deleted.length === 0) throw new AppError('not_found', 'memory.not_found', 'There is no such memory.');
}

/** Deletes all memories of the caller, with their history; messages stay. How many it was. */
export async function deleteAll(ctx: UserCtx): Promise<{ deleted: number }> {
  const { user_id } = ctx.actor;
  return { deleted: await fromDb(() => deleteAllMemories(ctx.db, { user_id, request_id: ctx.request_id })) };
}
