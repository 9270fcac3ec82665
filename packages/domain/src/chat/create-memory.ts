import { getMemory } from '@potentia/db/chat/memory-queries';
import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { publishEmbeddingHint } from './embedding-hint.ts';
import { createMemoryBody, rememberInput, type Remembered } from './memory-schemas.ts';
import { rememberWithin } from './remember.ts';
import { checkValidity } from './check-validity.ts';

/**
 * Writes down a memory by hand; for the rest as `remember`. Exactly once per `Idempotency-Key`, whose record holds no words
 * of it. Throws `memory.not_found` when what the key made has been deleted.
 */
export async function createMemory(ctx: UserCtx, input: z.input<typeof createMemoryBody>): Promise<Once<Remembered>> {
  const body = parseInput(createMemoryBody, input);
  checkValidity(body);
  const { user_id } = ctx.actor;
  const made = await fromDb(() =>
    withContext(ctx.db, { user_id }, async (tx) => {
      const { result, replayed } = await once(ctx, tx, 'memory.create', input, async () => {
        const { memory, ...rest } = await rememberWithin(ctx, tx, rememberInput.parse({ ...body, source: 'manual' }));
        return { ...rest, memory_id: memory.id };
      });
      const { memory_id, ...rest } = result;
      return { result: { ...rest, memory: await getMemory(tx, { user_id, memory_id }) }, replayed };
    }),
  );
  publishOutboxHint(ctx);
  publishEmbeddingHint(ctx);
  return made;
}
