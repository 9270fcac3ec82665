import {
  TaskType,
  type EmbedContentRequest,
  type GoogleGenerativeAI,
  type RequestOptions,
} from '@google/generative-ai';
import type { Embedder, EmbeddingPurpose, ModelAnswer } from '../model.ts';
import { cutToTokens } from '../rules/cut.ts';
import { estimateTokens } from '../rules/estimate-tokens.ts';
import { ask, type AskDeps, Meter } from './gemini-ask.ts';
import { Failure } from './gemini-failures.ts';

const DIMENSIONS = 768;
/** What the models read of a text; the rest would be cut off there. */
const MAX_TOKENS = 2_000;

const TASKS: Record<EmbeddingPurpose, TaskType> = {
  query: TaskType.RETRIEVAL_QUERY,
  document: TaskType.RETRIEVAL_DOCUMENT,
};

export interface EmbedderDeps extends AskDeps {
  client: GoogleGenerativeAI;
  options: RequestOptions;
  model: string;
  total_ms: number;
}

/** Unit vectors of texts. There is no fallback: vectors of two models are not comparable. */
export function createGeminiEmbedder(deps: EmbedderDeps): Embedder {
  const { model, total_ms, metrics } = deps;
  return {
    model,
    dimensions: DIMENSIONS,
    async embed(texts, purpose, signal): Promise<ModelAnswer<number[][]>> {
      const meter = new Meter('embed', model, metrics);
      if (texts.length === 0) return { result: [], is_defaulted: false, report: meter.report() };
      const read = texts.map((text) => cutToTokens(text, MAX_TOKENS, estimateTokens));
      const deadline = Date.now() + total_ms;
      try {
        const { value, began_at } = await ask(
          deps,
          { meter, models: [model], deadline, signal },
          async (_model, watch) => {
            watch.arm(total_ms);
            const vectors = await request(deps, read, purpose, watch.signal);
            watch.over();
            return vectors;
          },
        );
        metrics.called(model, 'embed', 'ok', performance.now() - began_at);
        // The API does not say what it took.
        const prompt_tokens = read.reduce((sum, text) => sum + estimateTokens(text), 0);
        meter.used(model, { prompt_tokens, output_tokens: 0, thought_tokens: 0, cached_tokens: 0 });
        return { result: value, is_defaulted: false, report: meter.report() };
      } catch (error) {
        throw meter.error(error);
      }
    },
  };
}

async function request(
  { client, options, model }: EmbedderDeps,
  texts: string[],
  purpose: EmbeddingPurpose,
  signal: AbortSignal,
): Promise<number[][]> {
  const generative = client.getGenerativeModel({ model }, options);
  const requests = texts.map((text) => requestOf(model, text, purpose));
  const [first] = requests;
  const embeddings =
    first && requests.length === 1
      ? [(await generative.embedContent(first, { signal })).embedding]
      : (await generative.batchEmbedContents({ requests }, { signal })).embeddings;
  if (embeddings.length !== texts.length) throw new Failure('unavailable', 'Not as many vectors as texts');
  return embeddings.map(({ values }) => normalised(values));
}

/** The newer model takes no task, and is told in the text. Blank texts are refused. */
function requestOf(model: string, text: string, purpose: EmbeddingPurpose): EmbedContentRequest {
  const said = text.trim() === '' ? '-' : text;
  const has_tasks = !model.startsWith('gemini-embedding-2');
  const prefix = purpose === 'query' ? 'task: search result | query: ' : 'title: none | text: ';
  // The library's type does not know how many dimensions one may ask for, and sends what it is given.
  const request: EmbedContentRequest & { outputDimensionality: number } = {
    content: { role: 'user', parts: [{ text: has_tasks ? said : prefix + said }] },
    ...(has_tasks && { taskType: TASKS[purpose] }),
    outputDimensionality: DIMENSIONS,
  };
  return request;
}

/** Shortened vectors do not come as unit vectors. */
function normalised(values: number[]): number[] {
  const length = Math.hypot(...values);
  if (values.length !== DIMENSIONS || !Number.isFinite(length) || length === 0) {
    throw new Failure('unavailable', `Not a vector of ${DIMENSIONS} dimensions`);
  }
  return values.map((value) => value / length);
}
