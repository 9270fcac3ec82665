import {
  chooseFanOut,
  copyInstances,
  type FanOut,
  pruneCalendar,
  turnSubscriptions,
} from '@potentia/db/calendar/fan-out-queries';
import { z } from 'zod';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import type { OutboxJob } from '../platform/outbox.ts';
import type { InstanceCtx } from './fill-instances.ts';

/** The outbox topic of calendars whose subscriptions have changed. */
export const CALENDAR_FAN_OUT = 'calendar.fan_out';
export const fanOutCalendarPayload = z.looseObject({ calendar_id: z.uuid() });

/** Above so many subscribers the instances of a calendar are written once for all; at so many, or fewer, for each again. */
export const FAN_OUT_LIMIT = 200;
export const FAN_OUT_BACK = 150;
/** Rows that one statement copies, of up to so many readers. */
const COPY_ROWS = 50_000;
const COPY_READERS = 50;
const PRUNE_ROWS = 20_000;
const PRUNE_SCHEDULES = 200;
const MAX_TRIES = 10;

/**
 * Decides for whom the instances of a calendar are written, writes those that are missing, by copying, turns the subscriptions over to
 * them, and deletes what nobody reads any more. May run at any time, also twice at once. `limits`: for tests.
 */
export async function fanOutCalendar(
  ctx: InstanceCtx,
  { payload }: Pick<OutboxJob<z.infer<typeof fanOutCalendarPayload>>, 'payload'>,
  limits = { limit: FAN_OUT_LIMIT, back: FAN_OUT_BACK },
): Promise<void> {
  const { calendar_id } = payload;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const chosen = await fromDb(() => chooseFanOut(ctx.db, { calendar_id, ...limits }));
    if (!chosen) return;
    const turned = chosen.pending.length > 0 ? await turnOver(ctx, calendar_id, chosen) : 0;
    if (turned === null) continue;
    // Each change of a subscription has a job: that of one who was turned over here comes later, and will find nothing else to do.
    if (turned > 0 && !chosen.is_switching) return;
    return prune(ctx, calendar_id);
  }
  throw new AppError('unavailable', 'calendar.busy', 'The calendar is being changed', { retry_after_ms: 2_000 });
}

/** How many subscriptions; null: the calendar was decided about anew meanwhile. */
async function turnOver(
  ctx: InstanceCtx,
  calendar_id: string,
  { fan_out, fan_out_version, pending }: FanOut,
): Promise<number | null> {
  const user_ids = fan_out === 'each' ? pending.map(({ user_id }) => user_id) : [];
  const chunks: { readers: string[]; is_shared: boolean }[] =
    fan_out === 'shared' ? [{ readers: [], is_shared: true }] : [];
  for (let n = 0; n < user_ids.length; n += COPY_READERS)
    chunks.push({ readers: user_ids.slice(n, n + COPY_READERS), is_shared: false });
  for (const chunk of chunks)
    for (let cursor_id: string | null = null; ;) {
      const copied = await copyNext(ctx, { calendar_id, fan_out_version, cursor_id, rows: COPY_ROWS, ...chunk });
      if (!copied.is_current) return null;
      cursor_id = copied.next_id;
      if (cursor_id === null) break;
    }
  return fromDb(() => turnSubscriptions(ctx.db, { calendar_id, fan_out_version, pending }));
}

async function copyNext(ctx: InstanceCtx, input: Parameters<typeof copyInstances>[1]) {
  const copied = await fromDb(() => copyInstances(ctx.db, input));
  ctx.instances.observe({ written: copied.written, deleted: 0 });
  return copied;
}

async function prune(ctx: InstanceCtx, calendar_id: string): Promise<void> {
  for (let cursor_id: string | null = null; ;) {
    const { next_id, deleted } = await pruneNext(ctx, calendar_id, cursor_id);
    if (next_id === null && deleted < PRUNE_ROWS) return;
    cursor_id = next_id;
  }
}

async function pruneNext(ctx: InstanceCtx, calendar_id: string, cursor_id: string | null) {
  const pruned = await fromDb(() =>
    pruneCalendar(ctx.db, { calendar_id, cursor_id, schedules: PRUNE_SCHEDULES, limit: PRUNE_ROWS }),
  );
  ctx.instances.observe({ written: 0, deleted: pruned.deleted });
  return pruned;
}
