import fc from 'fast-check';
import { expect, test } from 'vitest';
import { estimateTokens } from './estimate-tokens.ts';

test('nothing is nothing; a word is more than one; a sign of Chinese is one', () => {
  expect(estimateTokens('')).toBe(0);
  expect(estimateTokens('hello')).toBe(2);
  expect(estimateTokens('你好世界')).toBe(4);
  expect(estimateTokens('ingatkan aku besok jam sembilan')).toBeGreaterThanOrEqual(7);
});

test('more text is never less, and two together are never more than each for itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
      expect(estimateTokens(`${a} ${b}`)).toBeGreaterThanOrEqual(Math.max(estimateTokens(a), estimateTokens(b)));
      expect(estimateTokens(`${a} ${b}`)).toBeLessThanOrEqual(estimateTokens(a) + estimateTokens(b) + 1);
    }),
  );
});
