import type { Logger } from '@potentia/config/logger';
import { GoogleGenerativeAI, type RequestOptions } from '@google/generative-ai';
import type { Registry } from 'prom-client';
import type { ModelPort, ModelRole, ModelUsage } from '../model.ts';
import { estimateTokens } from '../rules/estimate-tokens.ts';
import { judgeByRules } from '../rules/judge-by-rules.ts';
import { assessment, judgementOf } from '../rules/model-answers.ts';
import { priceOf, type ModelPrice } from '../rules/prices.ts';
import { ASSESSMENT_SHAPE, renderAssess } from '../rules/render-assess.ts';
import { JUDGEMENT_SHAPE, renderJudge } from '../rules/render-judge.ts';
import { type AskDeps, Meter } from './gemini-ask.ts';
import { BREAKER, Breakers, type BreakerSettings } from './gemini-breakers.ts';
import { createGeminiEmbedder } from './gemini-embedder.ts';
import { askForJson } from './gemini-json.ts';
import { observeModel } from './gemini-metrics.ts';
import { respond } from './gemini-respond.ts';
import type { RawContent } from './gemini-wire.ts';

export interface GeminiSettings {
  api_key: string;
  base_url: string;
  /** `embed` null: no vectors. `fallback` null: no other model is asked. */
  models: { judge: string; specialist: string; assess: string; embed: string | null; fallback: string | null };
  prices: readonly ModelPrice[];
  timeouts: {
    /** Of a whole call with its retries, per role. */
    judge_ms: number;
    specialist_ms: number;
    assess_ms: number;
    embed_ms: number;
    /** Until an answer begins, and between its parts. */
    first_token_ms: number;
    idle_ms: number;
  };
  breaker?: BreakerSettings;
}

/** Thoughts count into them. */
const MAX_OUTPUT_TOKENS: Record<ModelRole, number> = { judge: 2_048, specialist: 8_192, assess: 4_096, embed: 0 };

/** The Gemini API behind the port. */
export function createGemini(
  settings: GeminiSettings,
  { log, registry }: { log: Logger; registry: Registry },
): ModelPort & { close(): void } {
  const { models, timeouts, prices } = settings;
  const metrics = observeModel(registry);
  const deps: AskDeps = { breakers: new Breakers(metrics, settings.breaker ?? BREAKER), metrics, log };
  const client = new GoogleGenerativeAI(settings.api_key);
  // No `timeout`: the library's timer is never cleared.
  const options: RequestOptions = { baseUrl: settings.base_url, apiVersion: 'v1beta' };
  const call = (role: Exclude<ModelRole, 'embed'>, signal: AbortSignal) => ({
    meter: new Meter(role, models[role], metrics),
    models:
      models.fallback === null || models.fallback === models[role] ? [models[role]] : [models[role], models.fallback],
    total_ms: timeouts[`${role}_ms`],
    max_output_tokens: MAX_OUTPUT_TOKENS[role],
    signal,
  });
  const embedder =
    models.embed === null
      ? null
      : createGeminiEmbedder({ ...deps, client, options, model: models.embed, total_ms: timeouts.embed_ms });

  return {
    provider: 'gemini',
    judge: (input, signal) =>
      askForJson(
        { ...deps, client, options, estimate },
        {
          ...call('judge', signal),
          rendered: renderJudge(input),
          shape: JUDGEMENT_SHAPE,
          schema: judgementOf(input),
          fallback: () => judgeByRules(input),
        },
      ),
    respond: (input, signal) =>
      respond({ ...deps, ...timeouts, client, options, estimate }, { ...call('specialist', signal), input }),
    assess: (input, signal) =>
      askForJson(
        { ...deps, client, options, estimate },
        {
          ...call('assess', signal),
          rendered: renderAssess(input),
          shape: ASSESSMENT_SHAPE,
          schema: assessment,
          fallback: () => ({ findings: [], title: null, summary: null }),
        },
      ),
    embedder,
    modelOf: (role) => models[role] ?? 'none',
    priceOf: (model, usage) => priceOf(model, usage, prices),
    estimateTokens,
    maxOutputTokens: (role) => MAX_OUTPUT_TOKENS[role],
    deadlineOf: (role) => timeouts[`${role}_ms`],
    // Connections are the runtime's, and idle ones let a process end.
    close: () => undefined,
  };
}

function estimate(contents: RawContent[], system: string, said = ''): ModelUsage {
  const texts = contents.flatMap(({ parts }) => parts.map((part) => part.text ?? JSON.stringify(part)));
  const prompt_tokens = texts.reduce((sum, text) => sum + estimateTokens(text), estimateTokens(system));
  return { prompt_tokens, output_tokens: estimateTokens(said), thought_tokens: 0, cached_tokens: 0 };
}
