import type { UserCtx } from '../platform/ctx.ts';
import type { BlockTree } from './rules/markdown-parse.ts';

/**
 * Reads and writes Markdown, away from the event loop: nobody can promise what a parser needs for hostile input. Both
 * throw MarkdownRefused; and AppError `canvas.markdown_busy` or `canvas.markdown_unavailable`, which a retry may mend.
 * `owner` is the person who asks: nobody takes the parser from the others.
 */
export interface Markdown {
  /** The blocks of a document, at most MAX_IMPORT_BLOCKS. */
  parse(markdown: string, owner: string): Promise<BlockTree[]>;
  /** A canvas as a document, from the JSON text of its snapshot. */
  print(snapshot: string, owner: string): Promise<{ title: string; markdown: string }>;
}

/** What the verbs of Markdown need of the world. */
export type MarkdownCtx = UserCtx & { markdown: Markdown };

/** Not this document or canvas, whoever tries; the message says why. */
export class MarkdownRefused extends Error {}
