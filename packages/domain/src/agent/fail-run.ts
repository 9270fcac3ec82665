import { failTurn } from '@potentia/db/agent/turn-queries';
import { publishEmbeddingHint } from '../chat/embedding-hint.ts';
import { AppError } from '../platform/errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { INTERNAL } from '../platform/problem.ts';
import { shownAnswer } from './shown-answer.ts';
import type { Answer } from './specialist-step.ts';
import { whileAway } from './store-end.ts';
import type { Turn } from './turn-ctx.ts';

/**
 * Ends a turn that has no answer, or not the whole of it: what was shown is stored with the failure, and stands until another attempt has
 * an answer. Tells the readers. Never rejects.
 */
export async function failRun(turn: Turn, error: unknown, answer: Answer | null): Promise<string> {
  const { ctx, run } = turn;
  const told = error instanceof AppError ? error : new AppError('unavailable', INTERNAL.code, INTERNAL.message);
  const { code, message } = told;
  const { retry_after_ms, reset_at } = told.meta;
  try {
    await store(turn, { code, detail: message }, answer);
    publishOutboxHint(ctx);
    publishEmbeddingHint(ctx);
  } catch (err) {
    // Its lease ends by itself, and then it can be begun anew; if nobody does, the sweeper keeps what was shown.
    ctx.log.warn({ err, run_id: run.held.run_id }, 'the end of a turn could not be stored');
  }
  run.log.emit({
    ...{ type: 'error', run_id: run.held.run_id, code, detail: message },
    retry_after_ms: retry_after_ms ?? (told.kind === 'unavailable' ? 1_000 : null),
    reset_at: typeof reset_at === 'string' ? reset_at : null,
  });
  return 'failed';
}

function store(
  { ctx, run, steps }: Turn,
  failure: { code: string; detail: string },
  answer: Answer | null,
): Promise<void> {
  const { text = '', first_token_at = null, citations } = answer ?? {};
  const shown = shownAnswer({ text, first_token_at, citations: citations?.cited ?? [] });
  const end = { ...failure, shown: shown.content ? { ...shown, finish_reason: 'failed' as const } : null };
  const once = (): Promise<void> => failTurn(ctx.db, run.held, end, steps.owed);
  // Where nothing would be lost nobody waits, nor where it was waited for already.
  return end.shown === null || failure.code === 'platform.database_unavailable' ? once() : whileAway(once);
}
