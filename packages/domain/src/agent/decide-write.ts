import { type ConfirmReason, listToolCalls } from '@potentia/db/agent/tool-call-queries';
import { fromDb } from '../platform/db-errors.ts';
import { isAskedFor, ownTextOf } from './rules/asked-for.ts';
import { POINTING_WORDS } from './rules/intent-words.ts';
import type { CallCtx, WritePlan } from './tools/tool.ts';

/** Calls of a conversation that `it` may point at. */
const RECENT = 5;

/**
 * Why a write waits for the person's word; null: it does not. What others would notice waits always; else what the person's message does
 * not ask for, in their words; else what would take more than they named.
 */
export async function reasonToAsk(ctx: CallCtx, write: WritePlan): Promise<ConfirmReason | null> {
  if (write.affects_others) return 'affects_others';
  const { message } = ctx.call;
  if (message === null) return null;
  if (!(await isAsked(ctx, write, message.content))) return 'not_asked';
  return write.is_destructive === true ? 'destructive' : null;
}

async function isAsked(ctx: CallCtx, write: WritePlan, message: string): Promise<boolean> {
  const { intent, texts, things, repeats = false, is_said = false } = write;
  if (is_said) return true;
  const asked = (words: string[]): boolean => isAskedFor(message, { intent, texts, things: words, repeats });
  if (asked(things.map(({ words }) => words))) return true;
  // Who says "move it" means what was just done for them.
  if (things.length === 0 || !POINTING_WORDS.test(ownTextOf(message)) || !asked([])) return false;
  const recent = await recentThings(ctx);
  return things.every(({ id }) => recent.has(id));
}

async function recentThings(ctx: CallCtx): Promise<Set<string>> {
  const { context_id } = ctx.call;
  if (context_id === null) return new Set();
  const asked = { user_id: ctx.actor.user_id, status: 'done' as const, context_id, names: WRITES, after: null };
  const calls = await fromDb(() => listToolCalls(ctx.db, { ...asked, limit: RECENT }));
  return new Set(
    calls.flatMap(({ call }) => {
      const { schedule_id, block_id, memory_id } = (call.result ?? {}) as Record<string, unknown>;
      return [schedule_id, block_id, memory_id].filter((one) => typeof one === 'string');
    }),
  );
}

/** Of which each is about one thing that the person had made or changed. */
const WRITES = [
  ...['create_schedule', 'update_schedule', 'move_schedule', 'set_reminder', 'append_block', 'edit_block'],
  ...['complete_todo', 'remember'],
];
