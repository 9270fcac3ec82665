import { forgetWebhookDeliveries, sweepWebhooks as wakeLate } from '@potentia/db/webhook/queries';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { inBatches } from '../platform/forget-records.ts';
import { publishOutboxHint } from '../platform/outbox.ts';

/** The topic of the periodic look at what nobody sends any more. */
export const WEBHOOK_SWEEP = 'webhook.sweep';

const LATE_MS = 600_000;
const MAX_ENDPOINTS = 1_000;
const KEPT_MS = 30 * 86_400_000;

/** Wakes endpoints whose messages are due for ten minutes and nobody's: their jobs were lost with a Redis. */
export async function sweepWebhooks(ctx: Pick<Ctx, 'db' | 'bus'>): Promise<number> {
  const woken = await fromDb(() => wakeLate(ctx.db, { late_ms: LATE_MS, limit: MAX_ENDPOINTS }));
  if (woken > 0) publishOutboxHint(ctx);
  return woken;
}

/** Forgets deliveries older than 30 days, in batches; how many. For `platform.expire`. */
export async function expireDeliveries(ctx: Pick<Ctx, 'db' | 'clock'>): Promise<number> {
  const before = new Date(ctx.clock().getTime() - KEPT_MS).toISOString();
  return inBatches((limit) => fromDb(() => forgetWebhookDeliveries(ctx.db, { before, limit })));
}
