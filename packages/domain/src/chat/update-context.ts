import { updateContext as setContext } from '@potentia/db/chat/context-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { updateContextInput, type ChatContext } from './context-schemas.ts';

/**
 * Gives a context a title, which from then on nobody else changes; with `expected_version` only if it still is at that. Throws
 * `chat.context_not_found`, `chat.version_conflict` with the current context.
 */
export function updateContext(ctx: UserCtx, input: z.input<typeof updateContextInput>): Promise<ChatContext> {
  const { context_id, title, expected_version } = parseInput(updateContextInput, input);
  return fromDb(() =>
    setContext(ctx.db, {
      user_id: ctx.actor.user_id,
      context_id,
      expected_version: expected_version ?? null,
      title,
      request_id: ctx.request_id,
    }),
  );
}
