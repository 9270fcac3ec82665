import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseInline, printInline } from './markdown-inline.ts';
import { MarkdownTooDeep, parseMarkdown, type BlockTree } from './markdown-parse.ts';
import { printMarkdown } from './markdown-print.ts';

const block = (type: string, content: Record<string, unknown>, children: BlockTree[] = []): BlockTree => ({
  type,
  content,
  children,
});

const readme = `
Potentia
========

[![CI](https://ci.test/badge.svg)][ci] <img
    align="right" src="a.png">

A *proactive* **partner**, see [the docs](docs/protocol.md "Protocol") and <https://potentia.dev>.[^why]
Second line with a hard\\
break, ~~gone~~ and \`a | b\`.

## Start

1. Install
   \`\`\`sh title="shell"
   npm start
   \`\`\`
2. Open
   - the console
     - pane one
   - the reference

   Wait a moment.
3. [ ] type

- [x] done
- [ ] open

5. five
6. six

> Quoted
>
> - with a list
>
> \`\`\`
> and code
> \`\`\`

| Name | Value |
|:-----|------:|
| \`A|B\` | [x](y) |
| short |

![Diagram](img/d.png "How")

---

<details>
<summary>More</summary>

Inside *html*.

</details>

    indented code

\\# not a heading and 1\\. not a list

[^why]: Because.

    And more.

[ci]: https://ci.test
`;

describe('markdown: what becomes of a document', () => {
  it('makes a block of each thing', () => {
    expect(parseMarkdown('# A *b*\n\ntext\n\n***\n\n![x](y.png)\n\n```js\n1\n```\n\n<div>\n')).toEqual([
      block('heading', { text: 'A *b*', level: 1 }),
      block('text', { text: 'text' }),
      block('divider', {}),
      block('image', { url: 'y.png', alt: 'x' }),
      block('code', { text: '1', language: 'js' }),
      block('html', { html: '<div>' }),
    ]);
  });

  it('nests items, and keeps numbers, checks and starts', () => {
    expect(parseMarkdown('3. a\n   - [x] b\n   - c\n4. d')).toEqual([
      block('list', { style: 'ordered', start: 3, text: 'a' }, [
        block('todo', { checked: true, text: 'b' }),
        block('list', { style: 'bullet', text: 'c' }),
      ]),
      block('list', { style: 'ordered', text: 'd' }),
    ]);
  });

  it('keeps the first paragraph of a quote as its text', () => {
    expect(parseMarkdown('> a\n>\n> b\n> > c')).toEqual([
      block('quote', { text: 'a' }, [block('text', { text: 'b' }), block('quote', { text: 'c' })]),
    ]);
  });

  it('fills short table rows and keeps the alignment', () => {
    expect(parseMarkdown('| a | b |\n|:-:|---|\n| `x\\|y` |')).toEqual([
      block('table', {
        rows: [
          ['a', 'b'],
          ['`x|y`', ''],
        ],
        align: ['center', null],
      }),
    ]);
  });

  it('resolves references, so that a block can be moved alone', () => {
    expect(parseMarkdown('[a][x] ![b][x]\n\n[x]: http://y.test "t"')).toEqual([
      block('text', { text: '[a](http://y.test "t") ![b](http://y.test "t")' }),
    ]);
  });

  it('does not make an image of a script', () => {
    expect(parseMarkdown('![x](javascript:alert(1))')).toMatchObject([{ type: 'text' }]);
  });

  it('refuses a document that nests without end, quickly', () => {
    expect(() => parseMarkdown('>'.repeat(2_000) + ' a')).toThrow(MarkdownTooDeep);
  });
});

describe('markdown: round trips', () => {
  it('prints a README so that it parses to the same blocks', () => {
    const blocks = parseMarkdown(readme);
    expect(parseMarkdown(printMarkdown(blocks))).toEqual(blocks);
    expect(blocks.filter(({ type }) => type === 'heading').map(({ content }) => content['text'])).toEqual([
      'Potentia',
      'Start',
    ]);
  });

  it('prints the same text the second time', () => {
    const once = printMarkdown(parseMarkdown(readme));
    expect(printMarkdown(parseMarkdown(once))).toBe(once);
  });

  it.each([
    ['an empty text', [block('text', { text: '' }), block('text', { text: 'a' })]],
    ['an empty todo', [block('todo', { text: '', checked: false }), block('todo', { text: 'x', checked: true })]],
    ['an empty item with a text below', [block('list', { text: '', style: 'bullet' }, [block('text', { text: 'a' })])]],
    ['an empty quote', [block('quote', { text: '' })]],
    [
      'items directly in items',
      [block('list', { text: '', style: 'bullet' }, [block('list', { text: 'a', style: 'ordered' })])],
    ],
    [
      'a list that begins at 7 in a list',
      [block('list', { text: 'a', style: 'bullet' }, [block('list', { text: 'b', style: 'ordered', start: 7 })])],
    ],
    [
      'two numbered lists in a row',
      [block('list', { text: 'a', style: 'ordered' }), block('list', { text: 'b', style: 'ordered', start: 4 })],
    ],
    ['an embed', [block('embed', { url: 'https://v.test/a--b>c', title: 'Film' })]],
    ['a file', [block('file', { url: 'https://f.test/a.pdf', name: 'a [1].pdf', size: 3 })]],
    ['a type of tomorrow', [block('callout', { text: 'Mind *this*', tone: 'warn', deep: { a: ['-->', '\n'] } })]],
    ['html that would swallow the rest', [block('html', { html: '<!-- open' }), block('text', { text: 'a' })]],
    ['html with blank lines', [block('html', { html: '<div>\n\n</div>' })]],
    ['code with fences in it', [block('code', { text: '```\nx\n```\n', language: 'md', meta: 'a=1' })]],
    [
      'a footnote',
      [
        block('text', { text: 'a[^1]' }),
        block('footnote', { text: 'why', label: '1' }, [block('code', { text: 'x' })]),
      ],
    ],
  ])('gives back %s', (_name, blocks) => {
    expect(parseMarkdown(printMarkdown(blocks))).toEqual(blocks);
  });

  it('flattens what stands below a block that holds nothing in Markdown', () => {
    const nested = [
      block('heading', { text: 'a', level: 2 }, [block('text', { text: 'b' })]),
      block('text', { text: 'c' }),
    ];
    expect(printMarkdown(nested)).toBe('## a\n\nb\n\nc\n');
  });

  it('keeps a block one block, whatever is typed into it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(
          '# a',
          '- a\n- b',
          'a\n\nb',
          '> a',
          '```\na',
          '[^1]: a',
          '| a |\n|---|',
          '[a]: b',
          '    a',
          'a\n===',
          '***',
          '<div>',
        ),
        (text) => {
          expect(parseMarkdown(printMarkdown([block('text', { text })]))).toHaveLength(1);
          expect(parseMarkdown(printMarkdown([block('list', { text, style: 'bullet' })]))).toHaveLength(1);
        },
      ),
    );
  });
});

const word = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9 ]{0,8}[a-z]$/);
const inline = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: word },
      fc.constantFrom(
        '*em*',
        '**strong**',
        '`code`',
        '[link](http://x.test)',
        '~~gone~~',
        '![i](a.png)',
        '\\*',
        '&amp;',
        '<b>x</b>',
        '\\#',
        '1\\.',
        '_',
        '|',
        'a_b_c',
        'www.a.test',
      ),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((parts) => printInline(parseInline(`w ${parts.join(' ')}`)));
const leaves = fc.oneof(
  inline.map((text) => block('text', { text })),
  fc.tuple(inline, fc.integer({ min: 1, max: 6 })).map(([text, level]) => block('heading', { text, level })),
  fc
    .array(fc.constantFrom('a', '`', '~', '\n', '    ', '```', '# x', '- y'), { maxLength: 8 })
    .map((parts) => block('code', { text: parts.join('') })),
  fc.constant(block('divider', {})),
  fc.tuple(inline, inline).map((row) => block('table', { rows: [row, row] })),
  fc.constant(block('image', { url: 'a.png', alt: 'b' })),
  fc.constant(block('html', { html: '<div>' })),
  fc.constant(block('embed', { url: 'https://v.test' })),
);
const { trees } = fc.letrec<{ tree: BlockTree; trees: BlockTree[] }>((tie) => ({
  trees: fc.array(tie('tree'), { maxLength: 5, depthIdentifier: 'blocks' }),
  tree: fc.oneof(
    { depthIdentifier: 'blocks', maxDepth: 4 },
    leaves,
    fc.record({
      type: fc.constant('list'),
      content: fc.record({ style: fc.constantFrom('bullet', 'ordered'), text: fc.oneof(inline, fc.constant('')) }),
      children: tie('trees'),
    }),
    fc.record({
      type: fc.constant('todo'),
      content: fc.record({ checked: fc.boolean(), text: fc.oneof(inline, fc.constant('')) }),
      children: tie('trees'),
    }),
    fc.record({ type: fc.constant('quote'), content: fc.record({ text: inline }), children: tie('trees') }),
  ),
}));

describe('markdown: any tree of blocks', () => {
  it('parses to the same blocks once it is printed', () => {
    fc.assert(
      fc.property(trees, (blocks) => {
        expect(parseMarkdown(printMarkdown(blocks))).toEqual(blocks);
      }),
      { numRuns: 300 },
    );
  });

  it('settles for any text at all: parse, print, parse gives what the first parse gave', () => {
    const soup = fc
      .array(
        fc.constantFrom(
          '# ',
          '- ',
          '1. ',
          '> ',
          '`',
          '```\n',
          '*',
          '_',
          '[',
          ']',
          '(',
          ')',
          '|',
          '\n',
          '\n\n',
          '  ',
          '    ',
          'a',
          'b c',
          '<b>',
          '<!--',
          '-->',
          '\\',
          '&',
          '- [ ] c',
          '---\n',
          '~',
          '[^a]',
          '[^b]',
          '[^a](b)',
          '\n\n[^a]: d\n\n',
          '\n\n[^b]: e\n\n',
          ': ',
          '!',
          'http://a.b',
        ),
        { maxLength: 40 },
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(soup, (markdown) => {
        const blocks = parseMarkdown(markdown);
        expect(parseMarkdown(printMarkdown(blocks))).toEqual(blocks);
      }),
      {
        numRuns: 2_000,
        examples: [
          ['[^a]# [^a]()'],
          // Found by the seed 339582388: the label in the code made a mark of the link.
          ['[^a]()`[^a]`'],
          ['[^a]`[^a]()`\n\n[^a]: d'],
          ['[^a][^b]\n\n[^b]: e\n\n[^a]: d'],
          ['[^a][a](b)\n\n[^a]: d'],
          // Found by the seed 1249394882: a mark before a colon was read back as text.
          ['\n\n[^b]: e\n\n[^b]\\: '],
        ],
      },
    );
  });
});
