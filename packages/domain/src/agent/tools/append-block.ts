import { getBlock } from '../../canvas/get-block.ts';
import { mutateBlocks } from '../../canvas/mutate-blocks.ts';
import { derivedId } from '../../platform/uuid.ts';
import { quote, quoteWritten, say } from '../rules/tool-summary.ts';
import type { ToolArguments } from '../tool-schemas.ts';
import { findWritableCanvas, seenText } from './find-block.ts';
import { type CallCtx, type Done, type Planner, verbCtx } from './tool.ts';

type Args = ToolArguments<'append_block'>;

/** One more block of a canvas, at its end or after another. */
export const appendBlock: Planner<'append_block'> = async (ctx, args) => {
  const { canvas_id, text, after_block_id } = args;
  const found = await findWritableCanvas(ctx, canvas_id);
  const place =
    after_block_id === undefined
      ? { parent_id: null }
      : {
          parent_id: (await getBlock(ctx, { canvas_id, block_id: after_block_id })).parent_id,
          after_id: after_block_id,
        };
  const where = `${quote(found.canvas.title)}${seenText(ctx, found)}`;
  return {
    summary: say(
      ctx.call.locale,
      `Add ${quoteWritten(text)} to ${where}`,
      `Menambahkan ${quoteWritten(text)} ke ${where}`,
    ),
    write: { intent: 'append_block', texts: [text], things: [], affects_others: found.is_shared },
    run: () => write(ctx, args, place),
  };
};

async function write(ctx: CallCtx, args: Args, place: { parent_id: string | null; after_id?: string }): Promise<Done> {
  const { canvas_id, type } = args;
  const block_id = derivedId(ctx.call.id, 'block');
  const op = { op: 'create' as const, block_id, ...place, type, content: contentOf(args) };
  await mutateBlocks(verbCtx(ctx), { canvas_id, mutation_id: ctx.call.id, ops: [op] });
  return {
    result: { canvas_id, block_id, type, text: args.text },
    undo: { tool: 'delete_block', arguments: { canvas_id, block_id, version: 1 } },
  };
}

function contentOf({ type, text }: Args): Record<string, unknown> {
  if (type === 'todo') return { text, checked: false };
  if (type === 'heading') return { text, level: 2 };
  if (type === 'list') return { text, style: 'bullet' };
  return { text };
}
