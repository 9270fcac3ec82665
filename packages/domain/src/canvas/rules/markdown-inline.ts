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
  const paragraphs = fromMarkdown(guarded + stubFootnotes(guarded), inline_options)
    .children.filter(isParagraph)
    .filter(({ position }) => (position?.start.offset ?? 0) < guarded.length);
  return paragraphs.flatMap(({ children }, i): PhrasingContent[] =>
    i === 0 ? children : [{ type: 'break' }, { type: 'break' }, ...children],
  );
}

/**
 * A footnote's mark is one only where its definition can be seen, so each gets a definition to be thrown away. An escaped
 * mark is text, and gets none: a definition would turn a link with the same words, `[^a](…)`, into a mark.
 */
function stubFootnotes(text: string): string {
  const labels = new Set(text.match(/(?<!(?<!\\)(?:\\\\)*\\)\[\^[^\]\s]+\](?![([])/g));
  return [...labels].map((label) => `\n\n${label}: -`).join('');
}

const isParagraph = (node: Nodes): node is Paragraph => node.type === 'paragraph';
