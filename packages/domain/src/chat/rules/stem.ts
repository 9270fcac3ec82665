import { stemmer as english } from '@orama/stemmers/english';
import { stemmer as indonesian } from '@orama/stemmers/indonesian';
import { IRREGULAR } from './irregular.ts';

export type StemLanguage = 'en' | 'id';

/** The stem of a word in lower case. Doubled words of Indonesian (`anak-anak`) arrive as two. */
export function stem(word: string, language: StemLanguage): string {
  if (word.length < 3) return word;
  return language === 'en' ? english(IRREGULAR.get(word) ?? word) : indonesian(word);
}

/**
 * What the stemmer may have made of other forms of an Indonesian word. `me-` and `pe-` melt the first sound of a word
 * (`tulis`, `menulis`), and a stemmer without a dictionary does not know which: it makes `tulis` of `ditulis` and `ulis` of `menulis`.
 */
export function indonesianForms(word: string): string[] {
  const root = indonesian(word);
  const roots = new Set([root]);
  const melted = /^(?:m|p)e(?:ng|ny|n|m)(?=[aeiou])/.exec(word)?.[0];
  if (melted !== undefined) {
    const rest = indonesian(`di${word.slice(melted.length)}`);
    const sound = melted.endsWith('ng') ? 'k' : melted.endsWith('ny') ? 's' : melted.endsWith('n') ? 't' : 'p';
    roots.add(rest).add(sound + rest);
    if (melted.endsWith('m') || (melted.endsWith('n') && sound === 't')) roots.add(melted.slice(2) + rest);
  }
  for (const one of [...roots]) {
    const form = withMe(one);
    const stemmed = indonesian(form);
    if (stemmed !== form) roots.add(stemmed);
  }
  return [...roots];
}

/** The form with `me-` of a root: `kirim` is `mengirim`. */
function withMe(root: string): string {
  const rest = root.slice(1);
  if (/^k/.test(root)) return `meng${rest}`;
  if (/^t/.test(root)) return `men${rest}`;
  if (/^s/.test(root)) return `meny${rest}`;
  if (/^p/.test(root)) return `mem${rest}`;
  if (/^[aeiough]/.test(root)) return `meng${root}`;
  if (/^[bfv]/.test(root)) return `mem${root}`;
  if (/^[cdjz]/.test(root)) return `men${root}`;
  return `me${root}`;
}
