import { randomUUID } from 'node:crypto';
import { AppError } from '../platform/errors.ts';
import { getSnapshot } from './get-snapshot.ts';
import { type MarkdownCtx, MarkdownRefused } from './markdown.ts';
import { MAX_IMPORT_BLOCKS, type Block, type Snapshot } from './schemas.ts';

/** Blocks and UTF-16 units of content of one part, so that each can be printed, and read again, at once. */
const PART_BLOCKS = MAX_IMPORT_BLOCKS / 2;
const PART_UNITS = 200_000;

/**
 * A canvas of any size as Markdown. `links` says where the files that blocks refer to are, by their ids. One too long to
 * be read at once has `part_mark` as a line between its parts. Throws `canvas.not_found`, `canvas.export_refused`, and
 * what else `ctx.markdown` throws.
 */
export async function printDocument(
  ctx: MarkdownCtx,
  canvas_id: string,
  links: ReadonlyMap<string, string>,
): Promise<{ markdown: string; part_mark: string | null }> {
  const snapshot = JSON.parse(await getSnapshot(ctx, { canvas_id })) as Snapshot;
  const blocks = snapshot.blocks.map((block) => withLink(block, links));
  const parts = splitBlocks(blocks);
  const documents: string[] = [];
  for (const part of parts) {
    const { markdown } = await ctx.markdown
      .print(JSON.stringify({ ...snapshot, blocks: part }), ctx.actor.user_id)
      .catch((error: unknown) => {
        throw error instanceof MarkdownRefused ? refuse(error.message) : error;
      });
    documents.push(markdown);
  }
  if (documents.length <= 1) return { markdown: documents[0] ?? '', part_mark: null };
  // Of no canvas's making: nobody could have written this line into a block.
  const part_mark = `<!-- potentia:part ${randomUUID()} -->`;
  return { markdown: documents.join(`\n${part_mark}\n\n`), part_mark };
}

/** The documents of which `printDocument` has made one. */
export function splitDocument(markdown: string, part_mark: string | undefined): string[] {
  return part_mark === undefined ? [markdown] : markdown.split(`\n${part_mark}\n`);
}

function withLink(block: Block, links: ReadonlyMap<string, string>): Block {
  const { attachment_id, ...content } = block.content;
  const url = typeof attachment_id === 'string' ? links.get(attachment_id.toLowerCase()) : undefined;
  return url === undefined ? block : { ...block, content: { url, ...content } };
}

/** Groups of whole top-level blocks, in their order. */
function splitBlocks(blocks: Block[]): Block[][] {
  const children = Map.groupBy(blocks, ({ parent_id }) => parent_id);
  const subtree = (block: Block): Block[] => [block, ...(children.get(block.id) ?? []).flatMap(subtree)];
  const parts: Block[][] = [];
  let [count, units] = [PART_BLOCKS, 0];
  for (const top of children.get(null) ?? []) {
    const group = subtree(top);
    const group_units = group.reduce((sum, { content }) => sum + JSON.stringify(content).length, 0);
    if (count + group.length > PART_BLOCKS || units + group_units > PART_UNITS) {
      parts.push([]);
      [count, units] = [0, 0];
    }
    parts.at(-1)?.push(...group);
    count += group.length;
    units += group_units;
  }
  return parts;
}

function refuse(message: string): AppError {
  return new AppError('conflict', 'canvas.export_refused', `The canvas cannot be written as Markdown. ${message}`);
}
