import { isStopWord } from '../../chat/rules/analyse.ts';
import { stem } from '../../chat/rules/stem.ts';
import { tokens } from '../../chat/rules/tokens.ts';
import { canonicalJson } from '../../platform/rules/canonical-json.ts';

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** A local time, to the minute, or a date. */
const TIME = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2})?/;
/** Of the words of two texts together, more than this part is in both. */
const LIKENESS = 0.5;

/**
 * Whether a model that is asked once more asks for what it had asked for: the same thing at the same time, perhaps in other words. What
 * one of them leaves out says nothing.
 */
export function isSameRequest(one: unknown, other: unknown): boolean {
  if (!isRecord(one) || !isRecord(other)) return canonicalJson(one) === canonicalJson(other);
  const verdicts = Object.keys(one)
    .filter((key) => isGiven(one[key]) && isGiven(other[key]))
    .map((key) => isSame(one[key], other[key]));
  if (verdicts.includes(false)) return false;
  return verdicts.includes(true) || canonicalJson(one) === canonicalJson(other);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isGiven = (value: unknown): boolean => value !== null && value !== undefined;

/** Null: it cannot be told, as of a calendar that is named here and known by its id there. */
function isSame(one: unknown, other: unknown): boolean | null {
  if (typeof one !== 'string' || typeof other !== 'string') return canonicalJson(one) === canonicalJson(other);
  if (one === other) return true;
  if (ID.test(one) !== ID.test(other)) return null;
  if (ID.test(one)) return one.toLowerCase() === other.toLowerCase();
  const times = [TIME.exec(one)?.[0], TIME.exec(other)?.[0]];
  if (times[0] !== undefined || times[1] !== undefined) return times[0] === times[1];
  // Of a rule each letter counts.
  if (/^[A-Z]+=/.test(one)) return false;
  return likeness(wordsOf(one), wordsOf(other)) > LIKENESS;
}

const wordsOf = (text: string): Set<string> =>
  new Set(
    tokens(text)
      .filter((token) => !isStopWord(token, 'und'))
      .map(({ text: word, kind }) => (kind === 'mark' ? word : stem(word, 'en'))),
  );

function likeness(one: Set<string>, other: Set<string>): number {
  const shared = one.intersection(other).size;
  return shared === 0 ? 0 : shared / (one.size + other.size - shared);
}
