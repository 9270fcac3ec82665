import { takeToolCall } from '@potentia/db/agent/tool-call-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { settled } from './confirm-tool-call.ts';
import { countCall, type ToolMetrics } from './tool-ctx.ts';
import { type ToolCall, toolCallRef } from './tool-schemas.ts';

/** Leaves undone what waits for the person's word. Twice changes nothing. Throws what `confirmToolCall` does. */
export async function declineToolCall(
  ctx: UserCtx & { tool_metrics?: ToolMetrics },
  input: z.input<typeof toolCallRef>,
): Promise<ToolCall> {
  const { tool_call_id } = parseInput(toolCallRef, input);
  const { user_id } = ctx.actor;
  const { request_id } = ctx;
  const taken = await fromDb(() => takeToolCall(ctx.db, { user_id, tool_call_id, to: 'declined', request_id }));
  if (!taken.is_taken) return settled(taken, 'declined');
  countCall(ctx, taken.call.name, 'declined');
  return taken.call;
}
