import { z } from 'zod';
import { httpUrl, jsonList, milliseconds, wholeNumber } from './values.ts';

const modelName = z.string().regex(/^[\w.-]{1,100}$/, 'must be the name of a model');
const usd = z.number('must be a number of US dollars').min(0).max(10_000);

/** What a model costs, in US dollars per million tokens. `*` is every model that has no item of its own. */
export const modelPrice = z.strictObject({
  model: z.union([z.literal('*'), modelName]),
  input: usd,
  /** Thoughts count as output. */
  output: usd,
  /** Of input that the provider had cached; `input` when absent. */
  cached: usd.optional(),
});

/** The language model, and what may be spent on it. */
export const modelVariables = {
  MODEL_PROVIDER: z
    .enum(['gemini', 'local-rules'], 'must be gemini or local-rules')
    .optional()
    .meta({ description: 'gemini or local-rules; gemini where there is a key, when not set' }),
  GEMINI_API_KEY: z.string().optional().meta({ description: 'Key of the Gemini API', secret: true }),
  GEMINI_BASE_URL: httpUrl
    .default('https://generativelanguage.googleapis.com')
    .meta({ description: 'Where the Gemini API is' }),
  MODEL_JUDGE: modelName.default('gemini-3.5-flash-lite').meta({
    description: 'Model that decides which conversation a message belongs to',
  }),
  MODEL_SPECIALIST: modelName.default('gemini-3.8-flash').meta({ description: 'Model that answers' }),
  MODEL_ASSESSOR: modelName.default('gemini-3.5-flash-lite').meta({
    description: 'Model that finds what is worth remembering',
  }),
  MODEL_FALLBACK: modelName
    .default('gemini-3.5-flash')
    .meta({ description: 'Model that is asked when another one does not answer; `none` for none' }),
  MODEL_EMBEDDING: modelName.default('gemini-embedding-001').meta({
    description: 'Model that makes vectors; `none`: search is by words alone',
  }),
  MODEL_PRICES: jsonList(modelPrice).optional().meta({
    description:
      'JSON list of {model, input, output, cached?} in US dollars per million tokens; goes before what is assumed, `*` is every other model',
  }),
  MODEL_JUDGE_TIMEOUT_MS: milliseconds
    .default(4_000)
    .meta({ description: 'Deadline of a decision about the conversation, with its retries' }),
  MODEL_FIRST_TOKEN_TIMEOUT_MS: milliseconds
    .default(20_000)
    .meta({ description: 'How long an answer may take to begin, before it is asked for again' }),
  MODEL_IDLE_TIMEOUT_MS: milliseconds
    .default(15_000)
    .meta({ description: 'How long an answer that began may be silent' }),
  MODEL_SPECIALIST_TIMEOUT_MS: milliseconds
    .default(120_000)
    .meta({ description: 'Deadline of a whole answer, with its retries' }),
  MODEL_ASSESSOR_TIMEOUT_MS: milliseconds
    .default(45_000)
    .meta({ description: 'Deadline of finding what to remember, with its retries' }),
  MODEL_EMBEDDING_TIMEOUT_MS: milliseconds
    .default(10_000)
    .meta({ description: 'Deadline of making vectors, with its retries' }),
  PROMPT_TOKENS: wholeNumber(8_000, 500_000)
    .default(16_000)
    .meta({ description: 'What the prompt of an answer may take, in tokens' }),
  USAGE_TOKENS_PER_DAY: wholeNumber(1, Number.MAX_SAFE_INTEGER)
    .default(2_000_000)
    .meta({ description: 'What a workspace may use in a day of UTC, in tokens, unless it has a quota of its own' }),
  USAGE_COST_PER_MONTH: wholeNumber(1, 1_000_000).default(50).meta({
    description: 'What a workspace may cost in a month of UTC, in US dollars, unless it has a quota of its own',
  }),
};

const unlessNone = (name: string): string | null => (name === 'none' ? null : name);

/** The same as the settings of `createModel`. */
export const modelSettings = (env: {
  MODEL_PROVIDER?: 'gemini' | 'local-rules' | undefined;
  GEMINI_API_KEY?: string | undefined;
  GEMINI_BASE_URL: string;
  MODEL_JUDGE: string;
  MODEL_SPECIALIST: string;
  MODEL_ASSESSOR: string;
  MODEL_FALLBACK: string;
  MODEL_EMBEDDING: string;
  MODEL_PRICES?: z.output<typeof modelPrice>[] | undefined;
  MODEL_JUDGE_TIMEOUT_MS: number;
  MODEL_FIRST_TOKEN_TIMEOUT_MS: number;
  MODEL_IDLE_TIMEOUT_MS: number;
  MODEL_SPECIALIST_TIMEOUT_MS: number;
  MODEL_ASSESSOR_TIMEOUT_MS: number;
  MODEL_EMBEDDING_TIMEOUT_MS: number;
}) => ({
  provider: env.MODEL_PROVIDER ?? (env.GEMINI_API_KEY === undefined ? ('local-rules' as const) : ('gemini' as const)),
  api_key: env.GEMINI_API_KEY ?? null,
  base_url: env.GEMINI_BASE_URL,
  models: {
    judge: env.MODEL_JUDGE,
    specialist: env.MODEL_SPECIALIST,
    assess: env.MODEL_ASSESSOR,
    embed: unlessNone(env.MODEL_EMBEDDING),
    fallback: unlessNone(env.MODEL_FALLBACK),
  },
  prices: env.MODEL_PRICES ?? [],
  timeouts: {
    judge_ms: env.MODEL_JUDGE_TIMEOUT_MS,
    first_token_ms: env.MODEL_FIRST_TOKEN_TIMEOUT_MS,
    idle_ms: env.MODEL_IDLE_TIMEOUT_MS,
    specialist_ms: env.MODEL_SPECIALIST_TIMEOUT_MS,
    assess_ms: env.MODEL_ASSESSOR_TIMEOUT_MS,
    embed_ms: env.MODEL_EMBEDDING_TIMEOUT_MS,
  },
});

/** The same as the limits of the ledger: cost in millionths of a US dollar. */
export const usageLimits = (env: { USAGE_TOKENS_PER_DAY: number; USAGE_COST_PER_MONTH: number }) => ({
  tokens_per_day: env.USAGE_TOKENS_PER_DAY,
  cost_micros_per_month: env.USAGE_COST_PER_MONTH * 1_000_000,
});
