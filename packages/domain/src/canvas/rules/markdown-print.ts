import type { BlockContent as FlowContent, DefinitionContent, ListItem, PhrasingContent } from 'mdast';
import { checkContent, type BlockContent, type ContentOf } from './content.ts';
import { parseDocument, parseInline, printNodes } from './markdown-inline.ts';
import { EMPTY, printAttachment, type BlockTree } from './markdown-parse.ts';

/**
 * Blocks as a Markdown document (CommonMark and GFM). Items that follow each other make a list. What Markdown cannot say
 * (embeds, files, types we do not know) is shown as well as it can be and travels whole in a comment, so that
 * `parseMarkdown` gets it back. Below blocks that hold nothing in Markdown, such as headings, nesting is lost: what
 * stood below follows.
 */
export function printMarkdown(blocks: BlockTree[]): string {
  return printNodes({ type: 'root', children: toNodes(blocks) });
}

type Flow = FlowContent | DefinitionContent;

function toNodes(blocks: BlockTree[]): Flow[] {
  const nodes: Flow[] = [];
  for (const block of blocks) {
    if (isItem(block)) addItem(nodes, block);
    else if (isContainer(block)) nodes.push(toContainer(block));
    else nodes.push(toNode(block), ...toNodes(block.children));
  }
  return nodes;
}

const isGood = ({ type, content }: BlockTree): boolean => checkContent(type, content).length === 0;
const isItem = (block: BlockTree): boolean => (block.type === 'list' || block.type === 'todo') && isGood(block);
const isContainer = (block: BlockTree): boolean =>
  (block.type === 'quote' || block.type === 'footnote') && isGood(block);

function addItem(nodes: Flow[], block: BlockTree): void {
  const { style, start, checked, text } = block.content as ContentOf<'list'> & Partial<ContentOf<'todo'>>;
  const ordered = style === 'ordered';
  const children = [...leadText(text, block.children, checked !== undefined), ...toNodes(block.children)];
  const item: ListItem = { type: 'listItem', checked: checked ?? null, spread: needsBlankLines(children), children };
  const last = nodes.at(-1);
  if (last?.type === 'list' && last.ordered === ordered && start === undefined) last.children.push(item);
  else nodes.push({ type: 'list', ordered, start: ordered ? (start ?? 1) : null, spread: false, children: [item] });
}

/** Only a list may follow the text of an item on the next line, and of numbered ones only those that begin at 1. */
function needsBlankLines(children: Flow[]): boolean {
  return children.slice(1).some((node) => node.type !== 'list' || (node.ordered === true && node.start !== 1));
}

function toContainer({ type, content, children }: BlockTree): Flow {
  const { text, label } = content as ContentOf<'quote'> & Partial<ContentOf<'footnote'>>;
  const nodes = [...leadText(text, children, false), ...toNodes(children)];
  if (type === 'quote' || label === undefined) return { type: 'blockquote', children: nodes };
  return { type: 'footnoteDefinition', identifier: label, label, children: nodes };
}

/** The first paragraph of an item, quote or footnote. An empty one is written out where another would be taken for it. */
function leadText(text: string, children: BlockTree[], is_todo: boolean): Flow[] {
  const inline = parseInline(text);
  if (inline.length > 0) return [{ type: 'paragraph', children: inline }];
  if (is_todo) return [{ type: 'paragraph', children: [{ type: 'html', value: EMPTY }] }];
  const [first] = toNodes(children.slice(0, 1));
  const is_needed = first === undefined || first.type === 'paragraph' || first.type === 'html';
  return is_needed ? [{ type: 'html', value: EMPTY }] : [];
}

function toNode(block: BlockTree): Flow {
  if (!isGood(block)) return toCarrier(block.type, block.content);
  const { content } = block;
  switch (block.type) {
    case 'text': {
      const children = parseInline((content as ContentOf<'text'>).text);
      return children.length > 0 ? { type: 'paragraph', children } : { type: 'html', value: EMPTY };
    }
    case 'heading': {
      const { text, level } = content as ContentOf<'heading'>;
      return { type: 'heading', depth: level as 1 | 2 | 3 | 4 | 5 | 6, children: parseInline(text) };
    }
    case 'code': {
      const { text, language, meta } = content as ContentOf<'code'>;
      return { type: 'code', value: text, lang: language ?? null, meta: language ? (meta ?? null) : null };
    }
    case 'divider':
      return { type: 'thematicBreak' };
    case 'image': {
      const { alt, title, ...source } = content as ContentOf<'image'>;
      const url = source.url ?? printAttachment(source.attachment_id ?? '');
      return { type: 'paragraph', children: [{ type: 'image', url, alt: alt ?? '', title: title ?? null }] };
    }
    case 'table':
      return toTable(content as ContentOf<'table'>);
    case 'html':
      return toHtml(content as ContentOf<'html'>);
    default:
      return toCarrier(block.type, content);
  }
}

function toTable({ rows, align }: ContentOf<'table'>): Flow {
  const width = Math.max(...rows.map((row) => row.length));
  return {
    type: 'table',
    align: Array.from({ length: width }, (_, i) => align?.[i] ?? null),
    children: rows.map((row) => ({
      type: 'tableRow',
      children: Array.from({ length: width }, (_, i) => ({ type: 'tableCell', children: parseInline(row[i] ?? '') })),
    })),
  };
}

/** HTML goes out as it is, unless it would not end where it ends: then it would swallow what follows. */
function toHtml(content: ContentOf<'html'>): Flow {
  const [first, second, ...more] = parseDocument(`${content.html}\n\nend`).children;
  const ends = first?.type === 'html' && first.value === content.html && second?.type === 'paragraph';
  return ends && more.length === 0 ? { type: 'html', value: content.html } : toCarrier('html', content);
}

/** A block in a comment, after what of it can be shown. */
function toCarrier(type: string, content: BlockContent): Flow {
  const json = JSON.stringify(content).replaceAll('>', '\\u003e').replaceAll('--', '-\\u002d');
  const comment = { type: 'html', value: `<!-- potentia:${type} ${json} -->` } as const;
  const shown = showCarried(content);
  if (shown.length === 0) return comment;
  return { type: 'paragraph', children: [...shown, { type: 'text', value: ' ' }, comment] };
}

function showCarried(content: BlockContent): PhrasingContent[] {
  const { text, name, title, attachment_id } = content;
  const url = typeof attachment_id === 'string' ? printAttachment(attachment_id) : content.url;
  if (typeof text === 'string') return parseInline(text);
  if (typeof url !== 'string') return [];
  const label = [name, title, url].find((value) => typeof value === 'string' && value !== '') as string;
  return [{ type: 'link', url, children: [{ type: 'text', value: label }] }];
}
