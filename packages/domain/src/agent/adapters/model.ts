import type { Logger } from '@potentia/config/logger';
import type { Registry } from 'prom-client';
import type { ModelPort } from '../model.ts';
import { createGemini, type GeminiSettings } from './gemini.ts';
import { createLocalRules } from './local-rules.ts';

export interface ModelSettings extends Omit<GeminiSettings, 'api_key'> {
  provider: ModelPort['provider'];
  api_key: string | null;
}

/**
 * The model of this configuration. Without a key it is the rules, which need none and cost nothing. Throws when the provider that
 * was asked for has no key.
 */
export function createModel(
  settings: ModelSettings,
  { log, registry }: { log: Logger; registry: Registry },
): ModelPort & { close(): void } {
  const { provider, api_key } = settings;
  if (provider === 'local-rules') {
    log.info('no language model is set up: answers are by rules');
    return { ...createLocalRules(), close: () => undefined };
  }
  if (api_key === null) throw new Error('MODEL_PROVIDER=gemini needs GEMINI_API_KEY');
  return createGemini({ ...settings, api_key }, { log, registry });
}
