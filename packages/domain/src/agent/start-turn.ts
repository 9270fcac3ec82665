import { currentTraceparent } from '@potentia/config/telemetry';
import { beginTurn, type BegunTurn, type HeldRun, type TurnBeginning } from '@potentia/db/agent/turn-queries';
import type { z } from 'zod';
import { analyse } from '../chat/rules/analyse.ts';
import { titleOf } from '../chat/rules/title.ts';
import { hashJson } from '../platform/canonical-json.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { asReplayed, type Follow, followRun } from './follow-run.ts';
import { JUDGE_TOKENS } from './judge-step.ts';
import { beginStep, quotaRefusal } from './ledger.ts';
import { readConfirmation } from './rules/confirmation.ts';
import { HOUSE_TOKENS, turnTooLong } from './rules/pack.ts';
import type { LoggedEvent } from './run-log.ts';
import { runTurn } from './run-turn.ts';
import { isFree } from './specialist-step.ts';
import { StepBook } from './step-book.ts';
import { toolDeclarations } from './tool-box.ts';
import type { Turn, TurnCtx } from './turn-ctx.ts';
import { startTurnInput } from './turn-schemas.ts';
import { type ActiveRun, LEASE_MS, MAX_EACH } from './turns.ts';

type Input = z.output<typeof startTurnInput>;

/** A turn that was asked for. It goes on whether or not anybody reads it. */
export interface StartedTurn {
  run_id: string;
  /** It had been asked for before. */
  replayed: boolean;
  /** What it tells, from the beginning or after what the reader has. A run whose process dies meanwhile is begun anew. */
  events(follow: Follow): AsyncGenerator<LoggedEvent>;
}

/** What a prompt takes beside the message and the tools: house rules and a role. */
const LEAST_PROMPT = 1_000;
/** The same with the longest role that there can be: what is refused for its length is refused before it is stored. */
const MOST_PROMPT = HOUSE_TOKENS + 2_800;
/** What travels beside every prompt. */
const DECLARATIONS = JSON.stringify(toolDeclarations());

/**
 * Takes a person's message and begins to answer it. The message is stored when this returns. The same `Idempotency-Key` is the same
 * turn: done, its stored answer; running, the rest of its stream; failed or left behind by a process that died, another attempt.
 * Throws `turn.key_reused`, `turn.too_many`, `turn.busy`, `turn.draining`, `workspace.not_found`, `role_prompt.not_found`,
 * `chat.context_not_found`, `usage.quota_exceeded` (the message is kept), `turn.too_long`, `request.invalid`, `platform.database_unavailable`.
 */
export async function startTurn(ctx: TurnCtx, input: z.input<typeof startTurnInput>): Promise<StartedTurn> {
  const began_at = performance.now();
  const body = parseInput(startTurnInput, input);
  const key = ctx.idempotency_key ?? newId();
  const request_hash = hashJson(body);
  return ctx.turns.startOnce(`${ctx.actor.user_id} ${key}`, request_hash, () =>
    begin(ctx, body, { key, request_hash, began_at }),
  );
}

interface Request {
  key: string;
  request_hash: string;
  began_at: number;
}

async function begin(ctx: TurnCtx, body: Input, request: Request): Promise<StartedTurn> {
  ctx.turns.assertOpen();
  const tokens = ctx.model.estimateTokens(body.content) + ctx.model.estimateTokens(DECLARATIONS);
  if (tokens + MOST_PROMPT > ctx.prompt_tokens) throw turnTooLong();
  const language = analyse(body.content).language;
  const confirmation = readConfirmation(body.content);
  const begun = await refusalCounted(ctx, () => fromDb(() => ask(ctx, body, request, language, confirmation !== null)));
  if (begun.outcome === 'refused') {
    ctx.turns.metrics.refused('usage.quota_exceeded');
    throw quotaRefusal(begun, ctx.clock());
  }
  const { run_id, attempt } = begun;
  const replayed = begun.outcome !== 'begun';
  const events = (follow: Follow): AsyncGenerator<LoggedEvent> =>
    followOrTakeOn(ctx, body, request, { run_id, attempt, replayed }, follow);
  if (replayed) return { run_id, replayed, events };

  const held: HeldRun = {
    user_id: ctx.actor.user_id,
    run_id,
    attempt: begun.attempt,
    lease_owner: ctx.turns.lease_owner,
  };
  ctx.turns.run(held, (run) => runTurn(toTurn(ctx, body, request, { begun, run, language, confirmation })));
  return { run_id, replayed, events };
}

function ask(
  ctx: TurnCtx,
  { content, context_id, workspace_id, role_prompt_id, source }: Input,
  { key, request_hash }: Request,
  language: 'en' | 'id' | 'und',
  is_answer: boolean,
): Promise<TurnBeginning> {
  const { model, usage_limits: limits } = ctx;
  const free = isFree(model);
  const judge_tokens = free ? 0 : JUDGE_TOKENS;
  const least = free ? 0 : model.estimateTokens(content) + model.estimateTokens(DECLARATIONS) + LEAST_PROMPT;
  const { tokens, cost_micros, share } = beginStep(model, 'specialist', {
    prompt_tokens: least,
    input_hash: null,
    limits,
  });
  return beginTurn(ctx.db, {
    user_id: ctx.actor.user_id,
    run_id: newId(),
    idempotency_key: key,
    request_hash,
    workspace_id: workspace_id ?? null,
    context_id: context_id ?? null,
    role_prompt_id: role_prompt_id ?? null,
    source,
    message_id: newId(),
    content,
    language,
    new_context_id: newId(),
    title: titleOf(content),
    is_answer,
    lease_owner: ctx.turns.lease_owner,
    lease_ms: LEASE_MS,
    max_running: MAX_EACH,
    hold: { tokens, cost_micros, share, limits },
    judge: beginStep(model, 'judge', { prompt_tokens: judge_tokens, input_hash: null, limits }),
    request_id: ctx.request_id,
    traceparent: currentTraceparent() ?? null,
  });
}

async function refusalCounted<T>(ctx: TurnCtx, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError && error.kind === 'limit') ctx.turns.metrics.refused(error.code);
    throw error;
  }
}

function toTurn(
  ctx: TurnCtx,
  body: Input,
  { began_at }: Request,
  known: { begun: BegunTurn; run: ActiveRun; language: Turn['language']; confirmation: Turn['confirmation'] },
): Turn {
  const { begun, language, confirmation } = known;
  return {
    ...{ ctx, ...known, content: body.content },
    // A yes to something else is not one to what waits.
    confirmation: begun.pending?.is_asked === true ? confirmation : null,
    locale: begun.user.locale ?? (language === 'id' ? 'id' : 'en'),
    time_zone: body.time_zone ?? begun.user.time_zone,
    role_prompt_id: body.role_prompt_id ?? null,
    is_pinned: body.context_id !== undefined,
    steps: new StepBook(ctx.model),
    context_id: null,
    prompt_tokens: 0,
    ...{ began_at, judge_ms: 0 },
  };
}

/** A run that is left behind while it is followed is begun anew by who has its key. */
async function* followOrTakeOn(
  ctx: TurnCtx,
  body: Input,
  request: Request,
  { run_id, attempt, replayed }: { run_id: string; attempt: number; replayed: boolean },
  follow: Follow,
): AsyncGenerator<LoggedEvent> {
  const last = { index: follow.after };
  const told = followRun(ctx, { run_id, attempt, stored: null }, follow, last);
  const end = yield* replayed ? asReplayed(told) : told;
  if (end !== 'lost' || follow.signal.aborted) return;
  const again = await begin(ctx, body, { ...request, began_at: performance.now() });
  yield* again.events({ ...follow, after: last.index });
}
