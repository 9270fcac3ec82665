import { type ConfirmReason, listToolCalls, type ToolCallRow } from '@potentia/db/agent/tool-call-queries';
import { fromDb } from '../platform/db-errors.ts';
import { isAskedFor, orderOf, ownTextOf } from './rules/asked-for.ts';
import { INTENT_VERBS, MANY_WORDS, POINTING_WORDS, WHOLE_WORDS } from './rules/intent-words.ts';
import { beyond, sayingOf } from './rules/own-words.ts';
import { type SaidTimes, saidTimes } from './rules/said-times.ts';
import { isSaidWhen } from './rules/said-when.ts';
import type { CallCtx, WritePlan } from './tools/tool.ts';

/** Calls of a conversation that `them` may point at. */
const RECENT = 5;
/** Calls of a turn. */
const MAX_CALLS = 20;
/** What stands beside an order and names nothing. */
const BESIDE = /^(?:\d.*|one|ones|instead|rather|kindly|entry|entries|reminders?|aja|saja|dong|deh|maksud\w*)$/u;
/** Characters of a message in which times are looked for. */
const MAX_READ = 1_000;

/**
 * Why a write waits for the person's word; null: it does not. What others would notice waits always; else what the person's message does
 * not ask for, in their words and at the times that they said; else what would take more than they named.
 */
export async function reasonToAsk(ctx: CallCtx, name: string, write: WritePlan): Promise<ConfirmReason | null> {
  if (write.affects_others) return 'affects_others';
  const { message } = ctx.call;
  if (message === null) return null;
  if (!(await isAsked(ctx, write, message.content))) return 'not_asked';
  if (await isSaidAgain(ctx, name, write)) return 'not_asked';
  return write.is_destructive === true ? 'destructive' : null;
}

/** What the person's message says of times. */
export const timesSaid = ({ call }: CallCtx): SaidTimes =>
  saidTimes(ownTextOf(call.message?.content ?? '').slice(0, MAX_READ), {
    now: new Date(call.now).toISOString(),
    time_zone: call.time_zone,
  });

async function isAsked(ctx: CallCtx, write: WritePlan, message: string): Promise<boolean> {
  const { intent, texts, things, timing, repeats = false, is_said = false, is_verbatim, is_hinted } = write;
  if (is_said) return true;
  if (timing && !isSaidWhen(timing, timesSaid(ctx))) return false;
  const asked = (words: string[]): boolean =>
    isAskedFor(message, { intent, texts, things: words, repeats, is_verbatim, is_hinted });
  if (asked(things.map(({ words }) => words))) return !(await write.isUnclear?.());
  // Who says "move it" means what was just done for them.
  if (things.length === 0 || !POINTING_WORDS.test(ownTextOf(message)) || !asked([])) return false;
  if (leftOver(ctx, write, message).length > 0) return false;
  const recent = await recentThings(ctx, MANY_WORDS.test(message) ? RECENT : 1);
  return things.every(({ id }) => recent.has(id));
}

/** What the order names beside these things, when, and what is to be done. */
export function leftOver(ctx: CallCtx, { intent, texts, things }: WritePlan, message: string): string[] {
  const order = orderOf(ownTextOf(message), intent);
  const { rest } = saidTimes(order, { now: new Date(ctx.call.now).toISOString(), time_zone: ctx.call.time_zone });
  const known = [...INTENT_VERBS[intent], ...things.map(({ words }) => words), ...texts];
  return beyond(rest, known).filter((word) => word.length > 2 && !WHOLE_WORDS.test(word) && !BESIDE.test(word));
}

/** Whether this very thing was written in this turn already: one order is one write. */
async function isSaidAgain(ctx: CallCtx, name: string, { texts, timing }: WritePlan): Promise<boolean> {
  const wanted = sayingOf(texts.join('\n'));
  if (wanted === '') return false;
  const { run_id } = ctx.call;
  const calls = await listDone(ctx, [name], MAX_CALLS);
  return calls.some((call) => {
    const { title, text, content, at, starts_local } = call.arguments as Record<string, unknown>;
    const is_same_time = timing?.starts_local === undefined || (at ?? starts_local) === timing.starts_local;
    return (
      call.run_id === run_id && is_same_time && sayingOf([title, text, content].filter(isText).join('\n')) === wanted
    );
  });
}

const isText = (value: unknown): value is string => typeof value === 'string';

async function recentThings(ctx: CallCtx, count: number): Promise<Set<string>> {
  const calls = await listDone(ctx, WRITES, count);
  return new Set(
    calls.flatMap(({ result }) => {
      const { schedule_id, block_id, memory_id } = (result ?? {}) as Record<string, unknown>;
      return [schedule_id, block_id, memory_id].filter(isText);
    }),
  );
}

/** Of this conversation, the newest first. */
async function listDone(ctx: CallCtx, names: string[], limit: number): Promise<ToolCallRow[]> {
  const { context_id } = ctx.call;
  if (context_id === null) return [];
  const asked = { user_id: ctx.actor.user_id, status: 'done' as const, context_id, names, after: null, limit };
  const records = await fromDb(() => listToolCalls(ctx.db, asked));
  return records.map(({ call }) => call);
}

/** Of which each is about one thing that the person had made or changed. */
const WRITES = [
  ...['create_schedule', 'update_schedule', 'move_schedule', 'set_reminder', 'append_block', 'edit_block'],
  ...['complete_todo', 'remember'],
];
