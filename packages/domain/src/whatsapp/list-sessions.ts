import { listWhatsappSessions } from '@potentia/db/whatsapp/session-queries';
import { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { id } from '../platform/schemas.ts';
import { asSession } from './as-session.ts';
import { listSessionsQuery, type SessionPage } from './session-schemas.ts';

const position = z.tuple([z.iso.datetime({ offset: true }), id]);

/** The sessions of all workspaces of the caller, or of one, the newest first. Guests see none. */
export async function listSessions(ctx: UserCtx, input: z.input<typeof listSessionsQuery>): Promise<SessionPage> {
  const { workspace_id, cursor, limit } = parseInput(listSessionsQuery, input);
  const after = cursor === undefined ? null : decodeCursor(position, cursor);
  const rows = await fromDb(() =>
    listWhatsappSessions(ctx.db, {
      user_id: ctx.actor.user_id,
      workspace_id: workspace_id ?? null,
      after: after && { created_at: after[0], id: after[1] },
      limit: limit + 1,
    }),
  );
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    items: page.map((row) => asSession(row.session)),
    next_cursor: last ? encodeCursor([last.created_at, last.id]) : null,
  };
}
