import { stem } from './stem.ts';
import { tokens } from './tokens.ts';

/*
 * Whether two short texts say the same in other words, without a model. To take a new fact for a known one loses it, so everything
 * that is not known to say nothing must agree: numbers, negations, tenses, names in their order, and each word of content.
 */

const list = (words: string): string[] => words.split(' ');

/** Say nothing of what a fact is. Unlike stop words of a search none of these tells `before` from `after`. */
const LIGHT = new Set(
  list(
    'a an the i me my mine myself user users s am is are be been being have has had do does did it its this that these those of to in at on as by ' +
      'and so just really very quite also currently now presently please got get gets there here which who ' +
      'saya aku gue gua gw ku adalah ialah itu ini yang yg di ke pada sih nih dong lah ya juga sedang sekarang punya memiliki sangat banget sekali si ' +
      'pengguna',
  ),
);
const NEGATIONS = new Set(
  list(
    'not no never without cannot none neither nor dont doesnt tidak tak bukan jangan belum tanpa gak ga nggak ngga enggak tidaklah',
  ),
);
const PAST = new Set(list('was were used former formerly previously ex dulu dulunya mantan bekas'));

/** Whence is not whither. */
const ORIGIN = new Set(list('from dari'));

/** Words for one relation. Of a fact that names none any may be meant; of two that name different ones not. */
const RELATIONS = concepts({
  live: 'live lives living reside resides residing resident residence based home tinggal berdomisili domisili menetap bertempat',
  name: 'name names named called call calls nama namanya bernama panggil dipanggil panggilan',
  work: 'work works working job jobs employed employer profession occupation bekerja kerja pekerjaan profesi',
  born: 'born birth birthday birthdate lahir ultah kelahiran',
});
/** Words for one thing, which both must say. */
const SAME = concepts({
  like: 'like likes liked love loves enjoy enjoys fond suka menyukai gemar senang',
  prefer: 'prefer prefers preferred preference preferences favorite favourite favorites favourites favorit kesukaan',
  dislike: 'dislike dislikes hate hates detest detests benci membenci',
  color: 'color colour colors colours warna',
  child: 'child children kid kids anak',
  allergy: 'allergic allergy allergies alergi',
});

function concepts(groups: Record<string, string>): Map<string, string> {
  return new Map(Object.entries(groups).flatMap(([name, words]) => list(words).map((word) => [word, name] as const)));
}

/** What a text says, as far as it is compared. */
export interface Meaning {
  /** Each word in its forms. */
  words: string[][];
  relations: Set<string>;
  marks: string;
  names: string;
  is_negated: boolean;
  is_past: boolean;
}

const NEGATED_VERB = /\b\p{L}+n['’]t\b/u;
/** Capitals that begin no sentence. */
const NAME = /(?<=[\p{L}\p{N},;:'’)]\s+)\p{Lu}[\p{L}\p{M}]*/gu;

export function meaningOf(text: string): Meaning {
  const meaning: Meaning = {
    words: [],
    relations: new Set(),
    marks: '',
    names: [...text.matchAll(NAME)]
      .map(([name]) => name.toLowerCase())
      .filter((name) => !LIGHT.has(name))
      .join(' '),
    is_negated: NEGATED_VERB.test(text.toLowerCase()),
    is_past: false,
  };
  const marks: string[] = [];
  const words = new Map<string, string[]>();
  let before = '';
  for (const { text: word, kind } of tokens(text)) {
    const is_origin = ORIGIN.has(before);
    before = word;
    if (ORIGIN.has(word)) continue;
    if (kind === 'mark') marks.push(word);
    else if (NEGATIONS.has(word)) meaning.is_negated = true;
    else if (PAST.has(word)) meaning.is_past = true;
    else if (RELATIONS.has(word)) meaning.relations.add(RELATIONS.get(word) ?? '');
    else if (!LIGHT.has(word) && !(meaning.is_negated && /^(?:don|doesn|didn|isn|aren|won|can)$/.test(word))) {
      const concept = SAME.get(word);
      const forms = concept ? [concept] : [...new Set([word, stem(word, 'en'), stem(word, 'id')])];
      if (is_origin) words.set(`from ${word}`, [`from ${word}`]);
      else words.set(concept ?? word, forms);
    }
  }
  // Not to like is to dislike.
  if (meaning.is_negated && words.delete('like')) {
    words.set('dislike', ['dislike']);
    meaning.is_negated = false;
  }
  meaning.marks = marks.sort().join(' ');
  meaning.words = [...words.values()];
  return meaning;
}

/** Whether both say the same: neither has a word, number, name, negation or tense that the other lacks. */
export function isSameMeaning(a: Meaning, b: Meaning): boolean {
  if (a.marks !== b.marks || a.is_negated !== b.is_negated || a.is_past !== b.is_past) return false;
  if (a.relations.size > 0 && b.relations.size > 0 && !sameSet(a.relations, b.relations)) return false;
  if (a.words.length === 0 || b.words.length === 0)
    return a.words.length === b.words.length && sameSet(a.relations, b.relations);
  const exact = new Set(`${a.names} ${b.names}`.split(' '));
  return covers(a, b, exact) && covers(b, a, exact) && inOneOrder(a.names, b.names);
}

/** Whether what a person calls two attributes is one: `favourite colour`, `Favorite color`. */
export const isSameAttribute = (a: string, b: string): boolean =>
  a.toLowerCase() === b.toLowerCase() || isSameAttributeMeaning(meaningOf(a), meaningOf(b));

const isSameAttributeMeaning = (a: Meaning, b: Meaning): boolean =>
  a.words.length > 0 && sameSet(a.relations, b.relations) && isSameMeaning(a, b);

const covers = (a: Meaning, b: Meaning, exact: Set<string>): boolean =>
  b.words.every((word) => a.words.some((other) => isSameWord(word, other, exact)));

/** Forms in common, or the same but for an ending (`allergi`, `allerg`): of what is nobody's name. */
function isSameWord(a: string[], b: string[], exact: Set<string>): boolean {
  const [first = ''] = a;
  const [second = ''] = b;
  if (exact.has(first) || exact.has(second)) return first === second;
  return a.some((form) => b.some((other) => form === other || differInEnding(form, other)));
}

function differInEnding(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  return short.length >= 6 && long.length - short.length <= 1 && long.startsWith(short);
}

const sameSet = (a: Set<string>, b: Set<string>): boolean => a.size === b.size && [...a].every((item) => b.has(item));

/** Who does what to whom: the names that both write as names stand in one order. */
function inOneOrder(a: string, b: string): boolean {
  const first = a.split(' ');
  const second = b.split(' ');
  return (
    first.filter((name) => second.includes(name)).join(' ') === second.filter((name) => first.includes(name)).join(' ')
  );
}
