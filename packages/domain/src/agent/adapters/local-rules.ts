import type { AssessInput, Assessment, JudgeInput, ModelAnswer, ModelPort, ModelReport } from '../model.ts';
import type { RespondEvent, RespondInput } from '../model.ts';
import type { Judgement } from '../prompt.ts';
import { estimateTokens } from '../rules/estimate-tokens.ts';
import { judgeByRules } from '../rules/judge-by-rules.ts';

const MODEL = 'rules-1';

const report = (): ModelReport => ({
  provider: 'local-rules',
  model: MODEL,
  usage: { prompt_tokens: 0, output_tokens: 0, thought_tokens: 0, cached_tokens: 0 },
  calls: 0,
});

const answer = <T>(result: T): ModelAnswer<T> => ({ result, is_defaulted: false, report: report() });

async function* respond(_input: RespondInput): AsyncGenerator<RespondEvent> {
  yield { type: 'text', text: 'No language model is set up.' };
  yield { type: 'finish', reason: 'stop', explanation: null, raw: null, report: report() };
}

/**
 * What stands in where no model is set up: the same port, pipeline and ledger, by rules alone. It takes orders and quotes what it
 * was told; it phrases nothing and imitates no model.
 */
export function createLocalRules(): ModelPort {
  return {
    provider: 'local-rules',
    judge: async (input: JudgeInput): Promise<ModelAnswer<Judgement>> => answer(judgeByRules(input)),
    respond: (input: RespondInput) => respond(input),
    assess: async (_input: AssessInput): Promise<ModelAnswer<Assessment>> =>
      answer({ findings: [], title: null, summary: null }),
    embedder: null,
    modelOf: () => MODEL,
    priceOf: () => 0,
    estimateTokens,
    maxOutputTokens: () => 0,
  };
}
