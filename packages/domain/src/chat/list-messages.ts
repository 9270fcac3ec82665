import { listMessages as selectMessages, type MessageFilter } from '@potentia/db/chat/message-queries';
import { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { listContextMessagesInput, listMessagesQuery, type ChatMessagePage } from './message-schemas.ts';

/** A message, and whether what stands after it (in the order asked for) is wanted, or what stands before. */
const position = z.tuple([z.iso.datetime({ offset: true }), z.int(), z.boolean()]);

interface Paging {
  order: 'asc' | 'desc';
  cursor?: string | undefined;
  limit: number;
}

/** What was said in one context of the caller's. Throws `chat.context_not_found`. */
export function listContextMessages(
  ctx: UserCtx,
  input: z.input<typeof listContextMessagesInput>,
): Promise<ChatMessagePage> {
  const { context_id, ...paging } = parseInput(listContextMessagesInput, input);
  return readPage(ctx, context_id, {}, paging);
}

/** What the caller said and was told, in all contexts. */
export function listMessages(ctx: UserCtx, input: z.input<typeof listMessagesQuery>): Promise<ChatMessagePage> {
  const { order, cursor, limit, ...filter } = parseInput(listMessagesQuery, input);
  return readPage(ctx, null, filter, { order, cursor, limit });
}

async function readPage(
  ctx: UserCtx,
  context_id: string | null,
  filter: MessageFilter,
  { order, cursor, limit }: Paging,
): Promise<ChatMessagePage> {
  const [created_at, seq, is_onwards = true] = cursor === undefined ? [] : decodeCursor(position, cursor);
  const from = created_at === undefined || seq === undefined ? null : { created_at, seq };
  const rows = await fromDb(() =>
    selectMessages(ctx.db, {
      user_id: ctx.actor.user_id,
      context_id,
      filter,
      is_ascending: (order === 'asc') === is_onwards,
      from,
      limit: limit + 1,
    }),
  );
  const page = rows.slice(0, limit);
  const has_more = rows.length > limit;
  if (!is_onwards) page.reverse();
  const [first, last] = [page[0], page.at(-1)];
  const to = (row: typeof first, onwards: boolean): string | null =>
    row ? encodeCursor([row.created_at, row.seq, onwards]) : null;
  return {
    items: page.map(({ message }) => message),
    // Where a page was come from there is something still.
    next_cursor: is_onwards ? (has_more ? to(last, true) : null) : to(last, true),
    previous_cursor: is_onwards ? (from ? to(first, false) : null) : has_more ? to(first, false) : null,
  };
}
