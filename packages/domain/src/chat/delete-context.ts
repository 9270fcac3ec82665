import { deleteContext as dropContext } from '@potentia/db/chat/context-queries';
import type { z } from 'zod';
import type { DeleteCtx } from '../agent/run-eraser.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { contextRef } from './context-schemas.ts';

/**
 * Deletes a context with its messages, what the index has of them and what tools were asked in it; of its runs the numbers stay.
 * What was remembered from it stays, without the quote. Throws `chat.context_not_found`.
 */
export async function deleteContext(ctx: DeleteCtx, input: z.input<typeof contextRef>): Promise<void> {
  const { context_id } = parseInput(contextRef, input);
  const { user_id } = ctx.actor;
  const run_ids = await fromDb(() => dropContext(ctx.db, { user_id, context_id, request_id: ctx.request_id }));
  await ctx.run_eraser.erase(run_ids);
}
