/** What counts as one token each, whatever stands beside it: Chinese, Japanese, Korean, and everything beyond the first plane. */
const isWide = (code: number): boolean => (code >= 0x2e80 && code <= 0xd7ff) || (code >= 0xf900 && code <= 0xfaff);

const isSpace = (code: number): boolean => code === 32 || (code >= 9 && code <= 13) || code === 160;

/** Characters to a token of English prose, and tokens to a word of Indonesian, whose words tokenizers cut more often. */
const CHARS = 4;
const PER_WORD = 1.4;

/** A cautious estimate of the tokens of a text in any script: more rather than less. O(length), nothing is allocated. */
export function estimateTokens(text: string): number {
  let [narrow, wide, words, symbols] = [0, 0, 0, 0];
  let in_word = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    // Half of a pair: an emoji and the like are two tokens or three.
    if (isWide(code) || (code >= 0xd800 && code <= 0xdfff)) {
      wide++;
      in_word = false;
      continue;
    }
    narrow++;
    // Other scripts take more bytes a letter, and so more tokens.
    if (code > 0x24f) symbols++;
    if (isSpace(code)) in_word = false;
    else if (!in_word) {
      in_word = true;
      words++;
    }
  }
  return Math.ceil(Math.max(narrow / CHARS + symbols / 2, words * PER_WORD) + wide);
}
