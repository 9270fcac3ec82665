import type { GoogleGenerativeAI, RequestOptions } from '@google/generative-ai';
import type { FinishReason, ModelUsage, RespondEvent, RespondInput } from '../model.ts';
import { explainBlock } from '../rules/explain-block.ts';
import { renderPrompt } from '../rules/render-prompt.ts';
import { ask, type AskDeps, type Meter } from './gemini-ask.ts';
import { Failure, failureOf, statusFailure } from './gemini-failures.ts';
import type { Watch } from './gemini-watch.ts';
import { contentsOf, isBlock, isMiscall, requestBody, roundContents, saidIn, usageOf } from './gemini-wire.ts';
import type { RawAnswer, RawContent, RawPart, RawTurn } from './gemini-wire.ts';

export interface RespondDeps extends AskDeps {
  client: GoogleGenerativeAI;
  options: RequestOptions;
  first_token_ms: number;
  idle_ms: number;
  /** Of a request that ended without saying what it took. */
  estimate: (contents: RawContent[], system: string, said: string) => ModelUsage;
}

export interface RespondQuestion {
  input: RespondInput;
  meter: Meter;
  models: string[];
  total_ms: number;
  signal: AbortSignal;
  max_output_tokens: number;
}

type Passed = Exclude<RespondEvent, { type: 'finish' }>;

/** What has come so far of one answer. */
interface Seen {
  parts: RawPart[];
  usage: ModelUsage | null;
  has_begun: boolean;
  finish: { reason: string; is_prompt: boolean } | null;
}

interface Opened {
  first: IteratorResult<Passed, void>;
  rest: AsyncGenerator<Passed, void>;
  seen: Seen;
  watch: Watch;
  /** Says once what the request took. */
  settle: () => void;
}

/**
 * A streamed answer. Until its first part was passed on it is asked for again, of the fallback model too; after that a failure is the
 * caller's to tell. Thoughts are never passed on. Throws `AppError` as the port does.
 */
export async function* respond(deps: RespondDeps, question: RespondQuestion): AsyncGenerator<RespondEvent, void> {
  const { meter, input } = question;
  const deadline = Date.now() + question.total_ms;
  const put = (without_calls: boolean) =>
    ask(deps, { ...question, deadline }, (model, watch) =>
      open(deps, { ...question, deadline, without_calls }, model, watch),
    );
  try {
    let asked = await put(false);
    // It wanted a tool and could not say so, or said nothing at all: once more, in words.
    if (asked.value.first.done && isUseless(asked.value.seen)) {
      end(deps, meter, asked.value, asked, 'ok');
      asked = await put(asked.value.seen.finish?.reason !== 'STOP');
    }
    const { value: opened, model } = asked;
    deps.metrics.began(model, performance.now() - asked.began_at);
    // Whoever stops listening stops the model.
    let outcome = 'cancelled';
    try {
      for (let next = opened.first; !next.done; next = await opened.rest.next()) yield next.value;
      outcome = 'ok';
    } catch (error) {
      const failure = failureOf(opened.watch.explain(error));
      outcome = failure.code;
      if (failure.is_transient) deps.breakers.note(model, failure);
      throw failure;
    } finally {
      end(deps, meter, opened, asked, outcome);
    }
    yield finishOf(opened.seen, model, input, meter);
  } catch (error) {
    throw meter.error(error);
  }
}

function end(
  { metrics }: RespondDeps,
  meter: Meter,
  opened: Opened,
  asked: { model: string; began_at: number },
  outcome: string,
): void {
  opened.watch.close();
  opened.settle();
  metrics.called(asked.model, meter.role, outcome, performance.now() - asked.began_at);
}

const isUseless = ({ finish }: Seen): boolean =>
  finish !== null && !finish.is_prompt && (isMiscall(finish.reason) || finish.reason === 'STOP');

/** Sends the request and waits for the first part that can be passed on, or for the end. */
async function open(
  deps: RespondDeps,
  question: RespondQuestion & { deadline: number; without_calls: boolean },
  model: string,
  watch: Watch,
): Promise<Opened> {
  const { input, meter, without_calls } = question;
  const rendered = renderPrompt(input.prompt);
  const contents = [...contentsOf(rendered), ...roundContents(input.rounds, model)];
  const config = { maxOutputTokens: question.max_output_tokens };
  const seen: Seen = { parts: [], usage: null, has_begun: false, finish: null };
  let is_settled = false;
  const settle = (): void => {
    if (is_settled) return;
    is_settled = true;
    const is_guessed = seen.has_begun || watch.has_ended;
    const usage = seen.usage ?? (is_guessed ? deps.estimate(contents, rendered.system, saidIn(seen.parts)) : null);
    if (usage) meter.used(model, usage);
  };
  watch.arm(deps.first_token_ms);
  try {
    const body = requestBody({ system: rendered.system, contents, config, tools: input.tools, without_calls });
    const { stream, response } = await deps.client
      .getGenerativeModel({ model }, deps.options)
      .generateContentStream(body, { signal: watch.signal });
    // The library reads a copy of the stream whether anybody wants it or not, and its failure would end the process.
    response.catch(() => undefined);
    const rest = read(stream, seen, {
      round: input.rounds.length + 1,
      onChunk() {
        // It answers: what was kept back for another model is its own.
        watch.extend(question.deadline);
        watch.arm(deps.idle_ms);
      },
    });
    return { first: await rest.next(), rest, seen, watch, settle };
  } catch (error) {
    settle();
    throw error;
  }
}

/** The parts that are for others, as they come. Throws a `Failure` when the stream reports one, or ends before the answer does. */
async function* read(
  stream: AsyncIterable<RawAnswer>,
  seen: Seen,
  { round, onChunk }: { round: number; onChunk: () => void },
): AsyncGenerator<Passed, void> {
  let calls = 0;
  for await (const chunk of stream) {
    onChunk();
    seen.usage = usageOf(chunk) ?? seen.usage;
    const { error, promptFeedback, candidates = [] } = chunk;
    if (error) throw statusFailure(error.code ?? 500, error.message ?? 'An error in the stream', error.details ?? []);
    seen.has_begun = true;
    if (promptFeedback?.blockReason !== undefined)
      seen.finish = { reason: promptFeedback.blockReason, is_prompt: true };
    const [candidate] = candidates;
    for (const part of candidate?.content?.parts ?? []) {
      seen.parts.push(part);
      if (part.functionCall) {
        const { id, name, args = {} } = part.functionCall;
        calls += 1;
        yield { type: 'tool', request: { id: id ?? `call-${round}-${calls}`, name, arguments: args } };
      } else if (!part.thought && part.text) yield { type: 'text', text: part.text };
    }
    if (candidate?.finishReason) seen.finish = { reason: candidate.finishReason, is_prompt: false };
  }
  if (!seen.finish) throw new Failure('unavailable', 'The answer broke off');
}

function finishOf({ finish, parts }: Seen, model: string, input: RespondInput, meter: Meter): RespondEvent {
  const raw: RawTurn = { model, parts };
  const reason = finish?.reason ?? '';
  const is_blocked = finish !== null && (finish.is_prompt || isBlock(reason));
  const explanation = is_blocked
    ? explainBlock(reason, finish.is_prompt ? 'prompt' : 'answer', input.prompt.locale)
    : null;
  return {
    type: 'finish',
    reason: is_blocked ? 'blocked' : finishReason(reason, parts),
    explanation,
    raw,
    report: meter.report(),
  };
}

function finishReason(reason: string, parts: RawPart[]): FinishReason {
  if (reason === 'MAX_TOKENS') return 'max_tokens';
  if (reason !== 'STOP') return 'other';
  return parts.some((part) => part.functionCall) ? 'tools' : 'stop';
}
