import { getToolCall } from '@potentia/db/agent/tool-call-queries';
import type { z } from 'zod';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { parseInput } from '../platform/parse.ts';
import { takeBack } from './take-back.ts';
import { countCall, type ToolCtx } from './tool-ctx.ts';
import { type ToolCall, toolCallRef } from './tool-schemas.ts';

/**
 * Takes back what a call has done. Twice changes nothing. Throws `tool.not_found`, `tool.cannot_undo` (conflict: nothing was done, or
 * it is of a kind that cannot be taken back), and what the verb refuses: `schedule.version_conflict`, `block.version_conflict`, …
 */
export async function undoToolCall(ctx: ToolCtx, input: z.input<typeof toolCallRef>): Promise<ToolCall> {
  const { tool_call_id } = parseInput(toolCallRef, input);
  const record = await fromDb(() => getToolCall(ctx.db, { user_id: ctx.actor.user_id, tool_call_id }));
  if (!record) throw new AppError('not_found', 'tool.not_found', 'There is no such call.');
  const { call } = record;
  if (call.undone_at !== null) return call;
  if (!call.can_undo)
    throw new AppError('conflict', 'tool.cannot_undo', 'This cannot be taken back.', { current: call });
  const taken_back = await takeBack(ctx, record);
  countCall(ctx, call.name, 'undone');
  return taken_back.call;
}
