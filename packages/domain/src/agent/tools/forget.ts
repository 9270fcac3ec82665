import { findSaidMemories } from '@potentia/db/chat/memory-queries';
import { withContext } from '@potentia/db/context';
import { forget as forgetVerb } from '../../chat/forget.ts';
import { getMemory } from '../../chat/get-memory.ts';
import { listMemories } from '../../chat/list-memories.ts';
import type { Memory } from '../../chat/memory-schemas.ts';
import { findByWords } from '../../chat/rules/find-by-words.ts';
import { fromDb } from '../../platform/db-errors.ts';
import { AppError } from '../../platform/errors.ts';
import { invalidField } from '../../platform/parse.ts';
import { orders, ownTextOf } from '../rules/asked-for.ts';
import { POINTING_WORDS } from '../rules/intent-words.ts';
import { namedWords } from '../rules/own-words.ts';
import { quote, say } from '../rules/tool-summary.ts';
import type { ToolArguments } from '../tool-schemas.ts';
import type { CallCtx, Done, Planner } from './tool.ts';

type Args = ToolArguments<'forget'>;

/** Hits of a query that one call forgets. */
const MAX_HITS = 3;
const PAGE = 200;
const MAX_PAGES = 30;

/** What was remembered, no more. Several at once go only when that was confirmed. */
export const forget: Planner<'forget'> = async (ctx, args) => {
  const given = [args.memory_id, args.memory_ids, args.query, args.that || undefined].filter(
    (one) => one !== undefined,
  );
  if (given.length !== 1) throw invalidField('/query', 'Give one of memory_id, memory_ids, query and that');
  const { call } = ctx;
  const said = ownTextOf(call.message?.content ?? '');
  const found = await find(ctx, args, said);
  const points = POINTING_WORDS.test(said);
  const what =
    found === null || found.length === 0
      ? say(call.locale, 'what was said last', 'yang terakhir dikatakan')
      : list(found);
  return {
    ...(found && { arguments: { memory_ids: found.map(({ id }) => id) } }),
    summary: say(call.locale, `Forget ${what}`, `Melupakan ${what}`),
    write: {
      intent: 'forget',
      texts: [],
      // Who says "forget that" names nothing; who says what, names it.
      things: args.that === true && points ? [] : (found ?? []).map(({ id, content }) => ({ id, words: content })),
      is_hinted: true,
      affects_others: false,
      is_destructive:
        found === null || found.length > 1 || (args.that !== true && (await areOthersMeant(ctx, found, said))),
    },
    run: () => (found === null ? run(ctx, []) : run(ctx, found)),
  };
};

const list = (found: readonly Memory[]): string => found.map(({ content }) => quote(content)).join(', ');

/** Null: what was said last is looked up when the person confirms it; to look is to keep it from being remembered. */
async function find(ctx: CallCtx, args: Args, said: string): Promise<Memory[] | null> {
  if (args.that === true) return ctx.call.message && !orders(said, 'forget') ? null : findSaid(ctx);
  if (args.query !== undefined) return findByQuery(ctx, args.query);
  const ids = args.memory_ids ?? (args.memory_id === undefined ? [] : [args.memory_id]);
  const memories = await Promise.all(ids.map((memory_id) => getOrNull(ctx, memory_id)));
  return memories.filter((memory) => memory !== null);
}

async function getOrNull(ctx: CallCtx, memory_id: string): Promise<Memory | null> {
  try {
    return await getMemory(ctx, { memory_id });
  } catch (error) {
    if (ctx.call.is_rerun && error instanceof AppError && error.kind === 'not_found') return null;
    throw error;
  }
}

async function findSaid(ctx: CallCtx): Promise<Memory[]> {
  const { context_id, message } = ctx.call;
  if (context_id === null) throw invalidField('/that', 'Nothing was said before');
  const { user_id } = ctx.actor;
  const said = { user_id, context_id, before_message_id: message?.id ?? null };
  const ids = await fromDb(() => withContext(ctx.db, { user_id }, (tx) => findSaidMemories(tx, said)));
  return Promise.all(ids.map((memory_id) => getMemory(ctx, { memory_id })));
}

async function allMemories(ctx: CallCtx): Promise<Memory[]> {
  const memories: Memory[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const { items, next_cursor } = await listMemories(ctx, { limit: PAGE, cursor });
    memories.push(...items);
    if (next_cursor === null) break;
    cursor = next_cursor;
  }
  return memories;
}

/** Whether the person's message names other memories as well as these: what is gone is gone, so they are asked which. */
async function areOthersMeant(ctx: CallCtx, found: readonly Memory[], said: string): Promise<boolean> {
  if (ctx.call.message === null || found.length === 0) return false;
  const namedBy = ({ content }: Memory): number => namedWords(content, said).named;
  const least = Math.max(1, Math.min(...found.map(namedBy)));
  const meant = new Set(found.map(({ id }) => id));
  return (await allMemories(ctx)).some((memory) => !meant.has(memory.id) && namedBy(memory) >= least);
}

async function findByQuery(ctx: CallCtx, query: string): Promise<Memory[]> {
  const found = findByWords(query, await allMemories(ctx));
  if (found.length === 0) throw new AppError('not_found', 'memory.not_found', 'Nothing like this is remembered.');
  if (found.length > MAX_HITS)
    throw new AppError('conflict', 'memory.ambiguous', 'This could mean several memories: say which', {
      candidates: found.slice(0, 10).map(({ id, content }) => ({ memory_id: id, content })),
    });
  return found;
}

async function run(ctx: CallCtx, found: readonly Memory[]): Promise<Done> {
  for (const { id } of found) await forgetOne(ctx, id);
  const { locale } = ctx.call;
  return {
    result: { forgotten: found.map(({ id }) => ({ memory_id: id })) },
    told: { forgotten: found.map(({ id, content }) => ({ memory_id: id, content })) },
    ...(found.length > 0 && { summary: say(locale, 'Forget what was remembered', 'Melupakan yang diingat') }),
    undo: null,
  };
}

async function forgetOne(ctx: CallCtx, memory_id: string): Promise<void> {
  try {
    await forgetVerb(ctx, { memory_id });
  } catch (error) {
    // Gone meanwhile, which is what was wanted.
    if (!(error instanceof AppError && error.code === 'memory.not_found')) throw error;
  }
}
