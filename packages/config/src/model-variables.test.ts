import { expect, test } from 'vitest';
import { z } from 'zod';
import { EnvError, parseEnv } from './env.ts';
import { modelSettings, modelVariables, usageLimits } from './model-variables.ts';

const read = (env: Record<string, string> = {}) => parseEnv('api', z.object(modelVariables), env);

test('without a key rules answer; a key is enough for a model', () => {
  expect(modelSettings(read())).toMatchObject({ provider: 'local-rules', api_key: null });
  expect(modelSettings(read({ GEMINI_API_KEY: 'k' }))).toMatchObject({
    provider: 'gemini',
    base_url: 'https://generativelanguage.googleapis.com',
    models: { embed: 'gemini-embedding-001' },
  });
  expect(modelSettings(read({ GEMINI_API_KEY: 'k', MODEL_PROVIDER: 'local-rules' })).provider).toBe('local-rules');
});

test('there may be no fallback and no vectors', () => {
  const { models } = modelSettings(read({ MODEL_FALLBACK: 'none', MODEL_EMBEDDING: 'none' }));
  expect(models).toMatchObject({ fallback: null, embed: null });
});

test('prices are per million tokens, limits in millionths of a dollar', () => {
  const MODEL_PRICES = '[{"model":"*","input":1,"output":2.5}]';
  expect(modelSettings(read({ MODEL_PRICES })).prices).toEqual([{ model: '*', input: 1, output: 2.5 }]);
  expect(usageLimits(read({ USAGE_COST_PER_MONTH: '3' }))).toMatchObject({ cost_micros_per_month: 3_000_000 });
});

test.each([
  ['MODEL_PROVIDER', 'other'],
  ['MODEL_JUDGE', 'models/../x'],
  ['MODEL_PRICES', '[{"model":"*","input":-1,"output":1}]'],
  ['MODEL_PRICES', '{}'],
  ['PROMPT_TOKENS', '10'],
])('%s=%s is refused, by name', (name, value) => {
  expect(() => read({ [name]: value })).toThrow(EnvError);
  expect(() => read({ [name]: value })).toThrow(name);
});
