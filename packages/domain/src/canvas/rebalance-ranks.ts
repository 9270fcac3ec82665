import { rebalanceRanks as rebalanceRanksOnce } from '@potentia/db/canvas/queries';
import { z } from 'zod';
import type { Ctx } from '../platform/ctx.ts';
import type { OutboxJob } from '../platform/outbox.ts';
import { writeCanvas } from './canvas-queue.ts';
import { publishEvent } from './publish.ts';

/** The outbox topic of canvases on which a mutation has made a rank longer than 48 characters. */
export const CANVAS_REBALANCE = 'canvas.rebalance';
export const rebalanceRanksPayload = z.looseObject({ canvas_id: z.uuid() });

/** Each shortens up to 2,000 ranks. What is left after so many is taken up by the next mutation that makes a long one. */
const MAX_PASSES = 200;

/**
 * Shortens the long ranks of a canvas, pass by pass: each holds the canvas's lock for some milliseconds and is one event,
 * `blocks.reordered`, that changes nothing but ranks. Where no rank is long it does nothing, so it can run again, and twice
 * at once. Throws `canvas.not_found`, and, when others hold the canvas for too long, `canvas.busy` or
 * `platform.database_unavailable`: then nothing of this pass was done.
 */
export async function rebalanceRanks(
  ctx: Ctx,
  { payload }: Pick<OutboxJob<z.infer<typeof rebalanceRanksPayload>>, 'payload'>,
): Promise<{ passes: number }> {
  const { canvas_id } = payload;
  for (let passes = 0; passes < MAX_PASSES; passes++) {
    const { event, longest, is_done } = await writeCanvas(ctx, canvas_id, () =>
      rebalanceRanksOnce(ctx.db, { canvas_id, request_id: ctx.request_id }),
    );
    if (!event) return { passes };
    publishEvent(ctx, { canvas_id, ...event });
    ctx.log.info({ canvas_id, seq: event.seq, longest }, 'ranks are short again');
    if (is_done) return { passes: passes + 1 };
  }
  return { passes: MAX_PASSES };
}
