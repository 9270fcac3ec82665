import { deleteMessage as dropMessage } from '@potentia/db/chat/message-queries';
import type { z } from 'zod';
import type { DeleteCtx } from '../agent/run-eraser.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { publishEmbeddingHint } from './embedding-hint.ts';
import { messageRef } from './message-schemas.ts';

/**
 * Deletes one message, from the index too; a summary that covers it is made anew. Its answer stays, and what was remembered from it,
 * without the quote. Throws `chat.message_not_found`.
 */
export async function deleteMessage(ctx: DeleteCtx, input: z.input<typeof messageRef>): Promise<void> {
  const { message_id } = parseInput(messageRef, input);
  const { user_id } = ctx.actor;
  const run_ids = await fromDb(() => dropMessage(ctx.db, { user_id, message_id, request_id: ctx.request_id }));
  await ctx.run_eraser.erase(run_ids);
  // Its neighbours are indexed anew.
  publishEmbeddingHint(ctx);
}
