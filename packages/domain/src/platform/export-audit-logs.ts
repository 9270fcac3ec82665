import { listAuditLogs } from '@potentia/db/platform/audit-queries';
import type { z } from 'zod';
import { exportAuditLogsInput } from './audit-schemas.ts';
import type { UserCtx } from './ctx.ts';
import { fromDb } from './db-errors.ts';
import { parseInput } from './parse.ts';

/** Rows that are in memory at once. Each page is a statement of its own, so that no slow reader holds a connection. */
const PAGE = 500;

/**
 * The audit log of a workspace as NDJSON, newest first, a page at a time, each read when it is asked for. What is done after
 * the first page was read is not in it. Whoever stops being an admin meanwhile gets no further page.
 * Throws what `listAuditLogs` throws, with the first page or later.
 */
export async function* exportAuditLogs(
  ctx: UserCtx,
  input: z.input<typeof exportAuditLogsInput>,
): AsyncGenerator<string, void, void> {
  const { workspace_id, ...filter } = parseInput(exportAuditLogsInput, input);
  const { user_id } = ctx.actor;
  let cursor: { created_at: string; id: string } | undefined;
  do {
    const rows = await fromDb(() =>
      listAuditLogs(ctx.db, {
        user_id,
        workspace_id,
        filter,
        cursor_created_at: cursor?.created_at ?? null,
        cursor_id: cursor?.id ?? null,
        limit: PAGE,
      }),
    );
    cursor = rows.length === PAGE ? rows.at(-1) : undefined;
    yield rows.map(({ entry }) => `${JSON.stringify(entry)}\n`).join('');
  } while (cursor);
}
