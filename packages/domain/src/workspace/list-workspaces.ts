import { listWorkspaces as selectWorkspaces } from '@potentia/db/workspace/queries';
import { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { id } from '../platform/schemas.ts';
import { listWorkspacesQuery, type WorkspacePage } from './schemas.ts';

const position = z.tuple([z.iso.datetime({ offset: true }).nullable(), id]);

/** The workspaces that the caller is in, whatever their role, the personal space first. */
export async function listWorkspaces(ctx: UserCtx, input: z.input<typeof listWorkspacesQuery>): Promise<WorkspacePage> {
  const { cursor, limit, include_deleted } = parseInput(listWorkspacesQuery, input);
  const [created_at, workspace_id] = cursor === undefined ? [null, null] : decodeCursor(position, cursor);
  const rows = await fromDb(() =>
    selectWorkspaces(ctx.db, {
      user_id: ctx.actor.user_id,
      include_deleted,
      cursor_created_at: created_at,
      cursor_id: workspace_id,
      limit: limit + 1,
    }),
  );
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, next_cursor: last ? encodeCursor([last.is_personal ? null : last.created_at, last.id]) : null };
}
