import { languageOf } from '../../chat/rules/analyse.ts';
import { findingsByRules } from '../../chat/rules/findings-by-rules.ts';
import { titleOf } from '../../chat/rules/title.ts';
import { tokens } from '../../chat/rules/tokens.ts';
import type { AssessInput, Assessment, JudgeInput, ModelAnswer, ModelPort, ModelReport } from '../model.ts';
import type { RespondEvent, RespondInput } from '../model.ts';
import { AppError } from '../../platform/errors.ts';
import type { Judgement, Prompt } from '../prompt.ts';
import { continueCommand } from '../rules/continue-command.ts';
import { estimateTokens } from '../rules/estimate-tokens.ts';
import { followCommand, type Next } from '../rules/follow-command.ts';
import { judgeByRules } from '../rules/judge-by-rules.ts';
import { quoteAnswer } from '../rules/quotes.ts';
import { sayAnswers } from '../rules/say-results.ts';
import type { Language } from '../rules/say-when.ts';
import { answersOf } from '../rules/tool-results.ts';

/** Of this set of rules: what a run's record names. */
const MODEL = 'rules-1';
/** Milliseconds; they take a few. */
const DEADLINE_MS = 1_000;

const report = (): ModelReport => ({
  provider: 'local-rules',
  model: MODEL,
  usage: { prompt_tokens: 0, output_tokens: 0, thought_tokens: 0, cached_tokens: 0 },
  calls: 0,
});

const answer = <T>(result: T): ModelAnswer<T> => ({ result, is_defaulted: false, report: report() });

function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new AppError('unavailable', 'model.cancelled', 'The call was cancelled.');
}

/**
 * What stands in where no model is set up: the same port, pipeline and ledger, by rules alone. It takes orders and quotes what it
 * was told; it phrases nothing and imitates no model. It keeps nothing between calls.
 */
export function createLocalRules(): ModelPort {
  return {
    provider: 'local-rules',
    judge: async (input: JudgeInput, signal): Promise<ModelAnswer<Judgement>> => {
      throwIfCancelled(signal);
      return answer(judgeByRules(input));
    },
    respond,
    assess: async (input: AssessInput, signal): Promise<ModelAnswer<Assessment>> => {
      throwIfCancelled(signal);
      return answer(assess(input));
    },
    embedder: null,
    modelOf: () => MODEL,
    priceOf: () => 0,
    estimateTokens,
    maxOutputTokens: () => 0,
    deadlineOf: () => DEADLINE_MS,
  };
}

async function* respond({ prompt, tools, rounds }: RespondInput, signal: AbortSignal): AsyncGenerator<RespondEvent> {
  throwIfCancelled(signal);
  const language = languageFor(prompt);
  const { message, now, time_zone, recent } = prompt;
  const order = continueCommand(message, recent, { now, time_zone });
  const next: Next = order && followCommand(order.command, { rounds, choice: order.choice, at: { now, time_zone } });
  if (next && 'tools' in next && next.tools.length > 0 && tools.length > 0) {
    for (const [at, tool] of next.tools.entries())
      yield { type: 'tool', request: { id: `rules-${rounds.length}-${at}`, ...tool } };
    yield { type: 'finish', reason: 'tools', explanation: null, raw: null, report: report() };
    return;
  }
  if (next && 'text' in next) yield { type: 'text', text: next.text };
  // No tools are left to be called: what they have said so far is all.
  else if (next && rounds.length > 0)
    yield { type: 'text', text: sayAnswers(answersOf(rounds.at(-1)), null, language) };
  else yield { type: 'text', text: noteOf(prompt, language) ?? quoteAnswer(prompt, language) };
  yield { type: 'finish', reason: 'stop', explanation: null, raw: null, report: report() };
}

/** The message's language, where it is clear. */
function languageFor({ message, locale }: Prompt): Language {
  const language = languageOf(tokens(message));
  return language === 'und' ? locale : language;
}

/** Who tells something of themselves asks nothing: what was heard is said back in their words. */
function noteOf({ message, now, time_zone }: Prompt, language: Language): string | null {
  if (message.includes('?')) return null;
  const found = findingsByRules({ message, message_at: now, time_zone, known: [] });
  if (found.length === 0) return null;
  const quotes = found.map(({ quote }) => `“${quote}”`).join(', ');
  return language === 'en'
    ? `Noted, in your words: ${quotes}. Unless memory is off, it stands among your memories.`
    : `Dicatat, dengan kata-kata Anda: ${quotes}. Kecuali ingatan dimatikan, itu ada di ingatan Anda.`;
}

const UNTITLED = /^(?:untitled|new (?:chat|conversation|topic)|tanpa judul|)$/iu;

function assess({ message, message_at, time_zone, known, title }: AssessInput): Assessment {
  return {
    findings: findingsByRules({ message, message_at, time_zone, known }),
    title: UNTITLED.test(title.trim()) ? titleOf(message) : null,
    summary: null,
  };
}
