import { analyse } from '../../chat/rules/analyse.ts';
import { titleOf } from '../../chat/rules/title.ts';
import type { ContextBrief, JudgeInput } from '../model.ts';
import type { Judgement } from '../prompt.ts';
import { parseCommand } from './command.ts';
import { BACK_TO, NEW_TOPIC } from './topic-words.ts';

/** Who was silent for so long has mostly something else in mind. Milliseconds. */
const GAP = 6 * 3_600_000;
/** Messages of a context that say what it is about now. */
const TURNS = 8;
/** By how much another context must be more like the message than the one that is open, and how like at all. */
const HYSTERESIS = 0.25;
const LIKE = 0.4;
/** How like an open context a message after a long silence must be. */
const STILL_LIKE = 0.25;

/** What was laid aside for so long is gone back to by its name alone. Milliseconds. */
const LAID_ASIDE = 30 * 86_400_000;
const ORDERED = 0.9;

/** Characters of a message that say where it belongs. */
const MAX_READ = 2_000;

const staying = (confidence: number): Judgement => ({
  ...{ decision: 'continue', context_id: null, title: null, confidence },
});
const going = (context_id: string, confidence: number): Judgement => ({
  ...{ decision: 'switch', context_id, title: null, confidence },
});
const beginning = (title: string, confidence: number): Judgement => ({
  ...{ decision: 'new', context_id: null, title, confidence },
});

/**
 * Decides without a model: by what is said outright, by silence, and by which open context the words are like. What is not clear stays
 * where it is.
 */
export function judgeByRules(input: JudgeInput): Judgement {
  const { message, active, others } = input;
  const said = message.trim();
  const starts_new = NEW_TOPIC.exec(said);
  if (starts_new) return beginning(titleOf(said.slice(starts_new[0].length)), 1);
  if (active === null) return beginning(titleOf(said), 1);
  const back = BACK_TO.exec(said)?.groups?.['what'];
  const named = back === undefined ? null : contextNamed(back, [active, ...others]);
  if (named) return named === active ? staying(1) : going(named.id, 0.95);
  // An order belongs where it is given, whatever its words are like.
  const is_order = Date.parse(input.now) - lastOf(active, input) <= GAP && parseCommand(said, input) !== null;
  return is_order ? staying(ORDERED) : byLikeness(input, active);
}

/** The context whose title has most of the words. Null: none has any. */
function contextNamed(what: string, contexts: readonly ContextBrief[]): ContextBrief | null {
  const wanted = new Set(analyse(what).stems);
  let best: { context: ContextBrief; shared: number } | null = null;
  for (const context of contexts) {
    const stems = new Set(analyse(context.title).stems);
    const shared = [...wanted].filter((stem) => stems.has(stem)).length / Math.max(1, wanted.size);
    if (shared > (best?.shared ?? 0)) best = { context, shared };
  }
  return best?.context ?? null;
}

function byLikeness(input: JudgeInput, active: ContextBrief): Judgement {
  const words = new Set(analyse(input.message.slice(0, MAX_READ)).stems);
  const others = input.others.filter(
    ({ last_message_at }) => Date.parse(input.now) - Date.parse(last_message_at) <= LAID_ASIDE,
  );
  const contexts = [active, ...others];
  const known = contexts.map((context) => wordsOf(context, input));
  const [of_active = 0, ...of_others] = likeness(words, known);
  const best = of_others.reduce((at, like, index) => (like > (of_others[at] ?? 0) ? index : at), 0);
  const of_best = of_others[best] ?? 0;
  const other = others[best];
  const shared = other ? [...words].filter((stem) => known[best + 1]?.has(stem)).length : 0;
  const is_clear =
    of_best >= LIKE && of_best >= of_active + HYSTERESIS && shared >= Math.min(2, words.size) && shared > 0;
  if (other && is_clear) return going(other.id, rounded(0.5 + (of_best - of_active) / 2));
  const is_silent = Date.parse(input.now) - lastOf(active, input) > GAP;
  if (!is_silent || words.size < 2) return staying(rounded(0.5 + of_active / 2));
  if (of_active >= STILL_LIKE) return staying(rounded(0.5 + of_active / 4));
  return beginning(titleOf(input.message), rounded(0.6 + (STILL_LIKE - of_active)));
}

const rounded = (confidence: number): number => Math.round(Math.min(0.95, confidence) * 100) / 100;

function lastOf({ id, last_message_at }: ContextBrief, { recent }: JudgeInput): number {
  const times = recent.filter(({ context_id }) => context_id === id).map(({ created_at }) => Date.parse(created_at));
  return Math.max(Date.parse(last_message_at), ...times);
}

function wordsOf({ id, title, summary }: ContextBrief, { recent }: JudgeInput): Set<string> {
  const turns = recent.filter(({ context_id }) => context_id === id).slice(-TURNS);
  return new Set(analyse([title, summary ?? '', ...turns.map(({ content }) => content)].join('\n')).stems);
}

/** For each context, how much of the message's words it has: what stands in few contexts says more. 0 to 1. */
function likeness(words: ReadonlySet<string>, contexts: readonly ReadonlySet<string>[]): number[] {
  const weights = new Map<string, number>();
  for (const word of words) {
    const having = contexts.filter((context) => context.has(word)).length;
    weights.set(word, Math.log(1 + (contexts.length + 1) / (having + 0.5)));
  }
  const whole = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  return contexts.map((context) => {
    const shared = [...weights].reduce((sum, [word, weight]) => sum + (context.has(word) ? weight : 0), 0);
    return whole === 0 ? 0 : shared / whole;
  });
}
