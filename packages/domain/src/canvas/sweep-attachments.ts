import {
  claimReleasedObjects,
  forgetReleasedObjects,
  sweepPendingAttachments,
  sweepTransfers,
  sweepUnreferencedAttachments,
} from '@potentia/db/platform/object-queries';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import type { FilePorts } from '../platform/objects.ts';

export const ATTACHMENT_SWEEP = 'attachment.sweep';

/** Rows of one statement, and statements of one run: what is left waits for the next. */
const BATCH = 200;
const BATCHES = 50;
/** Files whose canvases are read by one statement. */
const LOOKED_AT = 50;
const DAY_MS = 86_400_000;

/** How much was tidied up, by what it was. */
export interface Swept {
  pending: number;
  unreferenced: number;
  transfers: number;
  objects: number;
  uploads: number;
}

/**
 * Tidies up after files: rows of uploads that never came, files that no block refers to for 30 days, transfers past their
 * time, and then every object that no row names any more. An object is claimed, deleted, and forgotten only then, so one
 * whose sweeper died comes again. Safe to run at any time, by several at once. Throws `objects.unavailable`.
 */
export async function sweepAttachments(ctx: Pick<Ctx, 'db' | 'clock' | 'log'> & FilePorts): Promise<Swept> {
  const { db, objects } = ctx;
  const pending = await repeat(() => fromDb(() => sweepPendingAttachments(db, BATCH)));
  let unreferenced = 0;
  await repeat(async () => {
    const { checked, removed } = await fromDb(() => sweepUnreferencedAttachments(db, LOOKED_AT));
    unreferenced += removed;
    return checked;
  });
  const transfers = await repeat(() => fromDb(() => sweepTransfers(db, BATCH)));
  const swept_objects = await repeat(async () => {
    const keys = await fromDb(() => claimReleasedObjects(db, BATCH));
    if (keys.length === 0) return 0;
    await objects.delete(keys);
    await fromDb(() => forgetReleasedObjects(db, keys));
    return keys.length;
  });
  const before = new Date(ctx.clock().getTime() - DAY_MS);
  const uploads = await objects.abortStaleUploads({ before, limit: BATCH });
  const swept = { pending, unreferenced, transfers, objects: swept_objects, uploads };
  if (Object.values(swept).some((count) => count > 0)) ctx.log.info(swept, 'files were swept');
  return swept;
}

/** Until a batch finds nothing, or enough is done for once; the sum. */
async function repeat(batch: () => Promise<number>): Promise<number> {
  let sum = 0;
  for (let i = 0; i < BATCHES; i++) {
    const count = await batch();
    if (count === 0) break;
    sum += count;
  }
  return sum;
}
