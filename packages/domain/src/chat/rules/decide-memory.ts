import { isSameAttribute, isSameMeaning, meaningOf } from './near-duplicate.ts';

export interface KnownMemory {
  id: string;
  kind: 'preference' | 'rule' | 'fact' | 'memory';
  subject: string;
  attribute: string | null;
  content: string;
  content_hash: string;
  is_pinned: boolean;
  valid_until: string | null;
}

export interface NewMemory extends Omit<KnownMemory, 'id'> {
  /** What whoever noticed it says that it takes the place of. */
  supersedes: string | null;
  /** The person did not ask for it: what they have pinned stays in its place. */
  keeps_pinned: boolean;
}

/** `known_id`: it says nothing new. Else it is written, in the place of `supersedes`; `is_beside`: as a memory, since its place is kept. */
export type MemoryDecision = { known_id: string } | { known_id: null; supersedes: string[]; is_beside: boolean };

/**
 * What a new memory is to those known of the same subject. The same in other words changes nothing, unless the old one is over, the
 * new one says when it ends, or is more than a memory; of one attribute the newest counts. What is new is never lost.
 */
export function decideMemory(found: NewMemory, known: readonly KnownMemory[], now: string): MemoryDecision {
  const meaning = meaningOf(found.content);
  const about = known.filter(({ subject }) => subject.toLowerCase() === found.subject.toLowerCase());
  const same = about.filter(
    ({ content_hash, content }) => content_hash === found.content_hash || isSameMeaning(meaning, meaningOf(content)),
  );
  const isKept = ({ is_pinned }: KnownMemory): boolean => is_pinned && found.keeps_pinned;
  const standing = same.find((old) => !isOver(old, now) && (isKept(old) || !says(found, old)));
  if (standing) return { known_id: standing.id };
  const of_attribute = found.kind === 'memory' ? [] : about.filter((old) => hasAttribute(old, found.attribute));
  const named = known.filter(({ id }) => id === found.supersedes);
  const replaced = [...same, ...of_attribute, ...named].filter((old) => !isKept(old));
  return {
    known_id: null,
    supersedes: [...new Set(replaced.map(({ id }) => id))],
    is_beside: of_attribute.some(isKept),
  };
}

/** Whether a new one that means the same says more than the old. */
const says = (found: NewMemory, old: KnownMemory): boolean =>
  (found.valid_until !== null && !isSameInstant(found.valid_until, old.valid_until)) ||
  (found.kind !== 'memory' && old.kind === 'memory');

const isOver = ({ valid_until }: KnownMemory, now: string): boolean =>
  valid_until !== null && Date.parse(valid_until) <= Date.parse(now);

const isSameInstant = (a: string, b: string | null): boolean => b !== null && Date.parse(a) === Date.parse(b);

/** Without an attribute of its own one has its hash for it, which nothing else means. */
const hasAttribute = ({ kind, attribute }: KnownMemory, wanted: string | null): boolean =>
  kind !== 'memory' &&
  attribute !== null &&
  wanted !== null &&
  (attribute === wanted ||
    (!attribute.startsWith('#') && !wanted.startsWith('#') && isSameAttribute(attribute, wanted)));
