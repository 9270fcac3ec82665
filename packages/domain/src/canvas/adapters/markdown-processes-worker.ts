import { serveTasks } from '../../platform/serve-tasks.ts';
import { type BlockTree, MarkdownTooDeep, parseMarkdown } from '../rules/markdown-parse.ts';
import { printMarkdown } from '../rules/markdown-print.ts';
import { buildTree } from '../rules/tree.ts';
import { MAX_IMPORT_BLOCKS, type Snapshot } from '../schemas.ts';

/*
 * What runs in the processes of `markdown-processes.ts`.
 */

export type MarkdownTask = { parse: string } | { print: string };
export type MarkdownAnswer<T> = { done: T } | { refused: string };

serveTasks((task) => {
  try {
    return handle(task as MarkdownTask);
  } catch (error) {
    if (error instanceof MarkdownTooDeep) return { refused: 'It nests too deep' };
    throw error;
  }
});

function handle(task: MarkdownTask): MarkdownAnswer<BlockTree[] | { title: string; markdown: string }> {
  if ('parse' in task) {
    const blocks = parseMarkdown(task.parse);
    // Counted here: what is too much should not travel.
    const too_many = countBlocks(blocks) > MAX_IMPORT_BLOCKS;
    return too_many ? { refused: `It makes more than ${MAX_IMPORT_BLOCKS} blocks` } : { done: blocks };
  }
  const { canvas, blocks } = JSON.parse(task.print) as Snapshot;
  return { done: { title: canvas.title, markdown: printMarkdown(buildTree(blocks)) } };
}

function countBlocks(blocks: BlockTree[]): number {
  return blocks.reduce((sum, { children }) => sum + 1 + countBlocks(children), 0);
}
