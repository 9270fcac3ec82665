import { mergeContexts as joinContexts, moveMessages } from '@potentia/db/chat/context-queries';
import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { invalidField, parseInput } from '../platform/parse.ts';
import { mergeContextsInput, type ChatContext } from './context-schemas.ts';
import { publishEmbeddingHint } from './embedding-hint.ts';

/** Messages that one transaction moves: whoever else writes waits for no more. */
const SLICE = 500;

/**
 * Moves everything of one context into another, where it stands by its own times; the first is gone. Exactly once per
 * `Idempotency-Key`; of a large one most goes before, in slices, and a merge that was cut off goes on when it is asked for again. Throws `request.invalid` into itself, `chat.context_not_found`.
 */
export async function mergeContexts(
  ctx: UserCtx,
  input: z.input<typeof mergeContextsInput>,
): Promise<Once<ChatContext>> {
  const { context_id, into_context_id } = parseInput(mergeContextsInput, input);
  if (context_id === into_context_id) throw invalidField('/into_context_id', 'Is this context itself');
  const { user_id } = ctx.actor;
  const ids = { user_id, context_id, into_context_id };
  const moved = await moveMost(ctx, ids);
  const merged = await fromDb(() =>
    withContext(ctx.db, { user_id }, (tx) =>
      once(ctx, tx, 'chat_context.merge', input, () => joinContexts(tx, { ...ids, request_id: ctx.request_id, moved })),
    ),
  );
  publishEmbeddingHint(ctx);
  return merged;
}

/** Moves all but the last of them; how many. Somebody who merges the other way round at the same time gives as many back: then one goes on. */
async function moveMost(
  ctx: UserCtx,
  ids: { user_id: string; context_id: string; into_context_id: string },
): Promise<number> {
  let moved = 0;
  for (let most = Infinity; moved < most;) {
    const slice = await fromDb(() => moveMessages(ctx.db, { ...ids, limit: SLICE }));
    if (slice.moved === 0) break;
    moved += slice.moved;
    most = Math.min(most, slice.moved + slice.remaining);
  }
  return moved;
}
