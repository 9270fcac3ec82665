import { setContextStatus } from '@potentia/db/chat/context-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { contextRef, type ChatContext } from './context-schemas.ts';

type Input = z.input<typeof contextRef>;

const setStatus = (ctx: UserCtx, input: Input, status: 'active' | 'archived'): Promise<ChatContext> => {
  const { context_id } = parseInput(contextRef, input);
  const { user_id } = ctx.actor;
  return fromDb(() => setContextStatus(ctx.db, { user_id, context_id, status, request_id: ctx.request_id }));
};

/** Puts a context away; what was said in it is still found. Twice is once. Throws `chat.context_not_found`. */
export const archiveContext = (ctx: UserCtx, input: Input): Promise<ChatContext> => setStatus(ctx, input, 'archived');

/** Takes it up again. Twice is once. Throws `chat.context_not_found`. */
export const restoreContext = (ctx: UserCtx, input: Input): Promise<ChatContext> => setStatus(ctx, input, 'active');
