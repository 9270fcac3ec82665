import { listInvitations as selectInvitations } from '@potentia/db/workspace/invitation-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { id } from '../platform/schemas.ts';
import { listInvitationsInput, type Invitation } from './invitation-schemas.ts';

/** The invitations to a workspace or a canvas, the newest first, for those who may invite there. */
export async function listInvitations(
  ctx: UserCtx,
  input: z.input<typeof listInvitationsInput>,
): Promise<{ items: Invitation[]; next_cursor: string | null }> {
  const { cursor, limit, status, ...place } = parseInput(listInvitationsInput, input);
  const { user_id } = ctx.actor;
  const before_id = cursor === undefined ? undefined : decodeCursor(id, cursor);
  const rows = await fromDb(() => selectInvitations(ctx.db, { user_id, place, status, before_id, limit: limit + 1 }));
  const items = rows.slice(0, limit) as Invitation[];
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, next_cursor: last ? encodeCursor(last.id) : null };
}
