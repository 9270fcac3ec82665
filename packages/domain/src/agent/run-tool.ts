import { finishToolCall, type ToolCallEnd, type ToolCallRecord } from '@potentia/db/agent/tool-call-queries';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { CONFIRMATION_MS, MAX_RESPONSE } from './tool-schemas.ts';
import type { CallCtx, Plan } from './tools/tool.ts';

/** What a model or a person reads of something that failed. */
export interface ToolFailure {
  code: string;
  message: string;
  fields?: { field: string; message: string }[];
  current?: unknown;
  candidates?: unknown;
  retry_after_ms?: number;
}

/** `told`: the model is told this, and the record holds less. */
export type RanCall = ToolCallRecord & { told?: object };

/** Does what was planned, and writes down how it ended. Throws `unavailable` alone. */
export async function runPlan(ctx: CallCtx, plan: Plan): Promise<RanCall> {
  const began = performance.now();
  try {
    const { result, undo = null, told, summary } = await plan.run();
    const end = { undo, latency_ms: since(began), ...(summary !== undefined && { summary }) };
    const record = await finish(ctx, { status: 'done', result: bound(result), ...end });
    return { ...record, ...(told && { told: bound(told) }) };
  } catch (error) {
    return endFailed(ctx, error, began);
  }
}

/** Characters of a summary: an answer has room for one at its end. */
const MAX_SUMMARY = 1_800;

/** What the person is shown of a plan. */
export const shownOf = ({ summary }: Plan): string => summary.slice(0, MAX_SUMMARY).toWellFormed();

/** The same call, which waits for the person's word again. */
export const askAgain = (ctx: CallCtx, plan: Plan, confirm_reason: 'affects_others' | 'not_asked' | 'destructive') =>
  finish(ctx, {
    ...{ status: 'needs_confirmation', summary: shownOf(plan), confirm_reason, waits_ms: CONFIRMATION_MS },
    latency_ms: 0,
  });

/** Writes down what a call failed of. Throws it when it is `unavailable`: then the whole turn is. */
export async function endFailed(ctx: CallCtx, error: unknown, began: number): Promise<ToolCallRecord> {
  if (isUnavailable(error)) throw error;
  const failure = explainFailure(ctx, error);
  return finish(ctx, { status: 'failed', result: failure, error_code: failure.code, latency_ms: since(began) });
}

export const isUnavailable = (error: unknown): boolean => error instanceof AppError && error.kind === 'unavailable';
export const since = (began: number): number => Math.round(performance.now() - began);

function finish(ctx: CallCtx, end: ToolCallEnd): Promise<ToolCallRecord> {
  const of = { user_id: ctx.actor.user_id, tool_call_id: ctx.call.id };
  return fromDb(() => finishToolCall(ctx.db, { ...of, ...end }));
}

/** An error as a result that a model can act on. What was not foreseen says nothing of itself, and is logged. */
export function explainFailure(ctx: Pick<CallCtx, 'log'>, error: unknown): ToolFailure {
  if (!(error instanceof AppError)) {
    ctx.log.error({ err: error }, 'A tool failed');
    return { code: 'tool.internal', message: 'This did not work, for a reason of our own' };
  }
  const { code, message, meta } = error;
  const { errors, current, candidates, retry_after_ms } = meta;
  return bound({
    code,
    message,
    ...(errors && {
      fields: errors.map(({ pointer, message: fault }) => ({ field: pointer.slice(1), message: fault })),
    }),
    ...(current !== undefined && { current }),
    ...(candidates !== undefined && { candidates }),
    ...(retry_after_ms !== undefined && { retry_after_ms }),
  }) as ToolFailure;
}

/** At most `MAX_RESPONSE` characters as JSON: what is longer is cut off, and says so. */
export function bound(result: object): object {
  const text = JSON.stringify(result);
  if (text.length <= MAX_RESPONSE) return result;
  const { code, message } = result as { code?: unknown; message?: unknown };
  const kept = typeof code === 'string' ? { code, message } : {};
  // Backslashes and quotes of the text are escaped once more.
  return { ...kept, is_truncated: true, text: text.slice(0, MAX_RESPONSE / 2).toWellFormed() };
}
