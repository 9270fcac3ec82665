import { isStopWord } from '../../chat/rules/analyse.ts';
import { stem } from '../../chat/rules/stem.ts';
import { tokens } from '../../chat/rules/tokens.ts';

const set = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** Words that a title may have without anybody having said them: they say of what kind a thing is. */
const GENERIC = set(
  'meeting appointment reminder call event task todo session visit time note list calendar schedule plan item user ' +
    'rapat pertemuan janji pengingat panggilan acara tugas sesi kunjungan waktu catatan daftar kalender jadwal rencana agenda telepon',
);
/** Words that turn the next one into its opposite. */
const NOT = set(
  'not no never nor neither without cannot tidak tdk nggak ngga enggak engga gak ga gk tak bukan tanpa jangan jgn belum blm',
);
/** … and may stand between the two. */
const BETWEEN = set(
  'longer really quite even very so too any more anymore yet ever lagi terlalu begitu pernah sama sekali',
);
/** How many words that say nothing may stand there, too. */
const MAX_BETWEEN = 3;

export interface Word {
  /** What it may be met by: as it stands, and its stem in either language. Its opposite has other ones. */
  forms: string[];
  is_generic: boolean;
}

const formsOfWord = (word: string, is_not: boolean): string[] =>
  [word, stem(word, 'en'), stem(word, 'id')].map((form) => (is_not ? `!${form}` : form));

/** The words of a text that say something, in their order. `I do not like tea` has `!like` and `tea`. */
export function contentOf(text: string): Word[] {
  const plain = text
    .normalize('NFKC')
    .replaceAll('’', "'")
    .replaceAll(/n't\b/giu, ' not')
    .replaceAll(/\b(do|did|does|is|are|was|were|wo|ca|has|have)nt\b/giu, '$1 not');
  return plain.split(/[.,;:!?]+(?=\s|$)|\n/u).flatMap(contentOfPart);
}

function contentOfPart(text: string): Word[] {
  const words: Word[] = [];
  let between = Infinity;
  for (const token of tokens(text)) {
    const { text: word, kind } = token;
    if (NOT.has(word)) between = 0;
    else if (between < MAX_BETWEEN && BETWEEN.has(word)) between += 1;
    else if (isStopWord(token, 'und')) between += 1;
    else {
      const is_not = between <= MAX_BETWEEN;
      const forms = kind === 'mark' ? [is_not ? `!${word}` : word] : [...new Set(formsOfWord(word, is_not))];
      words.push({ forms, is_generic: !is_not && GENERIC.has(word) });
      between = Infinity;
    }
  }
  return words;
}

/** All words of a text, stop words too: of a name one may be a part. */
const formsOf = (text: string): Set<string> =>
  new Set(
    tokens(text).flatMap(({ text: word, kind }) =>
      kind === 'mark' ? [word] : [word, stem(word, 'en'), stem(word, 'id')],
    ),
  );

const isIn = (word: Word, said: ReadonlySet<string>): boolean => word.forms.some((form) => said.has(form));

/**
 * Whether every word of a text that says something stands in what was said, in any form, or is of those that only say a kind. What was
 * said with a `not` stands there with it, and what was said without it without.
 */
export function isMadeOf(text: string, said: string): boolean {
  const known = new Set(contentOf(said).flatMap(({ forms }) => forms));
  const isDenied = ({ forms }: Word): boolean => forms.some((form) => known.has(`!${form}`));
  return contentOf(text).every((word) => isIn(word, known) || (word.is_generic && !isDenied(word)));
}

/** The same, as one piece: nothing that says something is left out in between, or said in another order. */
export function isPieceOf(text: string, said: string): boolean {
  const wanted = contentOf(text).filter(({ is_generic }) => !is_generic);
  const known = contentOf(said).filter(({ is_generic }) => !is_generic);
  if (wanted.length === 0) return isMadeOf(text, said);
  return known.some((_, at) =>
    wanted.every((word, n) => {
      const other = known[at + n];
      return other !== undefined && isIn(word, new Set(other.forms));
    }),
  );
}

/** Of the words by which a thing can be named, how many must be: two of many. */
const MOST_NEEDED = 2;

/** Whether what was said names this thing: by its own words, half of them or two, or, where it has none, by its kind. */
export function isNamed(thing: string, said: string): boolean {
  const { wanted, named } = namedWords(thing, said);
  return wanted > 0 && named >= Math.min(MOST_NEEDED, Math.ceil(wanted / 2));
}

/** Whether any word of it is. */
export const isHintedAt = (thing: string, said: string): boolean => namedWords(thing, said).named > 0;

/** How many own words a thing has, and how many of them were said. */
export function namedWords(thing: string, said: string): { wanted: number; named: number } {
  const words = unsigned(contentOf(thing));
  const own = words.filter((word) => !word.is_generic);
  const known = formsOf(said);
  const wanted = own.length > 0 ? own : words;
  return { wanted: wanted.length, named: wanted.filter((word) => isIn(word, known)).length };
}

const unsigned = (words: Word[]): Word[] =>
  words.map(({ forms, is_generic }) => ({ forms: forms.map((form) => form.replace(/^!/u, '')), is_generic }));

/** What a text says beyond these others: its words that say something and stand in none of them. */
export function beyond(text: string, others: readonly string[]): string[] {
  const known = formsOf(others.join('\n'));
  return unsigned(contentOf(text))
    .filter((word) => !word.is_generic && !isIn(word, known))
    .map(({ forms }) => forms[0] ?? '');
}

/** What a text says, whatever its form and order: two with the same say the same. */
export const sayingOf = (text: string): string =>
  [
    ...new Set(
      contentOf(text)
        .filter(({ is_generic }) => !is_generic)
        .map(({ forms }) => forms[1] ?? forms[0] ?? ''),
    ),
  ]
    .sort()
    .join(' ');
