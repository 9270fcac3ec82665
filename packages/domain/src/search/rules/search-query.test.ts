import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { markFragment, readSearchQuery } from './search-query.ts';

describe('a query', () => {
  it.each([
    ['budget', { any: [[]], prefix: 'budget', without: [] }],
    ['budget ', { any: [['budget']], prefix: null, without: [] }],
    ['rapat budget', { any: [['rapat']], prefix: 'budget', without: [] }],
    ['"big plan" rapat ', { any: [['"big plan"', 'rapat']], prefix: null, without: [] }],
    ['rapat "big plan', { any: [['rapat', '"big plan"']], prefix: null, without: [] }],
    ['rapat -budget', { any: [['rapat']], prefix: null, without: ['budget'] }],
    ['rapat -"big plan" x', { any: [['rapat', 'x']], prefix: null, without: ['"big plan"'] }],
    ['cat or dog fish', { any: [['cat'], ['dog']], prefix: 'fish', without: [] }],
    ['cat OR dog ', { any: [['cat'], ['dog']], prefix: null, without: [] }],
    ['cat or ', { any: [['cat']], prefix: null, without: [] }],
    ['or', { any: [[]], prefix: 'or', without: [] }],
    ['well-known.', { any: [['well-known.']], prefix: null, without: [] }],
    ['-budget', null],
    ['  & | ! ( ) " ', null],
  ])('%j is read as %j', (text, terms) => {
    expect(readSearchQuery(text)).toEqual(terms);
  });

  it('is whatever anybody types', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        const terms = readSearchQuery(text);
        if (terms) expect(terms.any.flat().length + (terms.prefix ? 1 : 0)).toBeGreaterThan(0);
      }),
    );
  });
});

describe('a fragment', () => {
  it('has its marks and no other markup', () => {
    expect(markFragment('a \u{e000}big\u{e001} <b onclick="x">&amp;\'</b>')).toBe(
      'a <mark>big</mark> &lt;b onclick=&quot;x&quot;&gt;&amp;amp;&#39;&lt;/b&gt;',
    );
  });

  it('is safe and well-formed whatever stands in the text', () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\u{e000}', '\u{e001}', '<mark>', '</mark>', '<script>'),
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const html = markFragment(parts.join(''));
        expect(html.replaceAll(/<mark>[^<]*<\/mark>/g, '')).not.toMatch(/[<>"']/);
      }),
    );
  });
});
