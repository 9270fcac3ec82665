import { listTransfers as selectTransfers, type TransferKind } from '@potentia/db/workspace/transfer-queries';
import { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { id } from '../platform/schemas.ts';
import { listTransfersInput } from './transfer-schemas.ts';

const position = z.strictObject({ created_at: z.iso.datetime({ precision: null }), id });

/**
 * The exports or imports of a workspace, newest first. Throws `workspace.not_found`, `workspace.forbidden` (admins may).
 */
export async function listTransfers(ctx: UserCtx, kind: TransferKind, input: z.input<typeof listTransfersInput>) {
  const { workspace_id, cursor, limit } = parseInput(listTransfersInput, input);
  const from = cursor === undefined ? null : decodeCursor(position, cursor);
  const rows = await fromDb(() =>
    selectTransfers(ctx.db, {
      user_id: ctx.actor.user_id,
      workspace_id,
      kind,
      before_at: from?.created_at ?? null,
      before_id: from?.id ?? null,
      limit: limit + 1,
    }),
  );
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const next_cursor = rows.length > limit && last ? encodeCursor({ created_at: last.created_at, id: last.id }) : null;
  return { items, next_cursor };
}
