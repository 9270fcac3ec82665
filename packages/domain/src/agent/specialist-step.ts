import { inSpan } from '@potentia/config/telemetry';
import { continueTurn } from '@potentia/db/agent/turn-queries';
import { AppError } from '../platform/errors.ts';
import { fromDb } from '../platform/db-errors.ts';
import { callTool } from './call-tool.ts';
import { Citations } from './citations.ts';
import { EarlierCalls } from './earlier-calls.ts';
import { beginStep, type Grant, quotaRefusal } from './ledger.ts';
import type {
  FinishReason,
  ModelFailureMeta,
  ModelPort,
  ModelReport,
  RespondEvent,
  ToolRequest,
  ToolRound,
} from './model.ts';
import type { Prompt } from './prompt.ts';
import { orderText } from './rules/continue-command.ts';
import { turnText } from './rules/turn-texts.ts';
import { toolDeclarations } from './tool-box.ts';
import type { Turn } from './turn-ctx.ts';

/** Rounds in which a model may ask for tools, and calls of all rounds together. */
const MAX_ROUNDS = 6;
const MAX_CALLS = 8;
/** Characters that an answer may have; a message holds a few more, for what the house asks. */
const MAX_ANSWER = 30_000;

/** What the specialist has said so far: kept outside of its step, so that it is there when the step is cut off. */
export class Answer {
  text = '';
  finish_reason: FinishReason = 'other';
  first_token_at: Date | null = null;
  citations: Citations;
  /** Milliseconds from asking the model to its first word. */
  first_token_ms = 0;
  /** What a tool call of this turn would do that waits for the person's word. */
  waiting: string | null = null;

  constructor(prompt: Prompt) {
    this.citations = new Citations(prompt);
  }
}

type Finish = Extract<RespondEvent, { type: 'finish' }>;

/**
 * Asks the specialist and streams what it says, with the tools that it calls, until it has answered. `step_id` holds its reservation. What
 * waits for the person's word stands at the end, whatever the model has said: their yes is one to that.
 */
export async function specialistStep(turn: Turn, prompt: Prompt, answer: Answer, step_id: string): Promise<void> {
  await answerWithTools(turn, prompt, answer, step_id);
  // The rules ask themselves.
  if (answer.waiting === null || turn.ctx.model.provider === 'local-rules') return;
  const text = turnText(turn.locale, 'waits', answer.waiting);
  tell(turn, answer, answer.text === '' ? text : `\n\n${text}`);
}

async function answerWithTools(turn: Turn, prompt: Prompt, answer: Answer, step_id: string): Promise<void> {
  const rounds: ToolRound[] = [];
  const earlier = await EarlierCalls.of(turn);
  let calls = 0;
  for (let current = step_id; ;) {
    const may_call = rounds.length < MAX_ROUNDS && calls < MAX_CALLS;
    const { finish, requests } = await ask(turn, { prompt, rounds, tools: may_call ? toolDeclarations() : [] }, answer);
    answer.finish_reason = finish.reason;
    turn.steps.settle(current, 'done', finish.report);
    if (finish.reason === 'blocked') sayBlocked(turn, answer, finish.explanation);
    if (finish.reason !== 'tools' || requests.length === 0 || !may_call) return;
    const results: ToolRound['results'] = [];
    for (const request of requests) {
      results.push({
        request,
        response: await call(turn, { prompt, answer, earlier }, { request, step_id: current, ordinal: calls }),
      });
      calls += 1;
    }
    rounds.push({ raw: finish.raw, results });
    current = await nextStep(turn, rounds, answer);
  }
}

/** One call of the model, as it streams. */
async function ask(
  turn: Turn,
  input: Parameters<Turn['ctx']['model']['respond']>[0],
  answer: Answer,
): Promise<{ finish: Finish; requests: ToolRequest[] }> {
  const { ctx, run } = turn;
  const asked_at = performance.now();
  const requests: ToolRequest[] = [];
  const round = input.rounds.length;
  return inSpan('turn.specialist', { run_id: run.held.run_id, round }, async () => {
    let separator = answer.text === '' ? '' : '\n\n';
    try {
      for await (const event of ctx.model.respond(input, run.signal)) {
        if (event.type === 'finish') return { finish: event, requests };
        if (event.type === 'tool') {
          requests.push(event.request);
          continue;
        }
        if (event.text === '') continue;
        if (answer.text === '' && answer.first_token_at === null) firstToken(turn, answer, asked_at);
        say(turn, answer, separator + event.text);
        separator = '';
        if (answer.text.length >= MAX_ANSWER - 1) return { finish: cutOff(turn, answer), requests: [] };
      }
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'model.blocked') throw error;
      return { finish: blocked(error, turn), requests: [] };
    }
    throw new AppError('unavailable', 'model.unavailable', 'The model ended without an answer.', {
      retry_after_ms: 1_000,
    });
  });
}

function firstToken({ ctx, began_at, judge_ms }: Turn, answer: Answer, asked_at: number): void {
  const now = performance.now();
  answer.first_token_at = ctx.clock();
  answer.first_token_ms = now - asked_at;
  const overhead_ms = now - began_at - judge_ms - answer.first_token_ms;
  ctx.turns.metrics.firstToken({ seconds: (now - began_at) / 1000, overhead_seconds: Math.max(0, overhead_ms) / 1000 });
}

function say(turn: Turn, answer: Answer, said: string): void {
  const room = MAX_ANSWER - answer.text.length;
  // No half of a character is left at the end.
  tell(turn, answer, said.length > room ? said.slice(0, room).replace(/[\ud800-\udbff]$/u, '') : said);
}

function tell({ run }: Turn, answer: Answer, text: string): void {
  for (const citation of answer.citations.read(text)) run.log.emit({ type: 'citation', citation });
  answer.text += text;
  run.log.emit({ type: 'delta', text });
}

/** A block is an answer: it says why there is no other. */
function sayBlocked(turn: Turn, answer: Answer, explanation: string | null): void {
  const text = explanation ?? turnText(turn.locale, 'blocked');
  say(turn, answer, answer.text === '' ? text : `\n\n${text}`);
}

const noReport = ({ ctx }: Turn): ModelReport => ({
  provider: ctx.model.provider,
  model: ctx.model.modelOf('specialist'),
  usage: { prompt_tokens: 0, output_tokens: 0, thought_tokens: 0, cached_tokens: 0 },
  calls: 1,
});

function blocked(error: AppError, turn: Turn): Finish {
  const { report, reason } = error.meta as ModelFailureMeta;
  const explanation = reason ?? error.message;
  return { type: 'finish', reason: 'blocked', explanation, raw: null, report: report ?? noReport(turn) };
}

/** What a model that would not stop has taken is not known, so it is estimated. */
function cutOff(turn: Turn, answer: Answer): Finish {
  const report = estimateReport(turn, answer);
  return { type: 'finish', reason: 'max_tokens', explanation: null, raw: null, report };
}

/** A provider that counts no tokens: nothing is held or charged for it. */
export const isFree = (model: ModelPort): boolean => model.maxOutputTokens('specialist') === 0;

/** Of a call that was cut off: what it was asked, and what it had said. Where a model is free it took nothing. */
export function estimateReport(turn: Turn, answer: Answer): ModelReport {
  const { model } = turn.ctx;
  const report = noReport(turn);
  if (isFree(model)) return { ...report, calls: 0 };
  return {
    ...report,
    usage: { ...report.usage, prompt_tokens: turn.prompt_tokens, output_tokens: model.estimateTokens(answer.text) },
  };
}

async function call(
  turn: Turn,
  { prompt, answer, earlier }: { prompt: Prompt; answer: Answer; earlier: EarlierCalls },
  { request, step_id, ordinal }: { request: ToolRequest; step_id: string; ordinal: number },
): Promise<object> {
  if (ordinal >= MAX_CALLS)
    return { error: { code: 'tool.too_many', message: 'No more tools in this turn. Answer with what you have.' } };
  const { ctx, run, begun, time_zone, locale } = turn;
  const { message, context } = begun;
  const content = orderText(turn.content, prompt.recent, message.created_at);
  const { tool, response } = await inSpan('turn.tool', { run_id: run.held.run_id, tool: request.name }, () =>
    callTool(ctx, {
      ...{ run_id: run.held.run_id, step_id, context_id: turn.context_id ?? context.id, ordinal, request },
      repeats: earlier.take(request),
      ...{ message: { id: message.id, content }, time_zone, now: message.created_at, locale },
    }),
  );
  run.log.emit({ type: 'tool', tool });
  if (tool.status === 'needs_confirmation') answer.waiting = tool.summary ?? tool.name;
  return response;
}

/** Settles one call of the model and reserves the next: the quota is asked before each. */
async function nextStep(turn: Turn, rounds: ToolRound[], answer: Answer): Promise<string> {
  const { ctx, run, steps } = turn;
  run.signal.throwIfAborted();
  const last = rounds.at(-1);
  turn.prompt_tokens += isFree(ctx.model) || !last ? 0 : ctx.model.estimateTokens(JSON.stringify(last));
  const { prompt_tokens } = turn;
  const begin = beginStep(ctx.model, 'specialist', { prompt_tokens, input_hash: null, limits: ctx.usage_limits });
  const results = await fromDb(() => continueTurn(ctx.db, run.held, [...steps.owed, begin]));
  steps.stored();
  const grant = results.at(-1) as Grant;
  if (!grant.granted) throw quotaRefusal(grant, ctx.clock());
  steps.open(begin.step_id, { estimate: () => estimateReport(turn, answer) });
  return begin.step_id;
}
