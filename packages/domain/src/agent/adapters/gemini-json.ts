import type { GoogleGenerativeAI, RequestOptions } from '@google/generative-ai';
import type { z } from 'zod';
import type { ModelAnswer, ModelUsage } from '../model.ts';
import { problemOf, withoutFence } from '../rules/model-answers.ts';
import type { Rendered } from '../rules/render-prompt.ts';
import { ask, type AskDeps, type Meter } from './gemini-ask.ts';
import { Failure } from './gemini-failures.ts';
import { contentsOf, isBlock, littleThinking, requestBody, saidIn, usageOf } from './gemini-wire.ts';
import type { RawAnswer, RawContent } from './gemini-wire.ts';
import type { Watch } from './gemini-watch.ts';

export interface JsonDeps extends AskDeps {
  client: GoogleGenerativeAI;
  options: RequestOptions;
  /** Of a request that was given up while the model was at work. */
  estimate: (contents: RawContent[], system: string) => ModelUsage;
}

export interface JsonQuestion<T> {
  meter: Meter;
  models: string[];
  total_ms: number;
  signal: AbortSignal;
  rendered: Rendered;
  shape: object;
  schema: z.ZodType<T>;
  max_output_tokens: number;
  /** What stands when no answer can be read. */
  fallback: () => T;
}

interface Given {
  text: string;
  content: RawContent;
  is_cut: boolean;
}

/**
 * An answer in JSON, read by `schema`. What cannot be read is sent back once with what was wrong with it; after that the default
 * stands, and says so. Throws `AppError` as the port does.
 */
export async function askForJson<T>(deps: JsonDeps, question: JsonQuestion<T>): Promise<ModelAnswer<T>> {
  const { meter, rendered, schema, total_ms, signal } = question;
  const deadline = Date.now() + total_ms;
  const contents = contentsOf(rendered);
  const put = (asked: RawContent[]) => putOnce(deps, { ...question, deadline, contents: asked });
  try {
    const given = await put(contents);
    const read = readJson(given, schema);
    if ('result' in read) return { result: read.result, is_defaulted: false, report: meter.report() };

    const again = await put([...contents, given.content, correction(read.problem, given.is_cut)]).catch(
      (error: unknown) => {
        if (signal.aborted) throw error;
        deps.log.warn({ role: meter.role, err: error }, 'an answer could not be repaired');
        return null;
      },
    );
    const repaired = again && readJson(again, schema);
    if (repaired && 'result' in repaired) {
      deps.metrics.repaired(meter.role, 'repaired');
      return { result: repaired.result, is_defaulted: false, report: meter.report() };
    }
    deps.metrics.repaired(meter.role, 'defaulted');
    deps.log.warn({ role: meter.role, problem: (repaired ?? read).problem }, 'an answer could not be read');
    return { result: question.fallback(), is_defaulted: true, report: meter.report() };
  } catch (error) {
    throw meter.error(error);
  }
}

const correction = (problem: string, is_cut: boolean): RawContent => {
  const cut = is_cut ? ' It was cut off because it was too long: be much shorter.' : '';
  const text = `Your answer could not be used.${cut}\n${problem}\nAnswer again with the JSON alone, as it was asked for.`;
  return { role: 'user', parts: [{ text }] };
};

type Read<T> = { result: T } | { problem: string };

function readJson<T>({ text }: Given, schema: z.ZodType<T>): Read<T> {
  let value: unknown;
  try {
    value = JSON.parse(withoutFence(text));
  } catch (error) {
    return { problem: problemOf(text, error as SyntaxError) };
  }
  const parsed = schema.safeParse(value);
  return parsed.success ? { result: parsed.data } : { problem: problemOf(text, parsed.error) };
}

async function putOnce<T>(
  deps: JsonDeps,
  question: JsonQuestion<T> & { deadline: number; contents: RawContent[] },
): Promise<Given> {
  const { meter } = question;
  const { value, model, began_at } = await ask(deps, question, (asked, watch) => request(deps, question, asked, watch));
  deps.metrics.called(model, meter.role, 'ok', performance.now() - began_at);
  return value;
}

async function request<T>(
  { client, options, estimate }: JsonDeps,
  question: JsonQuestion<T> & { contents: RawContent[] },
  model: string,
  watch: Watch,
): Promise<Given> {
  const { rendered, contents, meter, shape, total_ms } = question;
  const thinkingConfig = littleThinking(model);
  const config = {
    maxOutputTokens: question.max_output_tokens,
    responseMimeType: 'application/json',
    responseSchema: shape,
    ...(thinkingConfig && { thinkingConfig }),
  };
  watch.arm(total_ms);
  let answer: RawAnswer;
  try {
    const body = requestBody({ system: rendered.system, contents, config });
    const { response } = await client
      .getGenerativeModel({ model }, options)
      .generateContent(body, { signal: watch.signal });
    answer = response;
  } catch (error) {
    if (watch.has_ended) meter.used(model, estimate(contents, rendered.system));
    throw error;
  }
  watch.over();
  const usage = usageOf(answer);
  if (usage) meter.used(model, usage);
  return givenBy(answer);
}

/** Throws a `Failure` for a block. An answer without text is one that cannot be read. */
function givenBy(answer: RawAnswer): Given {
  const block = answer.promptFeedback?.blockReason;
  const candidate = answer.candidates?.[0];
  const reason = candidate?.finishReason ?? '';
  if (block !== undefined) throw new Failure('blocked', `The prompt was blocked: ${block}`, { reason: block });
  if (isBlock(reason)) throw new Failure('blocked', `The answer was blocked: ${reason}`, { reason });
  const parts = candidate?.content?.parts ?? [];
  const text = saidIn(parts);
  const said = parts.length > 0 ? parts : [{ text: '(nothing)' }];
  return { text, content: { role: 'model', parts: said }, is_cut: reason === 'MAX_TOKENS' };
}
