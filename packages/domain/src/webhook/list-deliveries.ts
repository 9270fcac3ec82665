import { listWebhookDeliveries } from '@potentia/db/webhook/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { id } from '../platform/schemas.ts';
import { listDeliveriesInput, type DeliveryPage } from './schemas.ts';

/** The delivery log of an endpoint, newest first. Throws `workspace.not_found`, `workspace.forbidden`, `webhook.not_found`. */
export async function listDeliveries(ctx: UserCtx, input: z.input<typeof listDeliveriesInput>): Promise<DeliveryPage> {
  const { cursor, limit, ...filter } = parseInput(listDeliveriesInput, input);
  const before_id = cursor === undefined ? undefined : decodeCursor(id, cursor);
  const rows = await fromDb(() =>
    listWebhookDeliveries(ctx.db, { user_id: ctx.actor.user_id, ...filter, before_id, limit: limit + 1 }),
  );
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, next_cursor: last ? encodeCursor(last.id) : null };
}
