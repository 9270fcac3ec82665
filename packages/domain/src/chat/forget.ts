import {
  deleteMemories,
  findSaidMemories,
  getMemory,
  listMemories,
  type MemoryRow,
  toldRuns,
} from '@potentia/db/chat/memory-queries';
import { type Tx, withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { DeleteMemoryCtx } from '../agent/run-eraser.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { parseInput } from '../platform/parse.ts';
import { forgetInput, type Memory, MEMORY_LIMITS } from './memory-schemas.ts';
import { findByWords } from './rules/find-by-words.ts';

/** A query that means more than these is asked back. */
const MAX_FORGOTTEN = 3;

/**
 * Forgets one memory, those that hold all the words of a query, or what was taken from what the person said last in a
 * context (nothing, if there is nothing; and nothing will be taken from it any more); with what each had superseded, for
 * good. Answers what it was. Throws `memory.not_found`, `chat.context_not_found`, and `memory.ambiguous` (conflict, with
 * `candidates`) when a query means more than three.
 */
export async function forget(
  ctx: DeleteMemoryCtx,
  input: z.input<typeof forgetInput>,
): Promise<{ forgotten: Memory[] }> {
  const parsed = parseInput(forgetInput, input);
  const { user_id } = ctx.actor;
  const { forgotten, told } = await fromDb(() =>
    withContext(ctx.db, { user_id }, async (tx) => {
      const meant = await findMeant(tx, user_id, parsed);
      const memory_ids = meant.map(({ id }) => id);
      if (memory_ids.length === 0) return { forgotten: meant, told: [] };
      await deleteMemories(tx, { user_id, memory_ids, restore: false, request_id: ctx.request_id });
      return { forgotten: meant, told: await toldRuns(tx, { user_id }) };
    }),
  );
  await ctx.run_eraser?.erase(told);
  return { forgotten };
}

async function findMeant(tx: Tx, user_id: string, input: z.output<typeof forgetInput>): Promise<MemoryRow[]> {
  if ('memory_id' in input) return [await getMemory(tx, { user_id, memory_id: input.memory_id })];
  if ('query' in input) return findByQuery(tx, user_id, input.query);
  const ids = await findSaidMemories(tx, {
    ...{ user_id, context_id: input.that },
    before_message_id: input.before_message_id ?? null,
  });
  return Promise.all(ids.map((memory_id) => getMemory(tx, { user_id, memory_id })));
}

async function findByQuery(tx: Tx, user_id: string, query: string): Promise<MemoryRow[]> {
  const limit = MEMORY_LIMITS.memories + MEMORY_LIMITS.preferences;
  const rows = await listMemories(tx, { user_id, filter: {}, after: null, limit });
  const found = findByWords(
    query,
    rows.map(({ memory }) => memory),
  );
  if (found.length === 0) throw new AppError('not_found', 'memory.not_found', 'Nothing like this is remembered.');
  if (found.length > MAX_FORGOTTEN)
    throw new AppError('conflict', 'memory.ambiguous', 'This could mean several memories; say which.', {
      candidates: found.slice(0, 10).map(({ id, kind, content }) => ({ id, kind, content })),
    });
  return found;
}
