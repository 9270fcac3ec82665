import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shorten, titleOf } from './title.ts';

test('a title is the first words, without greetings, on one line', () => {
  expect(titleOf('hi, how do I bake bread?\nI have flour.')).toBe('How do I bake bread');
  expect(titleOf('New topic: holidays in Bali')).toBe('Holidays in Bali');
  expect(titleOf('tolong ringkas laporan ini')).toBe('Ringkas laporan ini');
  expect(titleOf('???')).toBe('Untitled');
  expect(titleOf('hello')).toBe('Hello');
});

test('it is never empty, never longer than sixty characters, and has no control characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
      const title = titleOf(text);
      expect(title.length).toBeGreaterThan(0);
      // A first letter may grow when it is written large.
      expect(title.length).toBeLessThanOrEqual(62);
      expect(title).not.toMatch(/[\n\r\t\0]/u);
    }),
  );
});

test('what is cut is cut between words, never through a sign', () => {
  expect(shorten('one two three', 9)).toBe('one two…');
  expect(shorten('short', 9)).toBe('short');
  expect(shorten(`${'a'.repeat(8)}😀😀`, 10)).toBe(`${'a'.repeat(8)}…`);
});
