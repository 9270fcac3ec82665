import { listAuditLogs as selectAuditLogs } from '@potentia/db/platform/audit-queries';
import { z } from 'zod';
import { listAuditLogsInput, type AuditPage } from './audit-schemas.ts';
import type { UserCtx } from './ctx.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { fromDb } from './db-errors.ts';
import { parseInput } from './parse.ts';

const position = z.tuple([z.iso.datetime({ offset: true }), z.uuid()]);

/** Who did what in a workspace, newest first. Throws `workspace.not_found`, `workspace.forbidden` (admins may). */
export async function listAuditLogs(ctx: UserCtx, input: z.input<typeof listAuditLogsInput>): Promise<AuditPage> {
  const { workspace_id, cursor, limit, ...filter } = parseInput(listAuditLogsInput, input);
  const [cursor_created_at, cursor_id] = cursor === undefined ? [null, null] : decodeCursor(position, cursor);
  const { user_id } = ctx.actor;
  const query = { user_id, workspace_id, filter, cursor_created_at, cursor_id, limit: limit + 1 };
  const rows = await fromDb(() => selectAuditLogs(ctx.db, query));
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    items: page.map(({ entry }) => entry),
    next_cursor: last ? encodeCursor([last.created_at, last.id]) : null,
  };
}
