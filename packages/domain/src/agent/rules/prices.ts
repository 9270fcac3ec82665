import type { ModelUsage } from '../model.ts';

/** US dollars per million tokens. */
export interface ModelPrice {
  /** `*`: every model that has no item of its own. */
  model: string;
  input: number;
  /** Thoughts are charged as output. */
  output: number;
  /** Of input that the provider had cached; `input` when absent. */
  cached?: number | undefined;
}

/**
 * What is assumed where no price is configured: list prices without promotions, as far as they were public in autumn 2026, else those
 * of the nearest model. An operator who bills by them sets MODEL_PRICES.
 */
export const ASSUMED_PRICES: readonly ModelPrice[] = [
  { model: 'gemini-3.8-flash', input: 1.5, output: 7.5, cached: 0.15 },
  { model: 'gemini-3.7-flash', input: 1.5, output: 7.5, cached: 0.15 },
  { model: 'gemini-3.5-flash-lite', input: 0.3, output: 2.5, cached: 0.03 },
  { model: 'gemini-3.1-flash-lite', input: 0.25, output: 1.5, cached: 0.025 },
  { model: 'gemini-embedding-001', input: 0.15, output: 0 },
  { model: 'gemini-embedding-2', input: 0.2, output: 0 },
  { model: '*', input: 2, output: 12, cached: 0.2 },
];

/**
 * What a use of a model costs, in whole millionths of a US dollar, rounded up. A price of `configured` goes before the assumed ones,
 * and its `*` before the assumed price of a model.
 */
export function priceOf(model: string, usage: ModelUsage, configured: readonly ModelPrice[] = []): number {
  const price = findPrice(configured, model) ?? findPrice(ASSUMED_PRICES, model);
  if (!price) return 0;
  const cached = Math.min(usage.cached_tokens, usage.prompt_tokens);
  const micros =
    (usage.prompt_tokens - cached) * price.input +
    cached * (price.cached ?? price.input) +
    (usage.output_tokens + usage.thought_tokens) * price.output;
  // A hair off, so that 0.1 + 0.2 is not rounded to a micro more than it is.
  return Math.max(Math.ceil(micros - 1e-9), 0);
}

const findPrice = (prices: readonly ModelPrice[], model: string): ModelPrice | undefined =>
  prices.find((price) => price.model === model) ?? prices.find((price) => price.model === '*');
