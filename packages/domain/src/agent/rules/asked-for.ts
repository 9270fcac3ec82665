import {
  CORRECTION,
  DONE_WORDS,
  INTENT_VERBS,
  type Intent,
  LEADING_NOUNS,
  MAKING_VERBS,
  MODALS,
  NEGATIONS,
  OTHER_SUBJECTS,
  QUESTION_WORDS,
  REMINDER_NOUNS,
  REPEAT_WORDS,
  REQUEST_WORDS,
  SELF_WORDS,
  TEXT_WORK,
  TOLD,
  WISHES,
} from './intent-words.ts';
import { isHintedAt, isMadeOf, isNamed, isPieceOf } from './own-words.ts';
import { spelt } from './spelling.ts';

/*
 * Whether a write comes from the person or from a text that the model has read. The rules know nothing of what a model means: they
 * look for the order in what the person typed, and for the words of the write among theirs. In doubt nothing was asked for; then the
 * person is asked, which costs a click.
 */

export interface Write {
  intent: Intent;
  /** Free text that would be written. */
  texts: readonly string[];
  /** Things that exist and would be changed, by their words: each must be named. */
  things: readonly string[];
  /** Whether it repeats by a rule. */
  repeats: boolean;
  /** The texts are what the person said, and not made of its words: put together otherwise they say otherwise. */
  is_verbatim?: boolean | undefined;
  /** One word of a thing names it. */
  is_hinted?: boolean | undefined;
}

/** Characters of a message in which orders are looked for; what is longer was pasted. */
const MAX_ORDERS = 600;
const WORDS = /[\p{L}\p{N}'…]+/gu;

/** Whether the person's message orders this very write. */
export function isAskedFor(message: string, write: Write): boolean {
  const { intent, texts, things, repeats, is_verbatim = false, is_hinted = false } = write;
  const said = ownTextOf(message);
  const isTheirs = is_verbatim ? isPieceOf : isMadeOf;
  const names = is_hinted ? isHintedAt : isNamed;
  return (
    (orders(said, intent) || correctsIt(said, intent)) &&
    texts.every((text) => isTheirs(text, said)) &&
    things.every((thing) => names(thing, said)) &&
    (!repeats || REPEAT_WORDS.test(said))
  );
}

/** Whether the last line corrects what the lines before it have ordered: `no, at 10` moves it. */
function correctsIt(said: string, intent: Intent): boolean {
  if (intent !== 'move_schedule' && intent !== 'update_schedule') return false;
  const [last = '', ...before] = said.trim().split('\n').toReversed();
  const ordered = before.join('\n');
  return CORRECTION.test(last.trim()) && (orders(ordered, 'set_reminder') || orders(ordered, 'create_schedule'));
}

/** Whether this is what the person says of themselves in this message, word for word: who says that may have it remembered. */
export function isOwnStatement(message: string, text: string): boolean {
  const wanted = (text.normalize('NFKC').replaceAll('’', "'").toLowerCase().match(WORDS) ?? []).join(' ');
  if (!SELF_WORDS.test(wanted)) return false;
  return clausesOf(headOf(ownTextOf(message))).some(
    ({ words, is_question }) => !is_question && ` ${words.join(' ')} `.includes(` ${wanted} `),
  );
}

/** What the person wrote themselves: without quoted lines, code, and what follows the head of a mail. */
export function ownTextOf(message: string): string {
  const text = message.normalize('NFKC').replaceAll('’', "'");
  const mail = /^[^\S\r\n\u2028\u2029]*(from|dari|subject|perihal|sent|dikirim):\s.+$/imu.exec(text);
  return text
    .slice(0, mail?.index ?? text.length)
    .replaceAll(/```[\s\S]*?(```|$)/gu, '\n')
    .replaceAll(/^[^\S\r\n\u2028\u2029]*>.*$/gmu, '');
}

/** Whether one of the sentences orders this. */
export const orders = (said: string, intent: Intent): boolean => orderOf(said, intent) !== '';

/** The parts of sentences that order this. Empty: none does. */
export const orderOf = (said: string, intent: Intent): string =>
  clausesOf(headOf(said))
    .filter((clause) => ordersIn(clause, intent))
    .map(({ words }) => words.join(' '))
    .join('\n');

/** The beginning of a message, up to a text that is to be worked on. */
function headOf(said: string): string {
  const head = said.slice(0, MAX_ORDERS);
  const work = TEXT_WORK.exec(head);
  return work ? head.slice(0, work.index + work[0].length) : head;
}

interface Clause {
  words: string[];
  is_question: boolean;
}

function clausesOf(text: string): Clause[] {
  const plain = spelt(text.toLowerCase())
    // What stands in quotes is somebody's words, not an order.
    .replaceAll(/"[^"]*"|“[^”]*”|«[^»]*»|(?<!\p{L})'[^']{3,}'(?!\p{L})/gu, ' … ')
    .replaceAll(/\b(?:be )?so (?:kind|nice|good) (?:and|to|as to)\b/gu, '')
    .replaceAll(/\b(don't|dont|do not|never) (ever )?let me forget\b/gu, 'remind me')
    .replaceAll(/\b(don't|dont|do not|never) forget (to|that)\b/gu, (_all, _no, last: string) =>
      last === 'to' ? 'remind me' : 'remember',
    )
    .replaceAll(/\bjangan (sampai )?lupa\b/gu, 'ingatkan')
    .replaceAll(/\bdi mana\b/gu, 'dimana');
  const sentences = plain.match(/[^.!?;\n]+(?:[.](?=\S)[^.!?;\n]+)*[.!?;\n]?/gu) ?? [];
  return sentences.flatMap((sentence) => {
    const ends_as_question = sentence.trimEnd().endsWith('?');
    const parts = sentence.split(/,?\s+(?:and then|and also|and|then|but|lalu|terus|kemudian|dan|tapi)\s+|,\s+/gu);
    return parts.map((part, at) => {
      const words = part.match(WORDS) ?? [];
      return { words, is_question: isQuestion(words, ends_as_question && at === parts.length - 1) };
    });
  });
}

function isQuestion(words: readonly string[], ends_as_question: boolean): boolean {
  const [first = '', second = ''] = words;
  if (words.some((word) => REQUEST_WORDS.has(word))) return false;
  if (MODALS.has(first) && second === 'you') return false;
  return QUESTION_WORDS.has(first) || ends_as_question || MODALS.has(first);
}

function ordersIn({ words, is_question }: Clause, intent: Intent): boolean {
  if (is_question || words.length === 0) return false;
  if (LEADING_NOUNS[intent]?.has(words[0] === 'new' ? (words[1] ?? '') : (words[0] ?? ''))) return true;
  if (intent === 'complete_todo' && words.some((word, at) => DONE_WORDS.has(word) && !isNegated(words, at)))
    return true;
  if (intent === 'set_reminder' && words.some((word) => REMINDER_NOUNS.has(word)))
    return words.some((word, at) => MAKING_VERBS.has(word) && isOrder(words, at, true));
  return words.some((word, at) => INTENT_VERBS[intent].has(word) && isOrder(words, at, false));
}

const isNegated = (words: readonly string[], at: number): boolean =>
  words.slice(Math.max(0, at - 3), at).some((word) => NEGATIONS.has(word));

/** Whether the verb that stands here is an order, not a report, a wish of others, or its opposite. `of_self`: `I need` is one too. */
function isOrder(words: readonly string[], at: number, of_self: boolean): boolean {
  const before = words[at - 1] ?? '';
  const earlier = words[at - 2] ?? '';
  if (isNegated(words, at)) return false;
  if (before === 'to') {
    const lead = words.slice(Math.max(0, at - 5), at - 1);
    return lead.some((word) => WISHES.has(word)) && !lead.some((word) => TOLD.has(word));
  }
  if (MODALS.has(before)) return false;
  if (before === 'you') return MODALS.has(earlier) || REQUEST_WORDS.has(words[at - 3] ?? '');
  if (of_self && (before === 'i' || before === 'we')) return true;
  return !OTHER_SUBJECTS.has(before);
}
