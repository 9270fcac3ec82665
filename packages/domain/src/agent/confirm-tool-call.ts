import { takeToolCall, type ToolCallRecord } from '@potentia/db/agent/tool-call-queries';
import type { z } from 'zod';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { parseInput } from '../platform/parse.ts';
import { planCall } from './planners.ts';
import { askAgain, endFailed, runPlan, shownOf } from './run-tool.ts';
import type { Locale } from './rules/tool-summary.ts';
import { countCall, type ToolCtx, toolCtx } from './tool-ctx.ts';
import { isToolName, type ToolCall, toolCallRef, TOOLS } from './tool-schemas.ts';
import type { CallCtx } from './tools/tool.ts';

/**
 * Does what waits for the person's word; once, however often and by however many it is confirmed at once. Access is decided now. What
 * fails is answered as a call whose status is `failed`; what others would notice by now, and would not have when the person was asked,
 * waits again, and so does what would do something else than was shown. Throws `tool.not_found`, `tool.call_expired`, `tool.not_waiting` and `tool.in_progress` (conflict).
 */
export async function confirmToolCall(ctx: ToolCtx, input: z.input<typeof toolCallRef>): Promise<ToolCall> {
  const { tool_call_id } = parseInput(toolCallRef, input);
  const { user_id } = ctx.actor;
  const { request_id } = ctx;
  const taken = await fromDb(() => takeToolCall(ctx.db, { user_id, tool_call_id, to: 'running', request_id }));
  if (!taken.is_taken) return settled(taken, 'done');
  const { call } = await run(confirmedCtx(ctx, taken, taken.is_again), taken);
  countCall(ctx, call.name, call.status);
  return call;
}

function confirmedCtx(ctx: ToolCtx, { call, time_zone }: ToolCallRecord, is_rerun: boolean): CallCtx {
  return {
    ...toolCtx(ctx),
    call: {
      id: call.tool_call_id,
      run_id: call.run_id,
      context_id: call.context_id,
      time_zone,
      now: ctx.clock().getTime(),
      locale: localeOf(call.summary ?? ''),
      message: null,
      is_rerun,
    },
  };
}

/** In which a summary was said: its first word is a verb of ours. */
const localeOf = (summary: string): Locale => (/^Me[a-z]/u.test(summary) ? 'id' : 'en');

async function run(ctx: CallCtx, { call }: ToolCallRecord): Promise<ToolCallRecord> {
  const began = performance.now();
  try {
    if (!isToolName(call.name)) throw new AppError('not_found', 'tool.unknown', 'There is no such tool any more.');
    const args: unknown = parseInput(TOOLS[call.name].arguments, call.arguments);
    const plan = await planCall(ctx, call.name, args);
    if (plan.write?.affects_others === true && call.confirm_reason !== 'affects_others' && !ctx.call.is_rerun)
      return await askAgain(ctx, plan, 'affects_others');
    // What it would do is no longer what the person was shown: a schedule has another name or time by now.
    if (shownOf(plan) !== call.summary && !ctx.call.is_rerun)
      return await askAgain(ctx, plan, call.confirm_reason ?? 'not_asked');
    return await runPlan(ctx, plan);
  } catch (error) {
    return endFailed(ctx, error, began);
  }
}

/** What does not wait any more: answered as it is when it has ended as wanted. Throws what it ended as, else. */
export function settled({ call }: ToolCallRecord, wanted: 'done' | 'declined'): ToolCall {
  const { status } = call;
  if (status === wanted) return call;
  const meta = { current: call };
  if (status === 'expired')
    throw new AppError('conflict', 'tool.call_expired', 'It waited too long: ask for it again.', meta);
  if (status === 'running') throw new AppError('conflict', 'tool.in_progress', 'It is being done.', meta);
  throw new AppError('conflict', 'tool.not_waiting', 'It does not wait for your word.', meta);
}
