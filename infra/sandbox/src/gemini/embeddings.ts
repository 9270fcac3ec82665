import { createHash } from 'node:crypto';

/** Of the default dimension alone the real vectors are unit vectors. */
const UNIT_DIMENSIONS = 3072;
const LENGTH_OF_OTHERS = 0.7;

/** A vector of the words of a text and their beginnings: texts that share words are near each other. Deterministic. */
export function embed(text: string, dimensions: number): number[] {
  const vector = new Array<number>(dimensions).fill(0);
  const add = (feature: string, weight: number): void => {
    const hash = createHash('sha1').update(feature).digest();
    const at = hash.readUInt32LE(0) % dimensions;
    vector[at] = (vector[at] ?? 0) + (hash.readUInt8(4) % 2 === 0 ? weight : -weight);
  };
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    add(word, 1);
    if (word.length > 4) add(`${word.slice(0, 4)}*`, 0.5);
  }
  const length = Math.hypot(...vector);
  if (length === 0) vector[0] = 1;
  const wanted = dimensions === UNIT_DIMENSIONS ? 1 : LENGTH_OF_OTHERS;
  return vector.map((value) => (value * wanted) / (length || 1));
}
