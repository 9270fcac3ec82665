import { finishTurn, getTurn, type TurnEnd } from '@potentia/db/agent/turn-queries';
import { DbError, DbUnavailableError } from '@potentia/db/errors';
import { setTimeout as sleep } from 'node:timers/promises';
import { publishEmbeddingHint } from '../chat/embedding-hint.ts';
import { analyse } from '../chat/rules/analyse.ts';
import { mapDbError } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { newId } from '../platform/uuid.ts';
import type { Citations } from './citations.ts';
import type { FinishReason } from './model.ts';
import { turnText } from './rules/turn-texts.ts';
import type { Turn } from './turn-ctx.ts';

/** How long a finished answer waits for a database that is away, each time; all within the lease. */
const RETRIES_MS = [100, 400, 1_500, 4_000];

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
  const said = storable(given.text);
  const text = said.trim() === '' && status === 'done' ? sayNothing(turn) : said;
  const { is_memory_enabled } = begun.settings;
  const end: TurnEnd = {
    message_id: newId(),
    content: text.trim() === '' ? '' : text,
    language: analyse(text).language,
    status,
    finish_reason: given.finish_reason,
    citations: (given.citations?.cited ?? []).map(({ excerpt: _, ...cited }) => cited),
    first_token_at: given.first_token_at?.toISOString() ?? null,
    assess: is_memory_enabled && status === 'done' && (given.assess ?? true),
  };
  const { context_id, message_id, usage } = await store(turn, end);
  publishOutboxHint(ctx);
  publishEmbeddingHint(ctx);
  const { run_id } = run.held;
  run.log.emit({ type: 'done', run_id, context_id, message_id, finish_reason: end.finish_reason, usage });
  return status;
}

/** What Postgres takes: no NUL, and no half of a character where a text was cut. */
const storable = (text: string): string => text.replaceAll('\u0000', '').toWellFormed();

function sayNothing({ run, locale }: Turn): string {
  const text = turnText(locale, 'empty');
  run.log.emit({ type: 'delta', text });
  return text;
}

async function store({ ctx, run, steps }: Turn, end: TurnEnd): ReturnType<typeof finishTurn> {
  const { user_id, run_id } = run.held;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await finishTurn(ctx.db, run.held, end, steps.owed);
    } catch (error) {
      if (attempt > 0 && error instanceof DbError && error.code === 'turn.superseded') {
        // An earlier try may have done it, and only its answer was lost.
        const { message, context_id, usage, status } = await getTurn(ctx.db, { user_id, run_id });
        if (status === end.status && context_id !== null && (message?.id ?? '') === (end.content && end.message_id)) {
          return { context_id, message_id: message?.id ?? null, usage };
        }
      }
      const wait_ms = RETRIES_MS[attempt];
      if (!(error instanceof DbUnavailableError) || wait_ms === undefined) throw mapDbError(error);
      await sleep(wait_ms);
    }
  }
}
