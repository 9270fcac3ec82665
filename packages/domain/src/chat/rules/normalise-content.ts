/**
 * A text by which the same said twice is one: lower case, one space between words, without punctuation that says nothing. What
 * tells `c++` from `c`, `-5` from `5` and `a@b` from `ab` stays.
 */
export function normaliseContent(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[‘’ʼ]/gu, "'")
    .replaceAll(/[“”«»"()[\]{}!?;…]+/gu, ' ')
    .replaceAll(/[.,:]+(?=\s|$)/gu, ' ')
    .replaceAll(/(?<=\s|^)[-–—]+(?=\s|$)/gu, ' ')
    .replaceAll(/\s+/gu, ' ')
    .trim();
}
