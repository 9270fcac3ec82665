import { mutateBlocks } from '../../canvas/mutate-blocks.ts';
import type { Block } from '../../canvas/schemas.ts';
import { AppError } from '../../platform/errors.ts';
import { invalidField } from '../../platform/parse.ts';
import { quote, quoteWritten, say } from '../rules/tool-summary.ts';
import { findWritableBlock, seenText } from './find-block.ts';
import { textOf } from './read-canvas.ts';
import { type CallCtx, type Done, type Planner, verbCtx } from './tool.ts';

/** Another text for a block. What stands there already counts as the person's words: they want it changed, not said again. */
export const editBlock: Planner<'edit_block'> = async (ctx, args) => {
  const found = await findWritableBlock(ctx, args);
  const { block } = found;
  if (typeof block.content['text'] !== 'string')
    throw invalidField('/block_id', `A block of type ${block.type} has no text`);
  const version = versionOf(ctx, block, args.version);
  const before = textOf(block);
  const where = `${quote(found.canvas.title)}${seenText(ctx, found)}`;
  return {
    arguments: { ...args, version },
    summary: say(
      ctx.call.locale,
      `Change ${quote(before)} to ${quoteWritten(args.text)} in ${where}`,
      `Mengubah ${quote(before)} menjadi ${quoteWritten(args.text)} di ${where}`,
    ),
    write: {
      intent: 'edit_block',
      texts: [without(args.text, before)],
      things: [{ id: block.id, words: before }],
      affects_others: found.is_shared,
    },
    run: () => changeContent(ctx, block, version, { ...block.content, text: args.text }),
  };
};

/** The words of a text that another one does not hold. */
function without(text: string, known: string): string {
  const words = new Set(known.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []);
  const fresh = text.toLowerCase().match(/\S+/gu) ?? [];
  return fresh.filter((word) => (word.match(/[\p{L}\p{N}]+/gu) ?? []).some((part) => !words.has(part))).join(' ');
}

/** The version that a change is made on. Throws `block.version_conflict` when it is no longer that one. */
export function versionOf(ctx: CallCtx, block: Block, wanted: number | undefined): number {
  if (wanted === undefined || ctx.call.is_rerun || wanted === block.version) return wanted ?? block.version;
  throw new AppError('conflict', 'block.version_conflict', 'The block was changed meanwhile: read it again', {
    current: { version: block.version, text: textOf(block) },
  });
}

/** Writes a content, once, and tells how to go back to the version before. */
export async function changeContent(
  ctx: CallCtx,
  block: Block,
  version: number,
  content: Record<string, unknown>,
): Promise<Done> {
  const { id: block_id, canvas_id } = block;
  const ops = [{ op: 'edit' as const, block_id, version, content }];
  const { ops: results } = await mutateBlocks(verbCtx(ctx), { canvas_id, mutation_id: ctx.call.id, ops });
  const [changed] = results;
  const now = changed && 'block' in changed ? changed.block.version : version + 1;
  return {
    result: { canvas_id, block_id, version: now, text: content['text'], ...pickDone(content) },
    undo: { tool: 'revert_block', arguments: { canvas_id, block_id, version: now, to_version: version } },
  };
}

const pickDone = ({ checked }: Record<string, unknown>): object =>
  typeof checked === 'boolean' ? { is_done: checked } : {};
