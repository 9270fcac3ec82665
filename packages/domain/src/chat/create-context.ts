import { createContext as insertContext } from '@potentia/db/chat/context-queries';
import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { createContextBody, type ChatContext } from './context-schemas.ts';

/** Opens an empty context of the caller's. Exactly once per `Idempotency-Key`. Throws `chat.too_many_contexts`. */
export function createContext(ctx: UserCtx, input: z.input<typeof createContextBody>): Promise<Once<ChatContext>> {
  const { title } = parseInput(createContextBody, input);
  const { user_id } = ctx.actor;
  return fromDb(() =>
    withContext(ctx.db, { user_id }, (tx) =>
      once(ctx, tx, 'chat_context.create', input, () =>
        insertContext(tx, { user_id, context_id: newId(), title, request_id: ctx.request_id }),
      ),
    ),
  );
}
