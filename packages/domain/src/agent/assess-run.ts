import { createHash } from 'node:crypto';
import {
  type AssessmentRow,
  claimAssessment,
  describeContext,
  mayAssess,
  readAssessment,
} from '@potentia/db/agent/assess-queries';
import { applyLedger } from '@potentia/db/agent/ledger-queries';
import { getUserSemanticMemories } from '@potentia/db/chat/memory-queries';
import { type Tx, withContext } from '@potentia/db/context';
import { DbError } from '@potentia/db/errors';
import { z } from 'zod';
import { publishEmbeddingHint } from '../chat/embedding-hint.ts';
import { rememberInput } from '../chat/memory-schemas.ts';
import { rememberWithin } from '../chat/remember.ts';
import { queryTerms } from '../chat/rules/query.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { id } from '../platform/schemas.ts';
import { type BeginOp, beginStep, type Grant, settleStep, type UsageLimits } from './ledger.ts';
import type {
  AssessInput,
  Assessment,
  Finding,
  ModelAnswer,
  ModelFailureMeta,
  ModelPort,
  ModelReport,
} from './model.ts';
import { checkFindings } from './rules/check-findings.ts';

/** The outbox topic: a turn is answered, and is to be assessed. Written with the answer. */
export const AGENT_ASSESS = 'agent.assess';
export const assessRunPayload = z.object({ user_id: id, run_id: id });

/** What is told of findings. */
export interface AssessMetrics {
  /** `outcome`: created, replaced, known, or why it was refused. */
  countFinding(outcome: string, count: number): void;
}

export interface AssessCtx extends UserCtx {
  model: ModelPort;
  usage_limits: UsageLimits;
  assess_metrics?: AssessMetrics;
}

export interface Assessed {
  /** `skipped`: memory is off, there is no quota, or nothing to assess; `failed`: the model stayed away or refused. */
  outcome: 'done' | 'skipped' | 'failed';
  /** Memories that were made. */
  remembered: { memory_id: string; kind: string }[];
  /** Findings that were refused, by why. */
  refused: Record<string, number>;
}

/** Messages of the context that the assessor is shown. */
const RECENT = 30;
const NEAR = 20;
/** Milliseconds beside the model's own deadline: who has not finished an attempt by then has died. */
const PATIENCE_MS = 60_000;
/** The deadline is the adapter's (`MODEL_ASSESSOR_TIMEOUT_MS`). */
const NEVER = new AbortController().signal;
/** After so long without a model a turn is not assessed any more; the longer it waits, the more seldom it asks. */
const GIVE_UP_MS = 6 * 3_600_000;
const MAX_WAIT_MS = 600_000;
const MIN_WAIT_MS = 2_000;

const nothing = (outcome: Assessed['outcome']): Assessed => ({ outcome, remembered: [], refused: {} });

/**
 * Takes from an answered turn what is to be remembered, from the person's own words alone, and keeps the context's title
 * and summary. Once per run, however often it is called. `asked_at`: since when it waits; a model that stays away is given
 * up after some hours. Throws `agent.run_not_found` (the run is forgotten) and `unavailable` (try again later).
 */
export async function assessRun(ctx: AssessCtx, input: { run_id: string; asked_at: string }): Promise<Assessed> {
  const { run_id } = input;
  const { user_id } = ctx.actor;
  const row = await fromDb(() => readAssessment(ctx.db, { user_id, run_id, limit: RECENT }));
  if (!row) throw new AppError('not_found', 'agent.run_not_found', 'There is no such run.');
  if (!isAssessable(row)) return nothing('skipped');
  const asked = await assessInput(ctx, row);
  const step = beginStep(ctx.model, 'assess', {
    prompt_tokens: ctx.model.estimateTokens(JSON.stringify(asked)),
    input_hash: createHash('sha256').update(JSON.stringify(asked)).digest('hex'),
    limits: ctx.usage_limits,
  });
  if (!(await beginOnce(ctx, run_id, step))) return nothing('skipped');
  const began_at = performance.now();
  const attempt = { ...input, step_id: step.step_id, latency: () => performance.now() - began_at };
  let answer: ModelAnswer<Assessment>;
  try {
    answer = await ctx.model.assess(asked, NEVER);
  } catch (error) {
    return giveUpOrWait(ctx, attempt, error);
  }
  return keep(ctx, { row, asked, answer, attempt });
}

/** The person's own words, typed here, that were answered; an import, or what an assistant said, is nobody's word for anything. */
const isAssessable = ({ status, is_assessed, is_memory_enabled, message, answer }: AssessmentRow): boolean =>
  !is_assessed &&
  is_memory_enabled &&
  message.role === 'user' &&
  message.source !== 'import' &&
  answer !== null &&
  (status === 'done' || status === 'cancelled');

async function assessInput(ctx: AssessCtx, row: AssessmentRow): Promise<AssessInput> {
  const { user_id } = ctx.actor;
  const query = queryTerms(row.message.content);
  const near = await fromDb(() =>
    getUserSemanticMemories(ctx.db, { user_id, query, vector: null, model: null, limit: NEAR }),
  );
  return {
    message: row.message.content,
    message_at: row.message.created_at,
    time_zone: row.time_zone,
    answer: row.answer?.content ?? '',
    known: [
      ...row.known,
      ...near.map((item) => ({
        id: item.id,
        kind: 'memory' as const,
        subject: 'user',
        attribute: null,
        content: item.text,
      })),
    ],
    title: row.context.title,
    summary: row.context.summary,
    recent: row.recent,
  };
}

/** Begins the step, unless the run is assessed or there is no quota. Throws `unavailable` while another process is at it. */
function beginOnce(ctx: AssessCtx, run_id: string, step: BeginOp): Promise<boolean> {
  const { user_id } = ctx.actor;
  const patience_ms = ctx.model.deadlineOf('assess') + PATIENCE_MS;
  return fromDb(() =>
    withContext(ctx.db, { user_id }, async (tx) => {
      const state = await mayAssess(tx, { user_id, run_id, patience_ms });
      if (state === 'busy')
        throw new AppError('unavailable', 'agent.busy', 'Another process is at it', {
          retry_after_ms: patience_ms / 4,
        });
      if (state === 'assessed') return false;
      // What an attempt that died still holds is let go first.
      const ops = [{ op: 'abandon' }, step];
      const [, grant] = await applyLedger<Grant>(tx, { user_id, run_id, ops });
      return grant?.granted === true;
    }),
  );
}

interface Attempt {
  run_id: string;
  asked_at: string;
  step_id: string;
  latency: () => number;
}

/** Away: the job waits, and what the attempt took is paid. Refused, or away for too long: the step has failed, and that is that. */
async function giveUpOrWait(ctx: AssessCtx, attempt: Attempt, error: unknown): Promise<Assessed> {
  const { run_id, step_id } = attempt;
  const { report, retry_after_ms } = error instanceof AppError ? (error.meta as ModelFailureMeta) : {};
  const age_ms = ctx.clock().getTime() - Date.parse(attempt.asked_at);
  const waits = error instanceof AppError && error.kind === 'unavailable' && age_ms < GIVE_UP_MS;
  const op = settleStep(ctx.model, {
    ...{ step_id, latency_ms: attempt.latency(), outcome: waits ? 'abandoned' : 'failed', report: report ?? null },
    error_code: error instanceof AppError ? error.code : 'platform.internal',
  });
  await fromDb(() => applyLedger(ctx.db, { user_id: ctx.actor.user_id, run_id, ops: [op] }));
  if (!waits) {
    ctx.log.warn({ err: error, run_id }, 'a turn could not be assessed');
    return nothing('failed');
  }
  const wait_ms = Math.max(retry_after_ms ?? 0, Math.min(age_ms / 4, MAX_WAIT_MS), MIN_WAIT_MS);
  throw new AppError('unavailable', error.code, error.message, { retry_after_ms: wait_ms }, { cause: error });
}

interface Result {
  row: AssessmentRow;
  asked: AssessInput;
  answer: ModelAnswer<Assessment>;
  attempt: Attempt;
}

/** Writes what holds, and settles the step, in one transaction: either all of it counts, or the job begins again. */
async function keep(ctx: AssessCtx, { row, asked, answer, attempt }: Result): Promise<Assessed> {
  const { user_id } = ctx.actor;
  const { run_id, step_id } = attempt;
  const { result, report } = answer;
  const { accepted, refused } = checkFindings(result.findings, {
    message: row.message.content,
    known: asked.known,
  });
  const assessed: Assessed = { outcome: 'done', remembered: [], refused: { ...refused } };
  const counts: Record<string, number> = { ...refused };
  await fromDb(() =>
    withContext(ctx.db, { user_id }, async (tx) => {
      const ops = [settled(ctx, attempt, report)];
      if (await claimAssessment(tx, { user_id, run_id, step_id, message_id: row.message.id })) {
        for (const finding of accepted) {
          const { outcome, memory_id } = await keepFinding(ctx, tx, { finding, row, run_id });
          counts[outcome] = (counts[outcome] ?? 0) + 1;
          if (memory_id !== null) assessed.remembered.push({ memory_id, kind: finding.kind });
        }
        await describeContext(tx, { user_id, context_id: row.context.id, ...describedBy(row, result) });
      } else assessed.outcome = 'skipped';
      await applyLedger(tx, { user_id, run_id, ops });
    }),
  );
  publishOutboxHint(ctx);
  publishEmbeddingHint(ctx);
  for (const [outcome, count] of Object.entries(counts)) ctx.assess_metrics?.countFinding(outcome, count);
  return assessed;
}

const settled = ({ model }: AssessCtx, { step_id, latency }: Attempt, report: ModelReport) =>
  settleStep(model, { step_id, outcome: 'done', latency_ms: latency(), report });

/** One line of title; a summary reaches to the answer that it was made with. */
function describedBy({ context, answer }: AssessmentRow, { title, summary }: Assessment) {
  const line = title?.replaceAll(/\s+/gu, ' ').trim().slice(0, 200) ?? '';
  const text = summary?.trim().slice(0, 8_000) ?? '';
  return { title: line || null, summary: text || null, until: answer?.seq ?? context.seq, version: context.version };
}

interface Kept {
  outcome: string;
  /** Null: nothing was made. */
  memory_id: string | null;
}

/** One that has no room (`memory.too_many`) costs the others nothing. */
async function keepFinding(
  ctx: AssessCtx,
  tx: Tx,
  { finding, row, run_id }: { finding: Finding; row: AssessmentRow; run_id: string },
): Promise<Kept> {
  const input = rememberInput.safeParse({
    ...finding,
    ...{
      keeps_pinned: true,
      source: 'said',
      source_message_id: row.message.id,
      source_run_id: run_id,
      said_at: row.message.created_at,
    },
  });
  if (!input.success) return { outcome: 'malformed', memory_id: null };
  await tx.call('savepoint finding');
  try {
    const { outcome, memory } = await rememberWithin(ctx, tx, input.data);
    await tx.call('release savepoint finding');
    return { outcome, memory_id: outcome === 'known' ? null : memory.id };
  } catch (error) {
    if (!(error instanceof DbError && error.kind === 'conflict')) throw error;
    await tx.call('rollback to savepoint finding');
    return { outcome: error.code, memory_id: null };
  }
}
