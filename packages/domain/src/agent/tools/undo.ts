import { getToolCall, listToolCalls, type ToolCallRecord } from '@potentia/db/agent/tool-call-queries';
import { fromDb } from '../../platform/db-errors.ts';
import { AppError } from '../../platform/errors.ts';
import { ownTextOf } from '../rules/asked-for.ts';
import { POINTING_WORDS, UNDO_WORDS } from '../rules/intent-words.ts';
import { say } from '../rules/tool-summary.ts';
import { TOOL_NAMES, TOOLS } from '../tool-schemas.ts';
import { takeBack, undoAffectsOthers } from '../take-back.ts';
import { type CallCtx, type Planner, verbCtx } from './tool.ts';

/** Tools whose calls change something, but for the taking back itself. */
const WRITES = TOOL_NAMES.filter((name) => TOOLS[name].is_write && name !== 'undo');

/** What the last call of this conversation has done, taken back. */
export const undo: Planner<'undo'> = async (ctx, args) => {
  const record = await find(ctx, args.tool_call_id);
  const { tool_call_id, summary } = record.call;
  const what = summary ?? record.call.name;
  const { locale } = ctx.call;
  const { undo: work } = record;
  if (work === null)
    throw new AppError('conflict', 'tool.cannot_undo', `This cannot be taken back: ${what}`, { tool_call_id });
  return {
    arguments: { tool_call_id },
    summary: say(locale, `Undo: ${what}`, `Membatalkan: ${what}`),
    write: {
      intent: 'undo',
      texts: [],
      things: (await isMeant(ctx, tool_call_id)) ? [] : [{ id: tool_call_id, words: what }],
      affects_others: await undoAffectsOthers(ctx, work),
    },
    run: async () => {
      await takeBack(verbCtx(ctx), record);
      const told = { undone: what, tool_call_id };
      if (work.tool !== 'delete_memory') return { result: told, undo: null };
      const forgotten = say(locale, 'Undo what was remembered', 'Membatalkan yang diingat');
      return { result: { tool_call_id }, told, summary: forgotten, undo: null };
    },
  };
};

/** Whether the person means what was done last, without naming it, and this is it. */
async function isMeant(ctx: CallCtx, tool_call_id: string): Promise<boolean> {
  const said = ownTextOf(ctx.call.message?.content ?? '');
  if (!UNDO_WORDS.test(said) && !POINTING_WORDS.test(said)) return false;
  return (await findLast(ctx))?.call.tool_call_id === tool_call_id;
}

async function find(ctx: CallCtx, tool_call_id: string | undefined): Promise<ToolCallRecord> {
  const { user_id } = ctx.actor;
  const nothing = new AppError('not_found', 'tool.nothing_to_undo', 'There is nothing to take back.');
  if (tool_call_id !== undefined) {
    const record = await fromDb(() => getToolCall(ctx.db, { user_id, tool_call_id }));
    const is_open = record?.call.status === 'done' && (record.call.undone_at === null || ctx.call.is_rerun);
    if (record && is_open) return record;
    throw nothing;
  }
  const last = await findLast(ctx);
  if (!last) throw nothing;
  return last;
}

/** What was done last in this conversation and stands. */
async function findLast(ctx: CallCtx): Promise<ToolCallRecord | undefined> {
  const { context_id } = ctx.call;
  if (context_id === null) return undefined;
  const { user_id } = ctx.actor;
  const asked = { user_id, status: 'done' as const, context_id, names: WRITES, after: null, limit: 20 };
  const calls = await fromDb(() => listToolCalls(ctx.db, asked));
  return calls.find((record) => record.call.undone_at === null && !forgotNothing(record));
}

/** Who says "forget that" when there was nothing to forget has changed nothing that "undo" could mean. */
const forgotNothing = ({ call: { name, result } }: ToolCallRecord): boolean => {
  const { forgotten } = (result ?? {}) as { forgotten?: unknown };
  return name === 'forget' && Array.isArray(forgotten) && forgotten.length === 0;
};
