import { invalidField } from '../../platform/parse.ts';
import { quote, say } from '../rules/tool-summary.ts';
import { changeContent, versionOf } from './edit-block.ts';
import { findWritableBlock, seenText } from './find-block.ts';
import { textOf } from './read-canvas.ts';
import type { Planner } from './tool.ts';

/** A todo ticked off, or open again. One that is as wanted already is left alone. */
export const completeTodo: Planner<'complete_todo'> = async (ctx, args) => {
  const found = await findWritableBlock(ctx, args);
  const { block } = found;
  if (block.type !== 'todo') throw invalidField('/block_id', 'Not a todo');
  const text = textOf(block);
  const what = `${quote(text)} (${quote(found.canvas.title)}${seenText(ctx, found)})`;
  const is_so = block.content['checked'] === args.is_done && !ctx.call.is_rerun;
  const version = versionOf(ctx, block, args.version);
  const { locale } = ctx.call;
  return {
    arguments: { ...args, version },
    summary: args.is_done
      ? say(locale, `Tick off ${what}`, `Menandai selesai ${what}`)
      : say(locale, `Reopen ${what}`, `Membuka kembali ${what}`),
    write: is_so
      ? null
      : {
          intent: 'complete_todo',
          texts: [],
          things: [{ id: block.id, words: text }],
          affects_others: found.is_shared,
        },
    run: () =>
      is_so
        ? Promise.resolve({ result: { canvas_id: args.canvas_id, block_id: block.id, text, is_done: args.is_done } })
        : changeContent(ctx, block, version, { ...block.content, checked: args.is_done }),
  };
};
