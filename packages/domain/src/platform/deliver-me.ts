import { appendUserEvent } from '@potentia/db/platform/queries';
import { z } from 'zod';
import { meChannel } from './bus.ts';
import type { Ctx } from './ctx.ts';
import { fromDb } from './db-errors.ts';
import type { OutboxJob } from './outbox.ts';

/** The outbox topic of what a person's `/ws/me` delivers: whom it is for, what happened, and its data. */
export const ME_DELIVER = 'me.deliver';
export const deliverMePayload = z.looseObject({ user_id: z.uuid(), type: z.string().min(1) });

/**
 * Takes one outbox row into a person's own sequence and tells the hubs. However often it runs for one row, the person
 * has one event. What was published twice carries the same `seq`, and readers drop the second. `seq` is the order of
 * delivery: it follows the order of writing, but jobs run side by side, so neighbours in a backlog may change places; a
 * payload must make sense without them.
 */
export async function deliverMe(
  ctx: Pick<Ctx, 'db' | 'bus'>,
  { outbox_id, payload, traceparent }: OutboxJob<z.infer<typeof deliverMePayload>>,
): Promise<{ seq: number; is_new: boolean }> {
  const { user_id, type, ...data } = payload;
  const { seq, is_new, frame } = await fromDb(() =>
    appendUserEvent(ctx.db, { user_id, outbox_id, type, payload: data }),
  );
  ctx.bus.publish(meChannel(user_id), {
    kind: 'event',
    seq,
    user_id,
    traceparent: traceparent ?? undefined,
    frame,
  });
  return { seq, is_new };
}
