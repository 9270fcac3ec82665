import { listApiKeys as selectApiKeys } from '@potentia/db/auth/api-key-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { id } from '../platform/schemas.ts';
import { listApiKeysInput, type ApiKey, type ApiKeyPage } from './api-key-schemas.ts';

/** The keys of a workspace, newest first, the revoked too. Throws `workspace.not_found`, `workspace.forbidden` (admins may). */
export async function listApiKeys(ctx: UserCtx, input: z.input<typeof listApiKeysInput>): Promise<ApiKeyPage> {
  const { workspace_id, cursor, limit } = parseInput(listApiKeysInput, input);
  const rows = await fromDb(() =>
    selectApiKeys(ctx.db, {
      user_id: ctx.actor.user_id,
      workspace_id,
      cursor_id: cursor === undefined ? null : decodeCursor(id, cursor),
      limit: limit + 1,
    }),
  );
  const items = rows.slice(0, limit) as ApiKey[];
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, next_cursor: last ? encodeCursor(last.id) : null };
}
