import type { PromptItem, PromptMessage } from '../prompt.ts';
import { isPleasantry, isQuestion, sharedTerms, wantedTerms } from './quotable.ts';

/** What was said so lately need not be in the index yet. Milliseconds. */
const FRESH = 60_000;
/** Characters of a text that are read. */
const MAX_READ = 2_000;

type Said = PromptMessage & { id: string; context_id: string };

/**
 * What was found in what was said, for a prompt: with what the person said a moment ago and the index may not have yet, if it shares a word
 * with `message`. What has a word of it itself goes before what was found by what stands beside it; last goes what tells nothing: what they
 * merely asked, and what was answered.
 */
export function historyForPrompt(
  found: readonly PromptItem[],
  { message, now, recent }: { message: string; now: string; recent: readonly Said[] },
): PromptItem[] {
  const ids = new Set(found.map(({ id }) => id));
  const wanted = wantedTerms(message.slice(0, MAX_READ));
  const fresh = recent
    .filter(({ id, role, created_at }) => role === 'user' && !ids.has(id) && isFresh(created_at, now))
    .filter(({ content }) => sharedTerms(wanted, content.slice(0, MAX_READ)) > 0)
    .toReversed()
    .map(({ id, content, created_at, context_id, is_imported }): PromptItem => {
      const from = { place_id: context_id, leg: 'recent', score: null } as const;
      return {
        kind: 'message',
        id,
        text: content,
        origin: is_imported === true ? 'other' : 'user',
        at: created_at,
        ...from,
      };
    });
  const all = [...fresh, ...found];
  const rank = (item: PromptItem): number =>
    merelyAsks(item) || item.origin === 'assistant' ? 2 : sharedTerms(wanted, item.text.slice(0, MAX_READ)) > 0 ? 0 : 1;
  const ranks = new Map(all.map((item) => [item, rank(item)]));
  return all.sort((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0));
}

const isFresh = (at: string, now: string): boolean => Date.parse(now) - Date.parse(at) <= FRESH;

const merelyAsks = ({ origin, text }: PromptItem): boolean => {
  const read = text.slice(0, MAX_READ);
  return origin === 'user' && (isQuestion(read) || isPleasantry(read));
};
