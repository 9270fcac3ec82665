import { finishTurn, getTurn, type TurnEnd } from '@potentia/db/agent/turn-queries';
import { DbError } from '@potentia/db/errors';
import { publishEmbeddingHint } from '../chat/embedding-hint.ts';
import { mapDbError } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import type { Citations } from './citations.ts';
import type { FinishReason } from './model.ts';
import { turnText } from './rules/turn-texts.ts';
import { shownAnswer, storableText } from './shown-answer.ts';
import { whileAway } from './store-end.ts';
import type { Turn } from './turn-ctx.ts';

interface End {
  text: string;
  finish_reason: FinishReason;
  first_token_at: Date | null;
  citations?: Citations | undefined;
  /** False: nothing can be remembered of it. */
  assess?: boolean;
}

/**
 * Stores the answer with all that belongs to it, and then says `done`; what became of the turn. Throws what the database refuses, and
 * `platform.database_unavailable` when it stays away.
 */
export async function finishRun(turn: Turn, given: End): Promise<string> {
  const { ctx, run, begun } = turn;
  const status = given.finish_reason === 'cancelled' ? 'cancelled' : 'done';
  const said = storableText(given.text);
  const text = said.trim() === '' && status === 'done' ? sayNothing(turn) : said;
  const { is_memory_enabled } = begun.settings;
  const end: TurnEnd = {
    ...shownAnswer({ text, first_token_at: given.first_token_at, citations: given.citations?.cited ?? [] }),
    status,
    finish_reason: given.finish_reason,
    assess: is_memory_enabled && status === 'done' && (given.assess ?? true),
  };
  const { context_id, message_id, usage } = await store(turn, end);
  publishOutboxHint(ctx);
  publishEmbeddingHint(ctx);
  const { run_id } = run.held;
  run.log.emit({ type: 'done', run_id, context_id, message_id, finish_reason: end.finish_reason, usage });
  return status;
}

function sayNothing({ run, locale }: Turn): string {
  const text = turnText(locale, 'empty');
  run.log.emit({ type: 'delta', text });
  return text;
}

function store({ ctx, run, steps }: Turn, end: TurnEnd): ReturnType<typeof finishTurn> {
  const { user_id, run_id } = run.held;
  return whileAway(async (attempt) => {
    try {
      return await finishTurn(ctx.db, run.held, end, steps.owed);
    } catch (error) {
      if (attempt === 0 || !(error instanceof DbError) || error.code !== 'turn.superseded') throw error;
      // An earlier try may have done it, and only its answer was lost.
      const { message, context_id, usage, status } = await getTurn(ctx.db, { user_id, run_id });
      const is_stored = status === end.status && (end.content === '' || message?.id === end.message_id);
      if (!is_stored || context_id === null) throw error;
      return { context_id, message_id: message?.id ?? null, usage };
    }
  }).catch((error: unknown) => {
    throw mapDbError(error);
  });
}
