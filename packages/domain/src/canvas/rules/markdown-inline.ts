import type { Nodes, Paragraph, PhrasingContent, Root } from 'mdast';
import { fromMarkdown, type Options as ParseOptions } from 'mdast-util-from-markdown';
import { gfmFromMarkdown, gfmToMarkdown } from 'mdast-util-gfm';
import { toMarkdown, type Options as PrintOptions } from 'mdast-util-to-markdown';
import { gfm } from 'micromark-extension-gfm';

/** One way to write each thing, so that the same blocks always print the same. */
const print_options: PrintOptions = {
  bullet: '-',
  rule: '-',
  fences: true,
  listItemIndent: 'one',
  incrementListMarker: true,
  extensions: [gfmToMarkdown({ tablePipeAlign: false })],
  // A footnote's mark and a colon at the beginning of a line would be the definition of one.
  unsafe: [{ character: ':', before: '^\\]', inConstruct: 'phrasing' }],
};

const parse_options: ParseOptions = { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] };

/** With nothing that starts a block, a text is a paragraph, or several where it has blank lines. */
const inline_options: ParseOptions = {
  ...parse_options,
  extensions: [
    gfm(),
    {
      disable: {
        null: [
          'blockQuote',
          'codeFenced',
          'codeIndented',
          'definition',
          'headingAtx',
          'htmlFlow',
          'list',
          'setextUnderline',
          'table',
          'thematicBreak',
        ],
      },
    },
  ],
};

/** Markdown as a syntax tree (CommonMark and GFM). */
export const parseDocument = (markdown: string): Root => fromMarkdown(markdown, parse_options);

/** A syntax tree as Markdown. */
export const printNodes = (tree: Nodes): string => toMarkdown(tree, print_options);

/** Inline content as the Markdown text that a block stores. It reads the same wherever the block is moved. */
export function printInline(children: PhrasingContent[]): string {
  return printNodes({ type: 'paragraph', children }).trimEnd();
}

/**
 * The inline content of a stored text. Block syntax in it is text, and a blank line is a hard break: a block stays one
 * block whatever is typed into it.
 */
export function parseInline(text: string): PhrasingContent[] {
  const guarded = text.replace(/^([ \t]*)(\[\^[^\]\n]+\]:)/gm, '$1\\$2');
  const paragraphs = parseParagraphs(guarded);
  return paragraphs.flatMap(({ children }, i): PhrasingContent[] =>
    i === 0 ? children : [{ type: 'break' }, { type: 'break' }, ...children],
  );
}

/** Beyond that, a text was made to be parsed again for each of its marks. */
const MAX_PARSES = 8;

/**
 * A footnote's mark is one only where its definition can be seen, so each label gets a definition to be thrown away. That
 * turns a link of the same words, `[^a](…)`, into a mark as well; printed Markdown has no mark before a bare bracket, so a
 * label that is found there is one without a definition.
 */
function parseParagraphs(text: string): Paragraph[] {
  const labels = new Set(text.match(/\[\^[^\]\s]+\]/g)?.map(normalize));
  for (let parses = 1; ; parses++) {
    const stubs = [...labels].map((label) => `\n\n${label}: -`).join('');
    const paragraphs = fromMarkdown(text + stubs, inline_options)
      .children.filter(isParagraph)
      .filter(({ position }) => (position?.start.offset ?? 0) < text.length);
    const linked = paragraphs.flatMap(findMarks).filter(({ end }) => text[end] === '(');
    if (linked.length === 0 || parses === MAX_PARSES) return paragraphs;
    for (const { start, end } of linked) labels.delete(normalize(text.slice(start, end)));
  }
}

/** Labels are the same whatever their case, as Unicode folds it. */
const normalize = (label: string): string => label.toLowerCase().toUpperCase();

/** Where the marks of footnotes stand in the text. */
function findMarks(node: Nodes): { start: number; end: number }[] {
  if (node.type !== 'footnoteReference') return 'children' in node ? node.children.flatMap(findMarks) : [];
  return [{ start: node.position?.start.offset ?? 0, end: node.position?.end.offset ?? 0 }];
}

const isParagraph = (node: Nodes): node is Paragraph => node.type === 'paragraph';
