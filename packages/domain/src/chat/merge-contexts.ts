import { mergeContexts as joinContexts } from '@potentia/db/chat/context-queries';
import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { invalidField, parseInput } from '../platform/parse.ts';
import { mergeContextsInput, type ChatContext } from './context-schemas.ts';
import { publishEmbeddingHint } from './embedding-hint.ts';

/**
 * Moves everything of one context into another, where it stands by its own times; the first is gone. Exactly once per
 * `Idempotency-Key`. Throws `request.invalid` into itself, `chat.context_not_found`.
 */
export async function mergeContexts(
  ctx: UserCtx,
  input: z.input<typeof mergeContextsInput>,
): Promise<Once<ChatContext>> {
  const { context_id, into_context_id } = parseInput(mergeContextsInput, input);
  if (context_id === into_context_id) throw invalidField('/into_context_id', 'Is this context itself');
  const { user_id } = ctx.actor;
  const merged = await fromDb(() =>
    withContext(ctx.db, { user_id }, (tx) =>
      once(ctx, tx, 'chat_context.merge', input, () =>
        joinContexts(tx, { user_id, context_id, into_context_id, request_id: ctx.request_id }),
      ),
    ),
  );
  publishEmbeddingHint(ctx);
  return merged;
}
