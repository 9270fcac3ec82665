import { contentOf, type Word } from './own-words.ts';

/** What may be put into words by any of a group: whoever moved to a city lives in it. */
const SAME = [
  'live lives lived living reside resides moved home tinggal pindah menetap berdomisili',
  'work works worked working job profession kerja bekerja pekerjaan',
  'like likes liked love loves enjoy enjoys fond suka menyukai senang gemar',
  'dislike dislikes hate hates detest detests benci membenci',
  'name names named called nama bernama namanya dipanggil',
  'own owns has have having got punya memiliki mempunyai',
  'prefer prefers preferred rather lebih memilih',
].map((group) => group.split(' '));
/** What says nothing of what was said: whom it is about. */
const FRAME = new Set('user users person someone pengguna'.split(' '));

/** Where one thing ends that is said, and another begins. */
const CLAUSES =
  /[.!?;]+(?=\s|$)|\n|(?<!\p{L})(?:but|though|although|whereas|while|except|tapi|tetapi|namun|sedangkan|kecuali|bukan)(?!\p{L})/giu;

/**
 * Whether a content is what was said: all of its words, in their order and with their `not`, in one sentence; and every address, link and
 * number (a date that was worked out is one in digits and dashes).
 */
export function isSupported(content: string, own: string): boolean {
  const plain = content.replaceAll(/\b\d{4}-\d{2}-\d{2}(?:T[\d:.]+Z?)?\b/gu, ' ');
  if (/https?:|www\.|@/iu.test(plain.replaceAll(/\s/gu, '')) && !links(plain).every((link) => own.includes(link)))
    return false;
  const wanted = contentOf(plain).filter(({ forms }) => !forms.some((form) => FRAME.has(form)));
  return wanted.length > 0 && own.split(CLAUSES).some((clause) => isWithin(wanted, contentOf(clause)));
}

/** Whether these words stand there in this order, whatever lies between, but for a `not`. */
function isWithin(wanted: readonly Word[], said: readonly Word[]): boolean {
  let at = 0;
  for (const word of wanted) {
    const found = said.findIndex((other, n) => n >= at && isSame(word, other));
    if (found < 0) return false;
    at = found + 1;
  }
  return true;
}

const isSame = (word: Word, other: Word): boolean =>
  word.forms.some((form) => other.forms.includes(form)) ||
  SAME.some((group) => groupHas(group, word) && groupHas(group, other) && isNot(word) === isNot(other));

const groupHas = (group: readonly string[], { forms }: Word): boolean =>
  forms.some((form) => group.includes(form.replace(/^!/u, '')));
const isNot = ({ forms }: Word): boolean => forms[0]?.startsWith('!') === true;

const links = (text: string): string[] => text.match(/\S*(?:https?:|www\.|@)\S*/giu) ?? [];
