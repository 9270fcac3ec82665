import { tokens } from '../../chat/rules/tokens.ts';
import { stem } from '../../chat/rules/stem.ts';
import { isStopWord } from '../../chat/rules/analyse.ts';
import type { Finding } from '../model.ts';
import { ownTextOf } from './asked-for.ts';

/*
 * What a model says that a person said, held against what the person said. Whoever poisons what the model reads can make it answer
 * anything; so nothing is taken that does not stand in the person's own message, in their own words.
 */

export type Refusal =
  | 'no_quote'
  | 'foreign_quote'
  | 'question'
  | 'low_confidence'
  | 'unknown_subject'
  | 'order'
  | 'secret'
  | 'unsupported'
  | 'too_many';

export interface CheckedFindings {
  accepted: Finding[];
  /** How many of each. */
  refused: Partial<Record<Refusal, number>>;
}

const MAX_FINDINGS = 10;
const MIN_CONFIDENCE = 0.6;
/** Of the words of a content, how many must be the person's; else their quote stands for it, if it says enough by itself. */
const MIN_SUPPORT = 0.5;
const MIN_QUOTE_WORDS = 2;
const MAX_ATTRIBUTE_WORDS = 5;

/** The findings that stand on the person's own words. `known_ids`: what they may supersede. */
export function checkFindings(
  findings: readonly Finding[],
  { message, known_ids }: { message: string; known_ids: ReadonlySet<string> },
): CheckedFindings {
  const own = flat(ownTextOf(message));
  const checked: CheckedFindings = { accepted: [], refused: {} };
  for (const finding of findings) {
    const refusal = refusalOf(finding, { own, whole: flat(message), taken: checked.accepted.length });
    if (refusal) checked.refused[refusal] = (checked.refused[refusal] ?? 0) + 1;
    else checked.accepted.push(tidied(finding, own, known_ids));
  }
  return checked;
}

interface Message {
  own: string;
  whole: string;
  taken: number;
}

function refusalOf(finding: Finding, { own, whole, taken }: Message): Refusal | null {
  const quote = flat(finding.quote);
  if (!hasWords(quote)) return 'no_quote';
  if (!own.includes(quote)) return whole.includes(quote) ? 'foreign_quote' : 'no_quote';
  if (isAsked(own, quote)) return 'question';
  if (finding.confidence < MIN_CONFIDENCE) return 'low_confidence';
  const subject = flat(finding.subject).toLowerCase();
  if (subject !== 'user' && !own.toLowerCase().includes(subject)) return 'unknown_subject';
  const said = `${finding.content}\n${finding.attribute ?? ''}\n${quote}`;
  if (OBEYS.some((pattern) => pattern.test(said))) return 'order';
  if (SECRET.test(said) || hasCardNumber(said)) return 'secret';
  if (!isSupported(finding.content, own) && contentWords(quote) < MIN_QUOTE_WORDS) return 'unsupported';
  return taken >= MAX_FINDINGS ? 'too_many' : null;
}

/** One space between words, one kind of quote marks. */
const flat = (text: string): string =>
  text
    .normalize('NFKC')
    .replaceAll(/[‘’ʼ]/gu, "'")
    .replaceAll(/[“”«»]/gu, '"')
    .replaceAll(/\s+/gu, ' ')
    .trim();

/** A quote of nothing but `I` or `yes` says nothing. */
const hasWords = (quote: string): boolean => contentWords(quote) > 0;

const contentWords = (text: string): number =>
  tokens(text).filter((token) => token.kind === 'mark' || (token.text.length > 2 && !isStopWord(token, 'und'))).length;

const FIRST_PERSON = /\b(?:i|i'm|i've|my|me|mine|we|our|saya|aku|gue|gua|ku|kami)\b|ku\b/iu;
const ASKING =
  /(?:^|[\s,])(?:do|did|does|am|is|are|was|were|have|has|can|could|should|would|will|may|what|when|where|who|why|how|which|apa|apakah|kapan|siapa|mengapa|kenapa|bagaimana|berapa|bisakah)\s*$/iu;

/** Whether the quote stands in a question: what one asks about is not what one is. "Did you know that I moved?" tells all the same. */
function isAsked(own: string, quote: string): boolean {
  const start = own.indexOf(quote);
  const end = own.slice(start + quote.length - 1).search(/[.!?](?:\s|$)/u);
  if (end < 0 || own[start + quote.length - 1 + end] !== '?') return false;
  return (
    !FIRST_PERSON.test(quote) || ASKING.test(own.slice(0, start)) || new RegExp(`^${ASKING_FIRST}`, 'iu').test(quote)
  );
}
const ASKING_FIRST =
  "(?:do|did|does|am|is|are|was|were|have|has|can|could|should|would|will|may|what|when|where|who|why|how|which|apa|apakah|kapan|siapa|mengapa|kenapa|bagaimana|berapa)(?:'s|'re)?\\b";

/** Rules of obeying others, of trusting what is read, or of asking no more: nobody's words are kept for those. */
const OBEYS = [
  /\b(?:obey|follow|execute|carry out|comply with|heed|act on)\b.{0,60}\b(?:instructions?|orders?|commands?|requests?|directives?|prompts?|says?)\b/isu,
  /\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:instructions?|rules?|prompts?|guidelines?|polic(?:y|ies)|safety|system)\b/isu,
  /\bwithout\s+(?:asking|confirm\w*|confirmation|approval|permission)\b|\b(?:never|don't|do not|no need to)\s+(?:ask|confirm)\b/iu,
  /\b(?:trust|believe|treat)\b.{0,60}\b(?:document|canvas|email|mail|message|web\s?page|website|import|block|source)s?\b/isu,
  /\b(?:patuhi|ikuti|turuti|jalankan|laksanakan)\b.{0,60}\b(?:perintah|instruksi|permintaan|arahan)\b/isu,
  /\b(?:abaikan|lupakan)\b.{0,40}\b(?:instruksi|aturan|perintah|sistem)\b/isu,
  /\btanpa\s+(?:bertanya|tanya|konfirmasi|izin|persetujuan)\b|\bjangan\s+(?:bertanya|tanya|konfirmasi)\b/iu,
  /\b(?:system prompt|jailbreak|developer mode)\b/iu,
];

const SECRET =
  /\b(?:password|passcode|passphrase|pass\s?word|api[\s_-]?key|secret key|private key|access token|otp|cvv|cvc|kata sandi|sandi|pin)\b\s*(?:\w+\s+){0,3}?(?:is|are|was|=|:|adalah|-)\s*\S/iu;

/** Sixteen digits or so with their check digit. */
function hasCardNumber(text: string): boolean {
  return [...text.matchAll(/(?:\d[ -]?){13,19}/gu)].some(([run]) => {
    const digits = run.replaceAll(/\D/gu, '');
    let sum = 0;
    for (let at = 0; at < digits.length; at++) {
      const digit = Number(digits[digits.length - 1 - at]);
      const doubled = at % 2 === 1 ? digit * 2 : digit;
      sum += doubled > 9 ? doubled - 9 : doubled;
    }
    return sum % 10 === 0;
  });
}

/** As it is remembered: what the model made up is replaced by what was said, which is then no rule and takes nobody's place. */
function tidied(finding: Finding, own: string, known_ids: ReadonlySet<string>): Finding {
  const { valid_from, valid_until, supersedes } = finding;
  const quote = finding.quote.replaceAll(/\s+/gu, ' ').trim().slice(0, 2_000);
  const is_ordered = valid_from === null || valid_until === null || Date.parse(valid_from) < Date.parse(valid_until);
  const base = {
    ...finding,
    subject: flat(finding.subject).toLowerCase() === 'user' ? 'user' : flat(finding.subject),
    quote,
    valid_from: is_ordered ? valid_from : null,
    valid_until: is_ordered ? valid_until : null,
  };
  if (!isSupported(finding.content, own))
    return { ...base, kind: 'memory', attribute: null, content: quote, supersedes: null };
  return {
    ...base,
    attribute: attributeOf(finding),
    content: flat(finding.content),
    supersedes: supersedes !== null && known_ids.has(supersedes) ? supersedes : null,
  };
}

/** A few plain words; anything longer is a text of its own, which nobody said. */
function attributeOf({ kind, attribute }: Finding): string | null {
  if (kind === 'memory' || attribute === null) return null;
  const words = flat(attribute).split(' ');
  return words.length <= MAX_ATTRIBUTE_WORDS && /^[\p{L}\p{M}\p{N}' -]{1,80}$/u.test(attribute)
    ? words.join(' ')
    : null;
}

/**
 * Whether the content is made of what was said: half of its words, and every address, link and number (a date that was worked out is
 * one in digits and dashes).
 */
function isSupported(content: string, own: string): boolean {
  const said = new Set(tokens(own).flatMap(({ text }) => formsOf(text)));
  const plain = content.replaceAll(/\b\d{4}-\d{2}-\d{2}(?:T[\d:.]+Z?)?\b/gu, ' ');
  const words = tokens(plain).filter((token) => !isStopWord(token, 'und') && !/^users?$/u.test(token.text));
  if (/https?:|www\.|@/iu.test(plain.replaceAll(/\s/gu, '')) && !links(plain).every((link) => own.includes(link)))
    return false;
  if (words.some(({ text, kind }) => kind === 'mark' && !said.has(text))) return false;
  if (words.length === 0) return false;
  const supported = words.filter(({ text }) => formsOf(text).some((form) => said.has(form))).length;
  return supported / words.length >= MIN_SUPPORT;
}

const links = (text: string): string[] => text.match(/\S*(?:https?:|www\.|@)\S*/giu) ?? [];
const formsOf = (word: string): string[] => [word, stem(word, 'en'), stem(word, 'id')];
