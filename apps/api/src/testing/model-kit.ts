import { createLogger } from '@potentia/config/logger';
import { createGemini, type GeminiSettings } from '@potentia/domain/agent/adapters/gemini';
import type {
  AssessInput,
  JudgeInput,
  ModelPort,
  ModelReport,
  RespondEvent,
  RespondInput,
} from '@potentia/domain/agent/model';
import { prompt } from '@potentia/domain/agent/testing/prompt';
import { AppError } from '@potentia/domain/platform/errors';
import { startGemini, type TestGemini } from '@potentia/sandbox/testing/gemini';
import { Registry } from 'prom-client';
import { expect, onTestFinished } from 'vitest';

export const never = new AbortController().signal;

export interface Kit {
  gemini: TestGemini;
  model: ModelPort;
  registry: Registry;
  /** The value of a metric, of all its labels together. */
  metric(name: string, labels?: Record<string, string>): Promise<number>;
}

export async function startModel(
  overrides: Partial<GeminiSettings['timeouts']> & { fallback?: string | null } = {},
): Promise<Kit> {
  const gemini = await startGemini();
  onTestFinished(() => gemini[Symbol.asyncDispose]());
  const registry = new Registry();
  const { fallback = null, ...timeouts } = overrides;
  const model = createGemini(
    {
      api_key: 'test-key',
      base_url: gemini.url,
      models: {
        ...{ judge: 'gemini-judge', specialist: 'gemini-specialist', assess: 'gemini-assess' },
        ...{ embed: 'gemini-embedding-001', fallback },
      },
      prices: [],
      timeouts: {
        ...{ judge_ms: 5_000, specialist_ms: 10_000, assess_ms: 5_000, embed_ms: 5_000 },
        ...{ first_token_ms: 5_000, idle_ms: 5_000, ...timeouts },
      },
      breaker: { failures: 5, rest_ms: 60_000 },
    },
    { log: createLogger({ service: 'test', level: 'silent' }), registry },
  );
  return {
    gemini,
    model,
    registry,
    async metric(name, labels = {}) {
      const found = await registry.getSingleMetric(name)?.get();
      const wanted = (found?.values ?? []).filter((value) =>
        Object.entries(labels).every(([label, text]) => value.labels[label] === text),
      );
      return wanted.reduce((sum, { value }) => sum + value, 0);
    },
  };
}

export const ask = (message: string, more: Partial<RespondInput> = {}): RespondInput => ({
  prompt: prompt({ message }),
  tools: [],
  rounds: [],
  ...more,
});

export interface Heard {
  text: string;
  events: RespondEvent[];
  finish: Extract<RespondEvent, { type: 'finish' }> | undefined;
  error: AppError | undefined;
}

export async function hear(model: ModelPort, input: RespondInput, signal = never): Promise<Heard> {
  const events: RespondEvent[] = [];
  let error: AppError | undefined;
  try {
    for await (const event of model.respond(input, signal)) events.push(event);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(AppError);
    error = thrown as AppError;
  }
  const text = events.map((event) => (event.type === 'text' ? event.text : '')).join('');
  return { text, events, finish: events.find((event) => event.type === 'finish'), error };
}

export const reportOf = (error: AppError | undefined): ModelReport => error?.meta['report'] as ModelReport;

export const judging = (message: string, more: Partial<JudgeInput> = {}): JudgeInput => ({
  message,
  now: '2026-11-12T02:30:00.000Z',
  time_zone: 'Asia/Jakarta',
  active: { id: 'c1', title: 'Holidays', summary: null, last_message_at: '2026-11-12T02:00:00.000Z' },
  others: [{ id: 'c2', title: 'Taxes', summary: 'About tax', last_message_at: '2026-11-01T02:00:00.000Z' }],
  recent: [],
  ...more,
});

export const assessing = (message: string): AssessInput => ({
  ...{ message, message_at: '2026-11-12T02:30:00.000Z', time_zone: 'Asia/Jakarta', answer: 'Fine.', known: [] },
  ...{ title: 'Talk', summary: null, recent: [] },
});
