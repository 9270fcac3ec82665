import { listRuns as selectRuns } from '@potentia/db/agent/ledger-queries';
import { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { id } from '../platform/schemas.ts';
import { listRunsQuery, type Run } from './usage-schemas.ts';

const position = z.tuple([z.iso.datetime({ offset: true }), id]);

/** One's own runs, the newest first; of one context or in one status. */
export async function listRuns(
  ctx: UserCtx,
  input: z.input<typeof listRunsQuery>,
): Promise<{ items: Run[]; next_cursor: string | null }> {
  const { context_id, status, cursor, limit } = parseInput(listRunsQuery, input);
  const after = cursor === undefined ? null : decodeCursor(position, cursor);
  const rows = await fromDb(() =>
    selectRuns<Run>(ctx.db, {
      user_id: ctx.actor.user_id,
      ...{ context_id: context_id ?? null, status: status ?? null },
      after: after && { started_at: after[0], id: after[1] },
      limit: limit + 1,
    }),
  );
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    items: rows.slice(0, limit).map((row) => row.run),
    next_cursor: last ? encodeCursor([last.started_at, last.id]) : null,
  };
}
