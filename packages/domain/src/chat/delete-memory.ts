import { deleteAllMemories, deleteMemories, toldRuns } from '@potentia/db/chat/memory-queries';
import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { DeleteMemoryCtx } from '../agent/run-eraser.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { parseInput } from '../platform/parse.ts';
import { deleteMemoryInput } from './memory-schemas.ts';

/**
 * Deletes a memory for good, with all that it took the place of, its words in the index, its vector, and what tools and
 * streams of turns tell of it. `restore_previous`
 * takes it back instead: what it took the place of counts again. Throws `memory.not_found`.
 */
export async function deleteMemory(ctx: DeleteMemoryCtx, input: z.input<typeof deleteMemoryInput>): Promise<void> {
  const { memory_id, restore_previous } = parseInput(deleteMemoryInput, input);
  const { user_id } = ctx.actor;
  const change = { user_id, memory_ids: [memory_id], restore: restore_previous, request_id: ctx.request_id };
  const { deleted, told } = await fromDb(() =>
    withContext(ctx.db, { user_id }, async (tx) => ({
      deleted: await deleteMemories(tx, change),
      told: await toldRuns(tx, { user_id }),
    })),
  );
  if (deleted.length === 0) throw new AppError('not_found', 'memory.not_found', 'There is no such memory.');
  await ctx.run_eraser?.erase(told);
}

/** Deletes all memories of the caller, with their history; messages stay. How many it was. */
export async function deleteAll(ctx: DeleteMemoryCtx): Promise<{ deleted: number }> {
  const { user_id } = ctx.actor;
  const { deleted, told } = await fromDb(() =>
    withContext(ctx.db, { user_id }, async (tx) => ({
      deleted: await deleteAllMemories(tx, { user_id, request_id: ctx.request_id }),
      told: await toldRuns(tx, { user_id }),
    })),
  );
  await ctx.run_eraser?.erase(told);
  return { deleted };
}
