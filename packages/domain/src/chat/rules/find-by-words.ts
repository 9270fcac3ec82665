import { meaningOf } from './near-duplicate.ts';
import { queryTerms } from './query.ts';
import { analyse } from './analyse.ts';

interface Item {
  subject: string;
  attribute: string | null;
  content: string;
}

/** What somebody says of what is to be forgotten, which is not a word of it. */
const ABOUT =
  /^(?:that|about|what you know (?:of|about)|the fact that|everything (?:about|of)|bahwa|tentang|soal|kalau)\s+/iu;

/**
 * Those that hold every word of a query, in any form; of a query that holds no word of content none. One that says exactly that and
 * nothing more is meant alone.
 */
export function findByWords<T extends Item>(query: string, items: readonly T[]): T[] {
  const asked = query.replace(ABOUT, '');
  const terms = queryTerms(asked);
  if (terms.length === 0) return [];
  const found = items.filter((item) => {
    const stems = new Set(analyse(`${item.subject}\n${item.attribute ?? ''}\n${item.content}`).stems);
    return terms.every((term) => term.stems.some((stem) => stems.has(stem)));
  });
  const words = meaningOf(asked).words.length;
  const exact = found.filter(({ content }) => meaningOf(content).words.length === words);
  return exact.length > 0 ? exact : found;
}
