import { purgeDeparted, purgeTrash as purgeBatch } from '@potentia/db/canvas/history-queries';
import { z } from 'zod';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';

/** The queue, and the topic, of the purge. */
export const CANVAS_PURGE_TRASH = 'canvas.purge_trash';
export const purgeTrashPayload = z.object({});

/** Blocks that one batch deletes: for so long the lock of a canvas is held. Postgres ends a batch at 500 versions to erase. */
const BATCH = 1_000;
/** Versions of departed blocks that one batch erases. */
const DEPARTED_BATCH = 500;
/** Batches of one run; what is left waits for the next. */
const MAX_BATCHES = 1_000;

/**
 * Deletes for good what has been in the trash for 30 days, and takes its content out of the events; also what blocks that moved
 * to another canvas left behind. Batch by batch, each in a transaction. May run at any time, also twice at once: a canvas that
 * another works on is passed over.
 */
export async function purgeTrash(ctx: Ctx): Promise<{ canvases: number; blocks: number; events: number }> {
  const canvases = new Set<string>();
  const done = { blocks: 0, events: 0 };
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const departed = await fromDb(() => purgeDeparted(ctx.db, { limit: DEPARTED_BATCH }));
    if (!departed || departed.erased === 0) break;
    canvases.add(departed.canvas_id);
    done.events += departed.erased;
  }
  // A canvas on which nothing can be done (a live block stands below one in the trash) must not keep the others waiting.
  const except: string[] = [];
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const purged = await fromDb(() => purgeBatch(ctx.db, { limit: BATCH, request_id: ctx.request_id, except }));
    if (!purged) break;
    if (purged.purged + purged.erased === 0) {
      ctx.log.warn({ canvas_id: purged.canvas_id }, 'the trash of a canvas cannot be purged');
      except.push(purged.canvas_id);
      continue;
    }
    canvases.add(purged.canvas_id);
    done.blocks += purged.purged;
    done.events += purged.erased;
  }
  if (canvases.size > 0) ctx.log.info({ canvases: canvases.size, ...done }, 'the trash was purged');
  return { canvases: canvases.size, ...done };
}
