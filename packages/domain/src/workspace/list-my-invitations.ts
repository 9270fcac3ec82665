import { listMyInvitations as selectMine } from '@potentia/db/workspace/invitation-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { id } from '../platform/schemas.ts';
import { listMyInvitationsQuery, type MyInvitationPage } from './invitation-schemas.ts';

/** Invitations that the caller can answer: by their id, or to the address that they are signed in with. The newest first. */
export async function listMyInvitations(
  ctx: UserCtx,
  input: z.input<typeof listMyInvitationsQuery>,
): Promise<MyInvitationPage> {
  const { cursor, limit } = parseInput(listMyInvitationsQuery, input);
  const before_id = cursor === undefined ? undefined : decodeCursor(id, cursor);
  const rows = await fromDb(() => selectMine(ctx.db, { user_id: ctx.actor.user_id, before_id, limit: limit + 1 }));
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, next_cursor: last ? encodeCursor(last.invitation_id) : null };
}
