import { getMemory as selectMemory, getMemoryHistory as selectHistory } from '@potentia/db/chat/memory-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { type Memory, memoryPath } from './memory-schemas.ts';

/** One memory of the caller, superseded or not. Throws `memory.not_found`. */
export function getMemory(ctx: UserCtx, input: z.input<typeof memoryPath>): Promise<Memory> {
  const { memory_id } = parseInput(memoryPath, input);
  return fromDb(() => selectMemory(ctx.db, { user_id: ctx.actor.user_id, memory_id }));
}

/** It, all that it took the place of and all that took its place, the newest first. Throws `memory.not_found`. */
export async function getMemoryHistory(ctx: UserCtx, input: z.input<typeof memoryPath>): Promise<{ items: Memory[] }> {
  const { memory_id } = parseInput(memoryPath, input);
  return { items: await fromDb(() => selectHistory(ctx.db, { user_id: ctx.actor.user_id, memory_id })) };
}
