import { getContext } from '@potentia/db/chat/context-queries';
import { findRelevantHistory, paySearch, type HistoryRow } from '@potentia/db/chat/search-queries';
import type { z } from 'zod';
import { beginStep, settleStep, type Grant, type UsageLimits } from '../agent/ledger.ts';
import type { ModelPort, ModelReport } from '../agent/model.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { takeTurn } from '../search/search-turns.ts';
import { queryVector, type NoVector, type QueryVector } from './query-vector.ts';
import { legWeights } from './rules/fuse.ts';
import { messageTerms, queryLanguage } from './rules/query.ts';
import { searchMemoryBody, type MemoryHit, type MemorySearch } from './search-schemas.ts';

export interface SearchMemoryCtx extends UserCtx {
  model: ModelPort;
  usage_limits: UsageLimits;
}

/**
 * Finds what the person has said or been told, in all their contexts, by words and, where there is a model for it, by meaning. A
 * query that has no word to look for finds nothing by words. Throws `request.invalid`,
 * `chat.context_not_found` and `search.busy`.
 */
export async function searchMemory(
  ctx: SearchMemoryCtx,
  input: z.input<typeof searchMemoryBody>,
): Promise<MemorySearch> {
  const { query, limit, from, to, role, context_id, neighbours } = parseInput(searchMemoryBody, input);
  const { user_id } = ctx.actor;
  // Somebody else's context is told from one in which nothing was found, and before anything is paid.
  if (context_id !== undefined) await fromDb(() => getContext(ctx.db, { user_id, context_id }));
  const found = await paidVector(ctx, query);
  const { vector, model } = typeof found === 'string' ? { vector: null, model: null } : found;
  const rows = await takeTurn(ctx.db, () =>
    fromDb(() =>
      findRelevantHistory(ctx.db, {
        ...{ user_id, query: messageTerms(query), vector, model, limit },
        options: { from, to, role, context_id, neighbours, ...(model !== null && { weights: legWeights(model) }) },
      }),
    ),
  );
  return {
    results: rows.map(hitOf),
    language: queryLanguage(query),
    vectors: typeof found === 'string' ? found : 'used',
  };
}

function hitOf({ source: _source, leg: _leg, lexical, vector, neighbours, ...row }: HistoryRow): MemoryHit {
  return {
    ...row,
    legs: { lexical, vector },
    ...(neighbours !== null && { neighbours: neighbours.map(({ source: _from, ...one }) => one) }),
  };
}

/** The vector of the query, reserved before and settled after; without quota there is none. */
async function paidVector(ctx: SearchMemoryCtx, query: string): Promise<QueryVector | NoVector> {
  const { model, db, actor } = ctx;
  if (!model.embedder) return 'off';
  const begin = beginStep(model, 'embed', {
    prompt_tokens: model.estimateTokens(query),
    input_hash: null,
    limits: ctx.usage_limits,
  });
  const [grant] = await fromDb(() => paySearch<Grant>(db, actor.user_id, [begin]));
  if (!grant?.granted) return 'unavailable';
  const began = performance.now();
  const found = await queryVector(model, query, {
    signal: AbortSignal.timeout(60_000),
    onLate: (report) => void payLate(ctx, report),
  });
  const settled = settleStep(model, {
    step_id: begin.step_id,
    outcome: typeof found === 'string' ? 'failed' : 'done',
    latency_ms: performance.now() - began,
    report: typeof found === 'string' ? null : found.report,
  });
  await fromDb(() => paySearch(db, actor.user_id, [settled]));
  return found;
}

/** A vector that came when nobody waited for it any more. */
async function payLate(ctx: SearchMemoryCtx, report: ModelReport): Promise<void> {
  const { model, db, actor, usage_limits: limits } = ctx;
  const begin = beginStep(model, 'embed', { prompt_tokens: report.usage.prompt_tokens, input_hash: null, limits });
  const settled = settleStep(model, { step_id: begin.step_id, outcome: 'done', latency_ms: 0, report });
  try {
    await fromDb(() => paySearch(db, actor.user_id, [begin, settled]));
  } catch (error) {
    ctx.log.warn({ err: error }, 'a late vector could not be written down');
  }
}
