/** A piece of a text that can be looked for. `words` go through a stemmer, `marks` (numbers, addresses, pairs of signs) do not. */
export interface Token {
  text: string;
  kind: 'word' | 'mark';
}

/** Characters of one token; what is longer is nobody's word. */
const MAX_TOKEN = 64;
/** The same before its accents and apostrophes are taken away. */
const MAX_PIECE = 256;

// Looked for where its first sign can be alone, and no longer than there are any: else a long run of such signs is read again from each.
const ADDRESS = String.raw`(?<![\p{L}\p{N}._%+-])[\p{L}\p{N}._%+-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63})+`;
const NUMBER = String.raw`\p{N}+(?:[.,:]\p{N}+)*`;
// A letter, its marks, and apostrophes within.
const WORD = String.raw`\p{L}[\p{L}\p{M}\p{N}_]*(?:['’]\p{L}[\p{L}\p{M}]*)*`;
const PIECE = new RegExp(`(${ADDRESS})|(${NUMBER})|(${WORD})`, 'gu');

/** Scripts that write no spaces between words (Korean does, but glues its particles to them): found by pairs of signs. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const CONTRACTION = /(?:'(?:s|m|re|ve|ll|d|t))+$/;

/** UTF-16 units of a text that are read: one sign may stand for eighteen. */
const MAX_READ = 64_000;

const normalised = (text: string): string => text.normalize('NFKC').slice(0, MAX_READ).toLowerCase();

/** The tokens of a text in their order, in lower case, Latin letters without their accents. */
export function tokens(text: string): Token[] {
  const found: Token[] = [];
  for (const [piece, address, number] of normalised(text).matchAll(PIECE)) {
    if (address !== undefined) addAddress(address, found);
    else if (number !== undefined) add(plainNumber(number), 'mark', found);
    else if (UNSPACED.test(piece)) addUnspaced(piece, found);
    else if (piece.length <= MAX_PIECE) add(fold(piece), 'word', found);
  }
  return found;
}

/** An address is found whole, and by its parts. */
function addAddress(address: string, found: Token[]): void {
  add(address, 'mark', found);
  for (const part of address.split(/[^\p{L}\p{N}]+/u)) add(fold(part), 'word', found);
}

/** Runs of such signs as overlapping pairs, one that stands alone as itself; letters in between as words. */
function addUnspaced(piece: string, found: Token[]): void {
  let run: string[] = [];
  let word = '';
  const end = (): void => {
    if (run.length === 1) add(run[0] ?? '', 'mark', found);
    for (let at = 1; at < run.length; at++) add(`${run[at - 1] ?? ''}${run[at] ?? ''}`, 'mark', found);
    if (word !== '') add(fold(word), 'word', found);
    run = [];
    word = '';
  };
  for (const sign of piece) {
    const is_unspaced = UNSPACED.test(sign) || (run.length > 0 && /\p{M}|ー/u.test(sign));
    if (is_unspaced ? word !== '' : run.length > 0) end();
    if (is_unspaced) run.push(sign);
    else word += sign;
  }
  end();
}

/** `1,000.50` is `1000.50`; `7.` of a list and `7th` are `7` (letters after a number are a word of their own). */
const plainNumber = (number: string): string => number.replaceAll(/,(?=\p{N}{3}(?!\p{N}))/gu, '');

/** Without accents, contractions and apostrophes: `Zoë’s` is `zoe`, `don't` is `don`, `o'brien` is `obrien`. */
function fold(word: string): string {
  const plain = /[^\p{ASCII}]/u.test(word)
    ? word
        .replaceAll('’', "'")
        .normalize('NFD')
        .replaceAll(/(?<=\p{Script=Latin})\p{M}+/gu, '')
        .normalize('NFC')
    : word;
  return plain.replace(CONTRACTION, '').replaceAll("'", '');
}

function add(text: string, kind: Token['kind'], found: Token[]): void {
  if (text !== '' && text.length <= MAX_TOKEN) found.push({ text, kind });
}
