import { isStopWord } from '../../chat/rules/analyse.ts';
import { tokens } from '../../chat/rules/tokens.ts';
import type { AssessInput, Finding } from '../model.ts';
import { ownTextOf } from './asked-for.ts';
import { isHintedAt } from './own-words.ts';
import { isSupported } from './supported.ts';

/*
 * What a model says that a person said, held against what the person said. Whoever poisons what the model reads can make it answer
 * anything; so nothing is taken that does not stand in the person's own message, in their own words.
 */

export type Refusal =
  | 'no_quote'
  | 'foreign_quote'
  | 'question'
  | 'supposed'
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
/** More than these are not even looked at. */
const MAX_READ = 50;
const MIN_CONFIDENCE = 0.6;
/** Of a quote that stands for a content which was not said. */
const MIN_QUOTE_WORDS = 2;
const MAX_ATTRIBUTE_WORDS = 5;

type Known = AssessInput['known'][number];

/** The findings that stand on the person's own words. `known`: what they may supersede, if they are of the same. */
export function checkFindings(
  findings: readonly Finding[],
  { message, known }: { message: string; known: readonly Known[] },
): CheckedFindings {
  const own = flat(withoutTask(ownTextOf(message)));
  const said = { own, whole: flat(message), quoted: quotedIn(own) };
  const checked: CheckedFindings = { accepted: [], refused: {} };
  const refuse = (refusal: Refusal, count = 1): void => {
    if (count > 0) checked.refused[refusal] = (checked.refused[refusal] ?? 0) + count;
  };
  for (const finding of findings.slice(0, MAX_READ)) {
    const refusal = refusalOf(finding, { ...said, taken: checked.accepted.length });
    if (refusal) refuse(refusal);
    else checked.accepted.push(tidied(finding, own, known));
  }
  refuse('too_many', findings.length - MAX_READ);
  return checked;
}

/** Begins a wish to have a text worked on; what follows is that text, and nobody's word. */
const TASK =
  /(?:^|[.!?]\s+)(?:please\s+|pls\s+|tolong\s+|mohon\s+|(?:can|could|would)\s+you\s+|bisa(?:kah)?\s+)*(?:summari[sz]e|translate|rewrite|rephrase|paraphrase|proofread|correct|improve|shorten|reply\s+to|respond\s+to|answer|explain|analy[sz]e|ringkas(?:kan)?|rangkum(?:kan)?|terjemah(?:kan)?|jelaskan|perbaiki|balas(?:kan)?|koreksi)\b[^:\n.!?]*(?::|\n)/iu;

function withoutTask(text: string): string {
  const task = TASK.exec(text);
  return task ? text.slice(0, task.index + task[0].length) : text;
}

interface Message {
  own: string;
  whole: string;
  /** What stands between quotation marks in `own`. */
  quoted: string[];
  taken: number;
}

/** Longer ones than a name. */
const quotedIn = (own: string): string[] =>
  [...own.matchAll(/"([^"]*)"|(?<!\p{L})'([^']{3,})'(?!\p{L})/gu)]
    .map(([, double, single]) => double ?? single ?? '')
    .filter((text) => text.trim().includes(' '));

function refusalOf(finding: Finding, { own, whole, quoted, taken }: Message): Refusal | null {
  const quote = flat(finding.quote);
  if (!hasWords(quote)) return 'no_quote';
  if (!own.includes(quote)) return whole.includes(quote) ? 'foreign_quote' : 'no_quote';
  // What stands in quotation marks is somebody's, unless it is said again outside of them.
  if (
    quoted.some((text) => text.includes(quote)) &&
    own.split(quote).length - 1 === quoted.join('\n').split(quote).length - 1
  )
    return 'foreign_quote';
  if (isAsked(own, quote)) return 'question';
  if (isSupposed(own, quote)) return 'supposed';
  if (finding.confidence < MIN_CONFIDENCE) return 'low_confidence';
  if (!isOf(flat(finding.subject), own, quote)) return 'unknown_subject';
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

const SUPPOSED =
  /\b(?:if|unless|suppose|supposing|imagine|pretend|assume|assuming|hypothetically|let['’]s\s+say|act\s+as|role-?play|kalau|jika|bila|seandainya|andai(?:kan|kata)?|misal(?:nya|kan)?|bayangkan|anggap(?:lah|\s+saja)?|pura-pura|seolah(?:-olah)?)\b/iu;

/** Whether it stands in a supposition, or after one in its sentence. */
const isSupposed = (own: string, quote: string): boolean => SUPPOSED.test(sentenceUntil(own, quote) + quote);

/** The sentence in which a quote begins, up to it. */
function sentenceUntil(own: string, quote: string): string {
  const before = own.slice(0, own.indexOf(quote));
  return before.slice(before.search(/[^.!?]*$/u));
}

const OF_SELF = /^\W*(?:i|i['’](?:m|ve|d)|aku|saya|gue|gua)\b/iu;
const OF_OTHERS = /^\W*(?:he|she|they|his|her|their|dia|ia|mereka|beliau)\b/iu;

/** Whether it is about that subject: named as a whole in the sentence of the quote; or about whoever speaks, and not of "he". */
function isOf(subject: string, own: string, quote: string): boolean {
  if (subject.toLowerCase() === 'user') return !OF_OTHERS.test(quote) || FIRST_PERSON.test(quote);
  if (!/[\p{L}\p{N}]/u.test(subject)) return false;
  const name = subject
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s]/gu, (sign) => `\\u{${sign.codePointAt(0)?.toString(16) ?? ''}}`);
  const named = new RegExp(`(?<![\\p{L}\\p{N}])${name}(?:ku|mu|nya|s)?(?![\\p{L}\\p{N}])`, 'iu');
  return named.test(quote) || (!OF_SELF.test(quote) && named.test(sentenceUntil(own, quote)));
}

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
function tidied(finding: Finding, own: string, known: readonly Known[]): Finding {
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
    supersedes: known.some((old) => old.id === supersedes && isAbout(finding, old)) ? supersedes : null,
  };
}

/** Attributes that are called now this, now that. */
const ALIKE = [
  'job employer work workplace company occupation profession position pekerjaan kantor profesi perusahaan',
  'home city town address residence location country kota alamat rumah domisili tempat',
  'partner spouse wife husband girlfriend boyfriend fiance fiancee relationship istri suami pasangan pacar',
].map((group) => group.split(' '));

const isAlike = (one: string, other: string): boolean =>
  isHintedAt(one, other) ||
  ALIKE.some((group) => [one, other].every((text) => group.some((word) => isHintedAt(word, text))));

/** Whether it can take the place of that: of the same subject, and of such an attribute or with a word of it. */
function isAbout({ subject, attribute, content, quote }: Finding, old: Known): boolean {
  if (old.subject.toLowerCase() !== flat(subject).toLowerCase()) return false;
  const is_alike = attribute !== null && old.attribute !== null && isAlike(old.attribute, attribute);
  return is_alike || isHintedAt(old.content, `${content}\n${quote}`);
}

/** A few plain words; anything longer is a text of its own, which nobody said. */
function attributeOf({ kind, attribute }: Finding): string | null {
  if (kind === 'memory' || attribute === null) return null;
  const words = flat(attribute).split(' ');
  return words.length <= MAX_ATTRIBUTE_WORDS && /^[\p{L}\p{M}\p{N}' -]{1,80}$/u.test(attribute)
    ? words.join(' ')
    : null;
}
