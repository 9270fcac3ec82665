import { AppError } from '../platform/errors.ts';
import { confirmToolCall } from './confirm-tool-call.ts';
import { declineToolCall } from './decline-tool-call.ts';
import { turnText } from './rules/turn-texts.ts';
import type { ToolCall } from './tool-schemas.ts';
import type { Turn } from './turn-ctx.ts';
import type { TurnTool } from './turn-events.ts';

/** What streams of a call: without what only its own list tells. */
const shown = ({ tool_call_id, name, status, summary, arguments: given, result, expires_at }: ToolCall): TurnTool => ({
  ...{ tool_call_id, name, status, summary, arguments: given, result, expires_at },
});

/** When to look again for a call that a process has begun and not ended. */
const IN_PROGRESS_MS = 10_000;
/** By what became of the call. */
const SAID: Partial<Record<ToolCall['status'], Parameters<typeof turnText>[1]>> = {
  done: 'confirmed',
  declined: 'declined',
  needs_confirmation: 'again',
};

/**
 * Takes a plain yes or no for the tool call that waits for it, and answers what came of it; no model is asked. Throws what is
 * `unavailable`; what else is wrong with the call is said.
 */
export async function answerConfirmation(turn: Turn, pending: { id: string; summary: string | null }): Promise<string> {
  const { ctx, run, locale, confirmation } = turn;
  const input = { tool_call_id: pending.id };
  try {
    const call = confirmation === 'yes' ? await confirmToolCall(ctx, input) : await declineToolCall(ctx, input);
    run.log.emit({ type: 'tool', tool: shown(call) });
    const what = call.summary ?? call.name;
    return turnText(locale, SAID[call.status] ?? 'failed', what);
  } catch (error) {
    if (!(error instanceof AppError) || error.kind === 'unavailable') throw error;
    // Who took it in an attempt that died is not at it any more; after a while it may be taken again.
    if (error.code === 'tool.in_progress' && run.held.attempt > 1)
      throw new AppError('unavailable', error.code, error.message, { retry_after_ms: IN_PROGRESS_MS });
    return turnText(locale, 'failed', error.message);
  }
}
