import type { Definition, ListItem, Nodes, PhrasingContent, Root, RootContent, Table } from 'mdast';
import { checkContent, type BlockContent } from './content.ts';
import { parseDocument, printInline } from './markdown-inline.ts';

/** A block and what stands below it, without identity. */
export interface BlockTree {
  type: string;
  content: BlockContent;
  children: BlockTree[];
}

/** Levels of a document's blocks; Postgres takes 64, and the place of the import may be deep itself. */
export const MAX_MARKDOWN_DEPTH = 32;

/** The document nests deeper than MAX_MARKDOWN_DEPTH. */
export class MarkdownTooDeep extends Error {}

/** Stands for an empty text where Markdown has no way to write one. */
export const EMPTY = '<!-- -->';

/**
 * The blocks of a Markdown document (CommonMark and GFM). A list becomes its items, each with what it holds below it; a
 * quote or footnote keeps its first paragraph as its text. Link references are resolved, so that every block stands for
 * itself; HTML is kept as it is. `printMarkdown` is the way back: parsing what it prints gives the same blocks again.
 *
 * Throws MarkdownTooDeep.
 */
export function parseMarkdown(markdown: string): BlockTree[] {
  const root = parseDocument(markdown);
  settle(root, findDefinitions(root));
  return toBlocks(root.children, 1);
}

function toBlocks(nodes: RootContent[], depth: number): BlockTree[] {
  if (depth > MAX_MARKDOWN_DEPTH) throw new MarkdownTooDeep();
  return nodes.flatMap((node) => toBlock(node, depth));
}

function toBlock(node: RootContent, depth: number): BlockTree[] {
  switch (node.type) {
    case 'heading':
      return [leaf('heading', { text: printInline(node.children), level: node.depth })];
    case 'paragraph':
      return [toParagraph(node.children)];
    case 'list':
      return node.children.map((item, i) =>
        toItem(item, node.ordered ? 'ordered' : 'bullet', i === 0 ? (node.start ?? 1) : 1, depth),
      );
    case 'blockquote':
      return [container('quote', {}, node.children, depth)];
    case 'footnoteDefinition':
      return [container('footnote', { label: node.label ?? node.identifier }, node.children, depth)];
    case 'code': {
      const info = { ...(node.lang ? { language: node.lang } : {}), ...(node.meta ? { meta: node.meta } : {}) };
      return [leaf('code', { text: node.value, ...info })];
    }
    case 'thematicBreak':
      return [leaf('divider', {})];
    case 'table':
      return [toTable(node)];
    case 'html':
      return [toHtml(node.value)];
    default:
      return [];
  }
}

function leaf(type: string, content: BlockContent): BlockTree {
  return { type, content, children: [] };
}

/** A block whose first paragraph is its text, and whose other content stands below it. */
function container(type: string, content: BlockContent, nodes: RootContent[], depth: number): BlockTree {
  const [first, ...rest] = nodes;
  const text = first && readText(first);
  return {
    type,
    content: { ...content, text: text ?? '' },
    children: toBlocks(text === undefined ? nodes : rest, depth + 1),
  };
}

function readText(node: RootContent): string | undefined {
  if (node.type === 'html') return node.value === EMPTY ? '' : undefined;
  if (node.type !== 'paragraph') return undefined;
  const text = printInline(node.children);
  return text === EMPTY ? '' : text;
}

function toItem(item: ListItem, style: 'bullet' | 'ordered', start: number, depth: number): BlockTree {
  if (typeof item.checked === 'boolean') {
    const content = { checked: item.checked, ...(style === 'ordered' ? { style } : {}) };
    return container('todo', content, item.children, depth);
  }
  return container('list', { style, ...(style === 'ordered' && start !== 1 ? { start } : {}) }, item.children, depth);
}

function toParagraph(children: PhrasingContent[]): BlockTree {
  const [only] = children;
  const last = children.at(-1);
  const carried = last?.type === 'html' ? readCarrier(last.value) : undefined;
  if (carried) return carried;
  if (children.length === 1 && only?.type === 'image') {
    const { url, alt, title } = only;
    const attachment_id = readAttachment(url);
    const source = attachment_id === undefined ? { url } : { attachment_id };
    const content = { ...source, ...(alt ? { alt } : {}), ...(title ? { title } : {}) };
    if (checkContent('image', content).length === 0) return leaf('image', content);
  }
  return leaf('text', { text: printInline(children) });
}

/** A file of the canvas as the target of a Markdown image. */
export const printAttachment = (attachment_id: string): string => `attachment:${attachment_id}`;

/** What `printAttachment` was given, in one form; undefined for any other target. */
const readAttachment = (url: string): string | undefined =>
  /^attachment:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(url)?.[1];

function toHtml(html: string): BlockTree {
  return html === EMPTY ? leaf('text', { text: '' }) : (readCarrier(html) ?? leaf('html', { html }));
}

/** A block that Markdown cannot say travels in a comment, see `printCarrier`. */
function readCarrier(html: string): BlockTree | undefined {
  const [, type, json] = /^<!-- potentia:([a-z][a-z0-9_-]{0,63}) (\{.*\}) -->$/.exec(html) ?? [];
  if (type === undefined || json === undefined) return undefined;
  try {
    const content = JSON.parse(json) as BlockContent;
    return checkContent(type, content).length === 0 ? leaf(type, content) : undefined;
  } catch {
    return undefined;
  }
}

function toTable({ children, align }: Table): BlockTree {
  const width = Math.max(...children.map((row) => row.children.length));
  const rows = children.map((row) =>
    Array.from({ length: width }, (_, i) => printInline(row.children[i]?.children ?? [])),
  );
  const sides = Array.from({ length: width }, (_, i) => align?.[i] ?? null);
  return leaf('table', { rows, ...(sides.some((side) => side !== null) ? { align: sides } : {}) });
}

function findDefinitions(node: Nodes, found = new Map<string, Definition>()): Map<string, Definition> {
  if (node.type === 'definition' && !found.has(node.identifier)) found.set(node.identifier, node);
  if ('children' in node) for (const child of node.children) findDefinitions(child, found);
  return found;
}

/**
 * Puts the target into each link and image that names it by reference, and drops the indent of HTML that goes over
 * several lines of a paragraph, which a parser keeps or not depending on its depth.
 */
function settle(node: Root | RootContent, definitions: Map<string, Definition>): void {
  if (!('children' in node)) return;
  const children = node.children as RootContent[];
  for (const [i, child] of children.entries()) {
    settle(child, definitions);
    if (child.type === 'html' && node.type === 'paragraph') child.value = child.value.replace(/\n[ \t]+/g, '\n');
    if (child.type === 'linkReference' || child.type === 'imageReference') {
      const { url = '', title } = definitions.get(child.identifier) ?? {};
      children[i] =
        child.type === 'linkReference'
          ? { type: 'link', url, title, children: child.children }
          : { type: 'image', url, title, alt: child.alt };
    }
  }
}
