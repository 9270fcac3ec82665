/** What Postgres is asked for. A unit is one word, or a phrase in quotes. */
export interface SearchTerms {
  /** Groups of units: all units of a group must be there, of the groups one. */
  any: string[][];
  /** One more unit of the last group: the word that is being typed, of which only the beginning is known. */
  prefix: string | null;
  /** None of these may be there. */
  without: string[];
}

/** Words and phrases together have at most so many words: each costs a comparison with every word of what is found. */
export const MAX_WORDS = 32;

const TOKEN = /(-?)(?:"([^"]*)"?|([^\s"]+))/gu;
const HAS_WORD = /[\p{L}\p{N}]/u;
/** Shorter beginnings are of too many words. */
const PREFIX = /^[\p{L}\p{N}]{2,}$/u;

/**
 * Reads what a person typed, by the customs of search engines: words that must all be there, `"a phrase"`, `-without`,
 * `one or other`. Anything is a query; null when nothing in it can be looked for (no word, or only `-words`). The last word
 * may go on, unless a space, a quote or another sign stands behind it.
 */
export function readSearchQuery(text: string): SearchTerms | null {
  const groups: string[][] = [[]];
  const without: string[] = [];
  let prefix: string | null = null;
  for (const match of text.matchAll(TOKEN)) {
    const [token, minus, phrase, word = ''] = match;
    const unit = phrase === undefined ? word : `"${phrase}"`;
    if (!HAS_WORD.test(unit)) continue;
    if (minus === '-') without.push(unit);
    else if (phrase === undefined && unit.toLowerCase() === 'or' && groups.at(-1)?.length) groups.push([]);
    else if (match.index + token.length === text.length && PREFIX.test(unit) && phrase === undefined) prefix = unit;
    else if (!groups.at(-1)?.includes(unit)) groups.at(-1)?.push(unit);
  }
  const any = groups.filter((group, index) => group.length > 0 || (index === groups.length - 1 && prefix !== null));
  return any.length === 0 ? null : { any, prefix, without };
}

const MARKED = /\u{e000}([^\u{e000}\u{e001}]*)\u{e001}/gu;
const STRAY = /[\u{e000}\u{e001}]/gu;
const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** How many words a query asks for. */
export const countWords = ({ any, prefix, without }: SearchTerms): number =>
  [...any.flat(), ...without, prefix ?? ''].join(' ').match(/[\p{L}\p{N}]+/gu)?.length ?? 0;

/** A fragment as Postgres marked it (U+E000 … U+E001) as HTML that holds no markup but `<mark>`. */
export function markFragment(fragment: string): string {
  return fragment
    .replaceAll(/[&<>"']/g, (sign) => ESCAPES[sign] ?? '')
    .replaceAll(MARKED, '<mark>$1</mark>')
    .replaceAll(STRAY, '');
}
