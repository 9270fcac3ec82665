import { forgetTombstones, listLeftInstances } from '@potentia/db/calendar/fan-out-queries';
import { z } from 'zod';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { inBatches } from '../platform/forget-records.ts';
import type { OutboxJob } from '../platform/outbox.ts';
import { type InstanceCtx, pruneReaders } from './fill-instances.ts';

/** The outbox topic of schedules that were deleted, and the queue of the daily look at what is left over. */
export const CALENDAR_SWEEP = 'calendar.sweep';
export const sweepInstancesPayload = z.looseObject({ schedule_ids: z.array(z.uuid()).optional() });

/** Longer than a token of synchronisation is good for: whoever comes later begins anew. */
const TOMBSTONES_KEPT_MS = 92 * 86_400_000;
const BATCH = 2_000;
/** Batches of one run. */
const MAX_BATCHES = 5_000;

/**
 * Deletes the instances of these schedules, as far as they are gone. Without any (by the clock) it looks at all instances, whether
 * their schedule still is, and forgets old tombstones. May run at any time, also twice at once.
 */
export async function sweepInstances(
  ctx: InstanceCtx,
  { payload }: Pick<OutboxJob<z.infer<typeof sweepInstancesPayload>>, 'payload'>,
): Promise<void> {
  if (payload.schedule_ids) {
    for (const schedule_id of payload.schedule_ids) await pruneReaders(ctx, schedule_id);
    return;
  }
  const before = new Date(ctx.clock().getTime() - TOMBSTONES_KEPT_MS).toISOString();
  await inBatches((limit) => fromDb(() => forgetTombstones(ctx.db, { before, limit })));
  let cursor_id: string | null = null;
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const { gone, next_id } = await nextLeft(ctx, cursor_id);
    for (const schedule_id of gone) await pruneReaders(ctx, schedule_id);
    cursor_id = next_id;
    if (cursor_id === null) return;
  }
}

const nextLeft = (ctx: Ctx, cursor_id: string | null) =>
  fromDb(() => listLeftInstances(ctx.db, { cursor_id, limit: BATCH }));
