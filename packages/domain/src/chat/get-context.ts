import { getContext as selectContext } from '@potentia/db/chat/context-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { contextRef, type ChatContext } from './context-schemas.ts';

/** One context of the caller's. Throws `chat.context_not_found`. */
export function getContext(ctx: UserCtx, input: z.input<typeof contextRef>): Promise<ChatContext> {
  const { context_id } = parseInput(contextRef, input);
  return fromDb(() => selectContext(ctx.db, { user_id: ctx.actor.user_id, context_id }));
}
