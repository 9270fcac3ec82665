import { thinHistory as thinBatch } from '@potentia/db/canvas/history-queries';
import { z } from 'zod';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';

/** The queue, and the topic, of thinning. */
export const CANVAS_THIN_HISTORY = 'canvas.thin_history';
export const thinHistoryPayload = z.object({});

/** Events that one batch looks at: for so long the lock of a canvas is held. */
const BATCH = 500;
/** Batches of one run; the canvases come in the order of their ids, and what is left waits for the next run. */
const MAX_BATCHES = 20_000;

/**
 * Of edits that one person made to one block within ten minutes, more than seven days ago, keeps the last. Batch by batch, each
 * in a transaction that also notes how far it came. May run at any time, also twice at once: a canvas that another works on is
 * passed over.
 */
export async function thinHistory(ctx: Ctx): Promise<{ canvases: number; edits: number }> {
  const canvases = new Set<string>();
  let last: string | null = null;
  let edits = 0;
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const done = await nextBatch(ctx, last);
    if (!done) break;
    last = done.canvas_id;
    canvases.add(last);
    edits += done.thinned;
  }
  if (canvases.size > 0) ctx.log.info({ canvases: canvases.size, edits }, 'old edits were thinned');
  return { canvases: canvases.size, edits };
}

const nextBatch = (ctx: Ctx, from_canvas_id: string | null) =>
  fromDb(() => thinBatch(ctx.db, { from_canvas_id, limit: BATCH }));
