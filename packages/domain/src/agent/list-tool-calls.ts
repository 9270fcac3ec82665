import { listToolCalls as selectCalls } from '@potentia/db/agent/tool-call-queries';
import { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { id } from '../platform/schemas.ts';
import { listToolCallsQuery, type ToolCallPage } from './tool-schemas.ts';

const position = z.tuple([z.iso.datetime({ offset: true }), id]);

/** What tools have done for the caller, or wait to do, the newest first. */
export async function listToolCalls(ctx: UserCtx, input: z.input<typeof listToolCallsQuery>): Promise<ToolCallPage> {
  const { status = null, context_id = null, cursor, limit } = parseInput(listToolCallsQuery, input);
  const after = cursor === undefined ? null : decodeCursor(position, cursor);
  const rows = await fromDb(() =>
    selectCalls(ctx.db, {
      ...{ user_id: ctx.actor.user_id, status, context_id, names: null },
      after: after && { created_at: after[0], id: after[1] },
      limit: limit + 1,
    }),
  );
  const items = rows.slice(0, limit).map(({ call }) => call);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, next_cursor: last ? encodeCursor([last.created_at, last.tool_call_id]) : null };
}
