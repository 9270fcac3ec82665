import { inSpan } from '@potentia/config/telemetry';
import { applyLedger } from '@potentia/db/agent/ledger-queries';
import { decideTurn, getRecentMessages, type RecentMessageRow } from '@potentia/db/agent/turn-queries';
import { findDates } from '../chat/rules/dates.ts';
import { type Retrieved, retrieveForTurn } from '../chat/retrieve-for-turn.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { INTERNAL } from '../platform/problem.ts';
import { answerConfirmation } from './answer-confirmation.ts';
import { failRun } from './fail-run.ts';
import { finishRun } from './finish-run.ts';
import { judgeStep, type Placement } from './judge-step.ts';
import { beginStep, type Grant, type LedgerOp, quotaRefusal, settleStep } from './ledger.ts';
import type { ModelFailureMeta, ModelPort, ModelReport } from './model.ts';
import { historyForPrompt } from './rules/history-for-prompt.ts';
import { type Packed, packPrompt } from './rules/pack.ts';
import { Answer, estimateReport, isFree, specialistStep } from './specialist-step.ts';
import { inputHash } from './step-book.ts';
import { toolDeclarations } from './tool-box.ts';
import type { Turn } from './turn-ctx.ts';
import type { StopReason } from './turns.ts';

/** Messages of the conversation that a prompt can hold. */
const RECENT = 50;
/** Milliseconds that retrieval lets others begin. */
const CALM_MS = 50;

/**
 * Answers a turn that has begun: judge and retrieval side by side, the prompt packed, the specialist streamed, the answer stored. What
 * happens is told to the run's log, which ends with `done` or `error`. Never rejects: a failure is an end like any other.
 */
export async function runTurn(turn: Turn): Promise<void> {
  const { ctx, run, began_at } = turn;
  const answer: { current: Answer | null } = { current: null };
  let outcome: string;
  try {
    outcome = await inSpan('turn', { run_id: run.held.run_id, attempt: run.held.attempt }, () =>
      answerTurn(turn, answer),
    );
  } catch (error) {
    outcome = await endEarly(turn, answer.current, error);
  }
  ctx.turns.metrics.ended({ outcome, provider: ctx.model.provider, seconds: (performance.now() - began_at) / 1000 });
}

async function answerTurn(turn: Turn, answer: { current: Answer | null }): Promise<string> {
  const { ctx, run, begun } = turn;
  const { provider } = ctx.model;
  run.log.emit({ type: 'run', run_id: run.held.run_id, user_message_id: begun.message.id, provider, replayed: false });
  if (begun.pending && turn.confirmation) return answerPending(turn, begun.pending);

  const [placement, retrieved] = await Promise.all([judgeStep(turn), retrieve(turn)]);
  run.signal.throwIfAborted();
  const packed = pack(turn, retrieved, placement, await recentOf(turn, placement));
  answer.current = new Answer(packed.prompt);
  const step_id = await decide(turn, placement, retrieved, packed, answer.current);
  await specialistStep(turn, packed.prompt, answer.current, step_id);
  return finishRun(turn, answer.current);
}

/** The model stays out of it. */
async function answerPending(turn: Turn, pending: { id: string; summary: string | null }): Promise<string> {
  await place(turn, await judgeStep(turn), null, null, []);
  const text = await answerConfirmation(turn, pending);
  turn.run.log.emit({ type: 'delta', text });
  return finishRun(turn, { text, finish_reason: 'stop', first_token_at: turn.ctx.clock(), assess: false });
}

function retrieve(turn: Turn): Promise<Retrieved> {
  const { ctx, run, begun, content, role_prompt_id, time_zone } = turn;
  const { message, workspace_id, settings } = begun;
  return inSpan('turn.retrieve', { run_id: run.held.run_id }, async () => {
    // The judge is asked first, and not only that of this turn: retrieval has the time that a judge takes.
    await ctx.turns.calm(CALM_MS);
    const found = await retrieveForTurn(ctx, {
      ...{ message: content, message_id: message.id, workspace_id, role_prompt_id, time_zone },
      ...{ now: message.created_at, signal: run.signal },
      onLateVector: (report) => void payLate(turn, report),
    });
    const said = { message: content, now: message.created_at, recent: begun.recent };
    const history = historyForPrompt(found.history, said);
    return settings.is_memory_enabled ? { ...found, history } : { ...found, history, preferences: [], memories: [] };
  });
}

/** The conversation before the message, where it is to be answered. */
async function recentOf(turn: Turn, { decision, context_id, new_context_id }: Placement): Promise<RecentMessageRow[]> {
  const { ctx, run, begun } = turn;
  if (new_context_id !== null) return [];
  const target = decision === 'switch' && context_id !== null ? context_id : begun.context.id;
  if (target === begun.context.id) return begun.recent.filter((message) => message.context_id === target);
  const { user_id } = run.held;
  return fromDb(() => getRecentMessages(ctx.db, { user_id, context_id: target, before: begun.message, limit: RECENT }));
}

/** What the declarations of the tools take of every prompt. */
const tool_tokens = new WeakMap<ModelPort, number>();

function toolTokens(model: ModelPort): number {
  const tokens = tool_tokens.get(model) ?? model.estimateTokens(JSON.stringify(toolDeclarations()));
  tool_tokens.set(model, tokens);
  return tokens;
}

function pack(turn: Turn, found: Retrieved, placement: Placement, recent: RecentMessageRow[]): Packed {
  const { ctx, begun, content, time_zone, locale } = turn;
  const { preferences, memories, history, blocks, schedule } = found;
  const target = [begun.context, ...begun.others].find(({ id }) => id === placement.context_id) ?? begun.context;
  const context =
    placement.new_context_id === null
      ? { id: target.id, title: placement.title ?? target.title, summary: target.summary }
      : { id: placement.new_context_id, title: placement.title ?? '', summary: null };
  const { pending } = begun;
  const packed = packPrompt({
    ...{ now: begun.message.created_at, time_zone, locale, user_name: begun.user.name },
    ...{ message: content, message_id: begun.message.id, role: found.role, context, recent },
    pending:
      pending && placement.decision === 'continue' ? { ...pending, summary: pending.summary ?? pending.name } : null,
    budget_tokens: ctx.prompt_tokens,
    tool_tokens: toolTokens(ctx.model),
    estimate: (text) => ctx.model.estimateTokens(text),
    sections: { preferences, memories, history, schedule, blocks },
  });
  turn.prompt_tokens = isFree(ctx.model) ? 0 : packed.packing.used_tokens;
  return packed;
}

/** Writes what was decided, pays the judge and reserves the specialist; the step that holds the reservation. */
async function decide(
  turn: Turn,
  placement: Placement,
  found: Retrieved,
  packed: Packed,
  answer: Answer,
): Promise<string> {
  const { ctx, steps, run } = turn;
  const limits = ctx.usage_limits;
  const begin = beginStep(ctx.model, 'specialist', { prompt_tokens: turn.prompt_tokens, input_hash: null, limits });
  const ops: LedgerOp[] = [...steps.owed, ...embedOps(turn, found), begin];
  const results = await place(turn, placement, found.role.id, packed.packing, ops);
  const grant = results[ops.indexOf(begin)] as Grant;
  if (!grant.granted) throw quotaRefusal(grant, ctx.clock());
  steps.note(begin.step_id, packed.items);
  steps.open(begin.step_id, {
    estimate: () => estimateReport(turn, answer),
    inputHash: () => inputHash(packed.prompt),
  });
  run.signal.throwIfAborted();
  return begin.step_id;
}

/** The vector of the question, which was made and paid with the search. */
const embedOps = (turn: Turn, { embedding }: Retrieved): LedgerOp[] =>
  embedding === null ? [] : vectorOps(turn, embedding);

function vectorOps({ ctx }: Turn, report: ModelReport): LedgerOp[] {
  const begin = beginStep(ctx.model, 'embed', { prompt_tokens: 0, input_hash: null, limits: ctx.usage_limits });
  const { step_id } = begin;
  return [begin, settleStep(ctx.model, { step_id, outcome: 'done', latency_ms: 0, report })];
}

/** One that came when nobody waited for it any more. */
async function payLate(turn: Turn, report: ModelReport): Promise<void> {
  const { ctx, run } = turn;
  try {
    await fromDb(() => applyLedger(ctx.db, { ...run.held, ops: vectorOps(turn, report) }));
  } catch (error) {
    ctx.log.warn({ err: error, run_id: run.held.run_id }, 'a late vector could not be written down');
  }
}

async function place(
  turn: Turn,
  placement: Placement,
  role_prompt_id: string | null,
  packing: object | null,
  ops: LedgerOp[],
): Promise<unknown[]> {
  const { ctx, run, begun, content, time_zone, language } = turn;
  const mentions = findDates(content, { at: begun.message.created_at, time_zone, language });
  const { judgement, results } = await fromDb(() =>
    decideTurn(ctx.db, run.held, { ...placement, mentions, role_prompt_id, packing }, ops),
  );
  turn.steps.stored();
  turn.context_id = judgement.context_id;
  run.log.emit({ type: 'judge', ...judgement });
  return results;
}

const STOPPED: Record<Exclude<StopReason, 'cancelled' | 'superseded'>, AppError> = {
  interrupted: new AppError('unavailable', 'agent.interrupted', 'The service was stopped meanwhile. Send it again.', {
    retry_after_ms: 500,
  }),
  deadline: new AppError('unavailable', 'model.timeout', 'The answer took too long.', { retry_after_ms: 5_000 }),
};

/** A turn that did not come to its answer by itself: cancelled, taken on by somebody else, or failed. */
async function endEarly(turn: Turn, answer: Answer | null, error: unknown): Promise<string> {
  const { ctx, run, steps } = turn;
  const reason = run.stop_reason;
  const meta: ModelFailureMeta = error instanceof AppError ? error.meta : {};
  if (error instanceof AppError && error.code === 'turn.superseded') return 'superseded';
  if (reason === 'superseded') return reason;
  if (reason === 'cancelled') {
    steps.settleAll('cancelled', meta.report ?? null);
    const end = {
      text: answer?.text ?? '',
      finish_reason: 'cancelled' as const,
      first_token_at: answer?.first_token_at ?? null,
    };
    try {
      return await finishRun(turn, { ...end, citations: answer?.citations, assess: false });
    } catch (failure) {
      return failRun(turn, failure, answer);
    }
  }
  if (reason === 'interrupted') {
    steps.settleAll('abandoned', null);
    return failRun(turn, STOPPED.interrupted, answer);
  }
  if (reason === 'deadline') {
    steps.settleAll('failed', null, 'model.timeout');
    return failRun(turn, STOPPED.deadline, answer);
  }
  const code = error instanceof AppError ? error.code : INTERNAL.code;
  steps.settleAll('failed', meta.report ?? null, code);
  if (!(error instanceof AppError)) ctx.log.error({ err: error, run_id: run.held.run_id }, 'a turn failed');
  return failRun(turn, error, answer);
}
