import { parseEnv } from '@potentia/config/env';
import { createLogger } from '@potentia/config/logger';
import { modelSettings, modelVariables } from '@potentia/config/model-variables';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { createModel } from './model.ts';

const create = (env: Record<string, string>) =>
  createModel(modelSettings(parseEnv('test', z.object(modelVariables), env)), {
    log: createLogger({ service: 'test', level: 'silent' }),
    registry: new Registry(),
  });

test('without a key it is the rules, which cost nothing and make no vectors', () => {
  const model = create({});
  expect([model.provider, model.embedder, model.maxOutputTokens('judge')]).toEqual(['local-rules', null, 0]);
  expect(
    model.priceOf(model.modelOf('specialist'), {
      prompt_tokens: 1e6,
      output_tokens: 1,
      thought_tokens: 0,
      cached_tokens: 0,
    }),
  ).toBe(0);
});

test('with a key it is the configured models at the configured prices', () => {
  const MODEL_PRICES = '[{"model":"gemini-x","input":2,"output":3}]';
  const model = create({ GEMINI_API_KEY: 'k', MODEL_SPECIALIST: 'gemini-x', MODEL_PRICES, MODEL_EMBEDDING: 'none' });
  expect([model.provider, model.modelOf('specialist'), model.modelOf('embed'), model.embedder]).toEqual([
    ...['gemini', 'gemini-x', 'none', null],
  ]);
  expect(model.priceOf('gemini-x', { prompt_tokens: 10, output_tokens: 10, thought_tokens: 0, cached_tokens: 0 })).toBe(
    50,
  );
});

test('a provider without its key does not start', () => {
  expect(() => create({ MODEL_PROVIDER: 'gemini' })).toThrow('GEMINI_API_KEY');
});
