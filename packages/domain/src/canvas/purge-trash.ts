import { purgeTrash as purgeBatch } from '@potentia/db/canvas/history-queries';
import { z } from 'zod';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';

/** The queue, and the topic, of the purge. */
export const CANVAS_PURGE_TRASH = 'canvas.purge_trash';
export const purgeTrashPayload = z.object({});

/** Blocks that one batch deletes: for so long the lock of a canvas is held. */
const BATCH = 1_000;
/** Batches of one run; what is left waits for the next. */
const MAX_BATCHES = 500;

/**
 * Deletes for good what has been in the trash for 30 days, batch by batch, each in a transaction and audited. May run at any
 * time, also twice at once: a canvas that another works on is passed over.
 */
export async function purgeTrash(ctx: Ctx): Promise<{ canvases: number; blocks: number }> {
  const canvases = new Set<string>();
  let blocks = 0;
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const done = await fromDb(() => purgeBatch(ctx.db, { limit: BATCH, request_id: ctx.request_id }));
    if (!done || done.purged === 0) break;
    canvases.add(done.canvas_id);
    blocks += done.purged;
  }
  if (blocks > 0) ctx.log.info({ canvases: canvases.size, blocks }, 'the trash was purged');
  return { canvases: canvases.size, blocks };
}
