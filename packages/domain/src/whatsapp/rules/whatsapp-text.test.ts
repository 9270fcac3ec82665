import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_TEXT, splitText, toWhatsappText } from './whatsapp-text.ts';

describe('Markdown as WhatsApp writes it', () => {
  test.each([
    ['**Selesai**: rapat', '*Selesai*: rapat'],
    ['__bold__ and *italic* and _italic_', '*bold* and _italic_ and _italic_'],
    ['***both*** and ~~gone~~', '*_both_* and ~gone~'],
    ['**bold with *italic* in it**', '*bold with _italic_ in it*'],
    ['## Today\ntext', '*Today*\ntext'],
    ['### **Today** #', '*Today*'],
    ['* one\n* two\n  + three', '- one\n- two\n  - three'],
    ['[Docs](https://example.com/a_b_c)', 'Docs (https://example.com/a_b_c)'],
    [
      '[https://example.com](https://example.com) ![](https://example.com/i.png)',
      'https://example.com https://example.com/i.png',
    ],
    ['https://example.com/__init__.py', 'https://example.com/__init__.py'],
    ['`**not bold**` and \\*not\\*', '`**not bold**` and *not*'],
    ['```ts\nconst a = **b**;\n```', '```\nconst a = **b**;\n```'],
    ['```\nnever closed', '```\nnever closed\n```'],
    ['2 * 3 * 4 = 24, 2*3*4', '2 * 3 * 4 = 24, 2*3*4'],
    ['snake_case_name and __init__', 'snake_case_name and *init*'],
    ['| a | b |\n|---|---|\n| 1 | **2** |', 'a | b\n1 | *2*'],
    ['one\n\n---\n\n\ntwo', 'one\n\ntwo'],
    ['> quoted', '> quoted'],
    ['1. first\n2. second', '1. first\n2. second'],
    ['plain', 'plain'],
  ])('%j is %j', (markdown, expected) => {
    expect(toWhatsappText(markdown)).toBe(expected);
  });

  test('keeps every letter and digit of a text without links', () => {
    const words = (said: string): string => said.replace(/[^\p{L}\p{N}]/gu, '');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        fc.pre(!/[[\]`~|#\\]/u.test(text));
        expect(words(toWhatsappText(text))).toBe(words(text));
      }),
    );
  });

  test.each(['*', '**', '_', '__', '~~', '[', '`', '***a', '[a](', '| a '])(
    'ends for 30,000 characters of %j',
    (part) => {
      expect(toWhatsappText(part.repeat(30_000 / part.length)).length).toBeLessThanOrEqual(40_000);
    },
  );
});

describe('a long text', () => {
  test('is one message up to the limit, and is cut where a paragraph ends', () => {
    expect(splitText('a'.repeat(MAX_TEXT))).toHaveLength(1);
    const [first, second] = splitText(`${'a'.repeat(3_000)}\n\n${'b'.repeat(3_000)}`);
    expect(first).toBe('a'.repeat(3_000));
    expect(second).toBe('b'.repeat(3_000));
  });

  test('goes on as code where code is cut', () => {
    const parts = splitText(`\`\`\`\n${'line of code\n'.repeat(600)}\`\`\`\nafter`);
    expect(parts.length).toBeGreaterThan(1);
    for (const part of parts) expect(part.split('```').length % 2).toBe(1);
    expect(parts.at(-1)).toMatch(/```\nafter$/u);
  });

  test('has no part that is empty, and an empty one has none', () => {
    expect(splitText(' \n ')).toEqual([]);
  });

  test('loses nothing but blanks, whatever it is, and no part is longer than a message', () => {
    const bare = (said: string): string => said.replace(/\s/gu, '');
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 600 }),
        fc.integer({ min: 20, max: 90 }),
        (text, max) => {
          fc.pre(!text.includes('```'));
          const parts = splitText(text, max);
          expect(bare(parts.join(''))).toBe(bare(text));
          for (const part of parts) {
            expect(part.length).toBeLessThanOrEqual(max);
            expect(part.isWellFormed()).toBe(true);
          }
        },
      ),
    );
  });
});
