import { findPendingToolCall as selectPending } from '@potentia/db/agent/tool-call-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { pendingToolCallInput, type ToolCall } from './tool-schemas.ts';

/** The call of a context that waits for the person's word, the newest one; null: none does. */
export async function findPendingToolCall(
  ctx: UserCtx,
  input: z.input<typeof pendingToolCallInput>,
): Promise<ToolCall | null> {
  const { context_id } = parseInput(pendingToolCallInput, input);
  const record = await fromDb(() => selectPending(ctx.db, { user_id: ctx.actor.user_id, context_id }));
  return record?.call ?? null;
}
