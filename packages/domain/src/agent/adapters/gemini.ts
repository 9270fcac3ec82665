import type { Logger } from '@potentia/config/logger';
import type { Registry } from 'prom-client';
import type { ModelPort } from '../model.ts';
import { priceOf, type ModelPrice } from '../rules/prices.ts';
import { createLocalRules } from './local-rules.ts';

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
}

/** The Gemini API behind the port. */
export function createGemini(
  settings: GeminiSettings,
  _deps: { log: Logger; registry: Registry },
): ModelPort & { close(): void } {
  const rules = createLocalRules();
  return {
    ...rules,
    modelOf: (role) => settings.models[role] ?? 'none',
    priceOf: (model, usage) => priceOf(model, usage, settings.prices),
    close: () => undefined,
  };
}
