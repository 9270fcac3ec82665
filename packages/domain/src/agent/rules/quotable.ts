import { queryLanguage, queryTerms, type QueryTerm } from '../../chat/rules/query.ts';
import { analyse } from '../../chat/rules/analyse.ts';
import { parseCommand } from './command.ts';
import { readConfirmation } from './confirmation.ts';
import { BACK_TO, NEW_TOPIC } from './topic-words.ts';
import type { CommandAt } from './when.ts';

/** What a text of the person's is to somebody who looks for what they told: the less it tells, the later it is quoted. */
export type Telling = 'statement' | 'order' | 'question' | 'nothing';

/** Orders that say what somebody has before them; others say nothing of it: to look, to forget, to take back. */
const TELLING_CALLS = new Set(['set_reminder', 'create_schedule', 'append_block']);

/** How much a text tells of what it is about. `remember that …` states it. */
export function tellingOf(text: string, at: CommandAt): Telling {
  if (readConfirmation(text) !== null || isPleasantry(text) || movesTopic(text)) return 'nothing';
  const order = parseCommand(text, at);
  if (!order) return isQuestion(text) ? 'question' : 'statement';
  if (order.verb !== 'call') return order.verb === 'ask' || order.verb === 'snooze' ? 'nothing' : 'order';
  const names = order.calls.map(({ name }) => name);
  if (names.includes('remember')) return 'statement';
  return names.some((name) => TELLING_CALLS.has(name)) ? 'order' : 'nothing';
}

const ASKING =
  /^(?:(?:and|so|but|or|dan|jadi|terus|tapi|hey|hi)[\s,]+)*(?:(?:who|what|when|where|why|how|which|whose)(?:['’]s|\s+(?:is|are|am|was|were|do|does|did|can|could|will|would|should|has|have|had|much|many|long|old|often|time|day))\b|(?:do|does|did|am|can|could|should|shall|is|are|was|were|will|would|have|has)\s+(?:i|you|we|he|she|it|they|my|the|there)\b|(?:siapa(?:kah)?|apa(?:kah)?|kapan|berapa|bagaimana|gimana|kenapa|mengapa|(?:di\s*)?mana)\b)/iu;
const ASKING_LAST = /\b(?:apa|siapa|kapan|berapa|mana|dimana|gimana|bagaimana|kenapa)\s*$/iu;

/** Whether all that a text says is asked. */
export function isQuestion(text: string): boolean {
  const sentences = text.match(/[^.!?？\n]+(?:[.](?=\S)[^.!?？\n]+)*[.!?？]*/gu) ?? [];
  const said = sentences.map((sentence) => sentence.trim()).filter((sentence) => !isPleasantry(sentence));
  return said.length > 0 && said.every((sentence) => asks(sentence));
}

const asks = (sentence: string): boolean =>
  /[?？]$/u.test(sentence) || ASKING.test(sentence) || ASKING_LAST.test(sentence.replace(/[.!]+$/u, ''));

const POLITE =
  /^(?:hi|hey|hello|halo|hai|yo|(?:good\s+)?(?:morning|afternoon|evening|night)|selamat\s+\p{L}+|pagi|siang|sore|malam|thanks?|thank|thx|cheers|makasih|terima\s+kasih|trims|nice|great|cool|awesome|mantap|bye|good\s*bye|see\s+you|sampai\s+(?:jumpa|nanti)|dadah)\b/iu;
/** What stands beside it. */
const BESIDE =
  /^(?:oh|ok|okay|oke|so|well|many|very|much|a|lot|you|there|again|all|everyone|semua|semuanya|banyak|ya|yah|pak|bu|mas|mbak|kak|for|that|your|help|good|day|job|work|one|later|soon|sekali|banget)$/iu;

/** Greetings and thanks. */
export function isPleasantry(text: string): boolean {
  let rest = text.slice(0, 100).trim();
  let is_polite = false;
  while (rest !== '') {
    const word = POLITE.exec(rest)?.[0];
    const next = word ?? /^[^\s,.!:)…-]+/u.exec(rest)?.[0] ?? '';
    if (word === undefined && next !== '' && !BESIDE.test(next)) return false;
    is_polite ||= word !== undefined;
    rest = rest.slice(Math.max(1, next.length)).replace(/^[\s,.!:)…-]+/u, '');
  }
  return is_polite && text.length <= 100;
}

/** Words behind `new topic` that are its name, no more. */
const MAX_NAME = 6;

/** Whether a message says of what to speak, and nothing of it. */
export function movesTopic(text: string): boolean {
  const said = text.trim();
  const opening = NEW_TOPIC.exec(said)?.[0];
  if (opening !== undefined) return said.slice(opening.length).split(/\s+/u).length <= MAX_NAME && !said.endsWith('?');
  const back = BACK_TO.exec(said)?.[0];
  return back !== undefined && back.length >= said.replace(/[.!]+$/u, '').length;
}

/** Words that ask for what was said, not for what it was about. */
const OF_TELLING =
  /\b(?:(?:what|when|did|have|had|i|you|ever|anything|everything|something)\s+)*(?:say|said|tell|told|mention(?:ed)?|talk(?:ed)?|wrote|write)\s+(?:to\s+|with\s+)?(?:you|me)?\b|\b(?:bilang|katakan|kubilang|ceritakan|kuceritakan|sebut(?:kan)?|kukatakan)\b/giu;
export const asksWhatWasSaid = (text: string): boolean => text.search(OF_TELLING) >= 0;
const OF_ASKING = /\b(?:ask(?:ed)?|questions?|tanya(?:kan)?|bertanya|kutanya(?:kan)?|pertanyaan)\b/giu;
export const asksWhatWasAsked = (text: string): boolean => text.search(OF_ASKING) >= 0;

/** What somebody looks for. */
export function wantedTerms(message: string): QueryTerm[] {
  const about = queryTerms(message.replace(OF_TELLING, ' ').replace(OF_ASKING, ' '));
  const terms = about.length > 0 ? about : queryTerms(message);
  return queryLanguage(message) === 'en' ? terms.map(asEnglish) : terms;
}

/** Without what another language would make of a word: a train is no rain. */
const asEnglish = ({ stems, weight }: QueryTerm): QueryTerm => ({
  stems: stems.filter((stem) => stem[0] === stems[0]?.[0]),
  weight,
});

/** How many of the terms a text has. */
export function sharedTerms(wanted: readonly QueryTerm[], text: string): number {
  const stems = new Set(analyse(text).stems);
  return wanted.filter((term) => term.stems.some((stem) => stems.has(stem))).length;
}
