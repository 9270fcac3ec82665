import { listWorkspaceMembers as selectMembers } from '@potentia/db/workspace/queries';
import { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { id } from '../platform/schemas.ts';
import { listWorkspaceMembersInput, type WorkspaceMemberPage } from './schemas.ts';

const position = z.tuple([z.int().min(1).max(4), z.string(), id]);

/**
 * Everybody in a workspace with name and email, for everybody in it: the owner first, then by role and name. Throws
 * `workspace.not_found`.
 */
export async function listWorkspaceMembers(
  ctx: UserCtx,
  input: z.input<typeof listWorkspaceMembersInput>,
): Promise<WorkspaceMemberPage> {
  const { workspace_id, cursor, limit } = parseInput(listWorkspaceMembersInput, input);
  const after = cursor === undefined ? null : decodeCursor(position, cursor);
  const rows = await fromDb(() =>
    selectMembers(ctx.db, {
      user_id: ctx.actor.user_id,
      workspace_id,
      after: after && { place: after[0], sort_name: after[1], user_id: after[2] },
      limit: limit + 1,
    }),
  );
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    items: page.map(({ user_id, name, email, role, joined_at }) => ({ user_id, name, email, role, joined_at })),
    next_cursor: last ? encodeCursor([last.place, last.sort_name, last.user_id]) : null,
  };
}
