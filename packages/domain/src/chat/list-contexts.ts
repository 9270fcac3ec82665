import { listContexts as selectContexts } from '@potentia/db/chat/context-queries';
import { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { id } from '../platform/schemas.ts';
import { listContextsQuery, type ChatContextPage } from './context-schemas.ts';

const position = z.tuple([z.iso.datetime({ offset: true }), id]);

/** The caller's contexts, the one that was last spoken in first. */
export async function listContexts(ctx: UserCtx, input: z.input<typeof listContextsQuery>): Promise<ChatContextPage> {
  const { status, cursor, limit } = parseInput(listContextsQuery, input);
  const after = cursor === undefined ? null : decodeCursor(position, cursor);
  const rows = await fromDb(() =>
    selectContexts(ctx.db, {
      user_id: ctx.actor.user_id,
      status,
      after: after && { last_message_at: after[0], id: after[1] },
      limit: limit + 1,
    }),
  );
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    items: page.map(({ context }) => context),
    next_cursor: last ? encodeCursor([last.last_message_at, last.id]) : null,
  };
}
