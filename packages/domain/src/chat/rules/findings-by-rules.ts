import type { AssessInput, Finding } from '../../agent/model.ts';
import { FACTS } from './finding-patterns.ts';
import { RELASI } from './finding-patterns-others.ts';
import { AKU } from './finding-words.ts';
import { stem } from './stem.ts';
import { tokens } from './tokens.ts';

/** Of one message; longer ones are letters. */
const MAX_FINDINGS = 10;
const MAX_MESSAGE = 4_000;
const MAX_SENTENCE = 300;

/** What is only supposed, wished, told by others or asked is nobody's fact. */
const NOT_MEANT =
  /\b(?:if|unless|suppose|supposing|imagine|would|might|maybe|perhaps|probably|pretend|hypothetically|kalau|jika|bila|seandainya|andai(?:kan)?|misal(?:nya|kan)?|mungkin|sepertinya|kayaknya|konon|katanya|pura-pura|used\s+to|dulu(?:nya)?)\b/iu;
const ORDERED =
  /^(?:please\s+|tolong\s+)?(?:remember|remind|forget|note|ingat\w*|catat\w*|lupakan|translate|terjemahkan|say|write|tulis\w*)\b/iu;
const OPENING =
  /^(?:(?:and|but|so|also|actually|well|by\s+the\s+way|btw|oh|hi|hello|hey|fyi|no|yes|yeah|sorry|anyway|because|since|ok(?:ay)?|dan|tapi|tetapi|oh\s+ya|jadi|sebenarnya|halo|hai|maaf|bukan|iya?|ya|tidak|soalnya|karena)\b[\s,:!–-]*|just\s+so\s+you\s+know[\s,:]*|for\s+the\s+record[\s,:]*|correction[\s,:]*|koreksi[\s,:]*)+/iu;

/**
 * What a person says of themselves, by patterns on their own sentences, each with the words it was taken from. Nothing is taken from
 * questions, suppositions or what stands in quotes; what they say of somebody else is that person's.
 */
export function findingsByRules({
  message,
  known,
}: Pick<AssessInput, 'message' | 'message_at' | 'time_zone' | 'known'>): Finding[] {
  if (message.length > MAX_MESSAGE) return [];
  const found: Finding[] = [];
  for (const sentence of sentencesOf(message)) {
    if (found.length >= MAX_FINDINGS) break;
    const one = findingIn(sentence, known);
    if (one && !found.some((other) => other.quote === one.quote)) found.push(one);
  }
  return found;
}

/** Where somebody begins anew within a sentence: "…, and my sister …", "…, aku …". */
const ANEW = new RegExp(
  `(?:(?:,\\s*|\\s+)(?:and|but|dan|tapi|tetapi|sedangkan|sementara|while)\\s+|,\\s*)(?=(?:i|i['’]m|i['’]ve|my|our|saya|aku|gue|nama|(?:${RELASI})(?:ku|\\s+${AKU}))\\b)|;\\s*`,
  'iu',
);

/** Sentences that state something; parts of one that begin anew with "and I" count each. */
function sentencesOf(message: string): string[] {
  const own = message
    .replace(/```[\s\S]*?(?:```|$)/gu, '\n')
    .replace(/^\s*>.*$/gmu, '\n')
    // A quote ends the sentence for what stands before it, too: "Budi said: …".
    .replace(/[^.!?\n]*["“][^"”]*["”][^.!?\n]*/gu, '\n');
  const sentences = own.match(/[^.!?\n]+(?:\.(?=\S)[^.!?\n]+)*[.!?]*/gu) ?? [];
  return (
    sentences
      .filter((sentence) => !sentence.includes('?'))
      // A supposition holds for all that follows it.
      .flatMap((sentence) => (NOT_MEANT.test(sentence) ? [sentence] : sentence.split(ANEW)))
      .map((sentence) => sentence.replace(/[.!\s]+$/u, '').trim())
      .filter((sentence) => sentence.length > 0 && sentence.length <= MAX_SENTENCE)
  );
}

function findingIn(sentence: string, known: AssessInput['known']): Finding | null {
  const said = sentence.replace(OPENING, '').trim();
  if (said === '' || NOT_MEANT.test(said) || ORDERED.test(said)) return null;
  for (const { re, kind, read } of FACTS) {
    const match = re.exec(said);
    const meant = match && read(match.groups ?? {});
    if (!meant) continue;
    const { subject, attribute } = meant;
    const finding = { kind, subject, attribute, content: said, quote: said, confidence: 0.9 };
    return { ...finding, supersedes: correctedBy(finding, known), valid_from: null, valid_until: null };
  }
  return null;
}

/** What is known of the same subject and attribute is superseded by what is said now; of a preference what it was compared with, too. */
function correctedBy(
  { kind, subject, attribute, content }: Pick<Finding, 'kind' | 'subject' | 'attribute' | 'content'>,
  known: AssessInput['known'],
): string | null {
  const about = known.filter((each) => each.kind !== 'memory' && each.subject.toLowerCase() === subject.toLowerCase());
  const same = about.find(
    (each) =>
      attribute !== null && each.attribute?.toLowerCase() === attribute.toLowerCase() && each.content !== content,
  );
  if (same) return same.id;
  if (kind !== 'preference' || !/\b(?:prefer|lebih\s+(?:suka|senang|memilih))\b/iu.test(content)) return null;
  const words = wordsOf(content);
  const compared = about.find(
    (each) =>
      each.kind === 'preference' &&
      each.content !== content &&
      /\b(?:prefer|lebih\s+(?:suka|senang|memilih))\b/iu.test(each.content) &&
      [...wordsOf(each.content)].filter((word) => words.has(word)).length >= 2,
  );
  return compared?.id ?? null;
}

const COMPARING = new Set([
  'prefer',
  'i',
  'to',
  'over',
  'than',
  'rather',
  'aku',
  'saya',
  'lebih',
  'suka',
  'daripada',
  'senang',
  'memilih',
  'the',
  'a',
  'in',
]);
const wordsOf = (text: string): Set<string> =>
  new Set(
    tokens(text)
      .map((token) => token.text)
      .filter((word) => !COMPARING.has(word))
      .map((word) => stem(word, 'en')),
  );
