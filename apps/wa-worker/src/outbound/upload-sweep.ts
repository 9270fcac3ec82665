import { forgetUploads } from '@potentia/db/wa/upload-queries';
import type { WaWorkerContext } from '../context.ts';

const HOUR_MS = 3_600_000;
/** A file that is uploaded is sent within a day, or not at all. */
const DAY_MS = 24 * HOUR_MS;
/** Files of one round. */
const LIMIT = 500;

/** Deletes files that were uploaded and never sent, of whichever session; at most once in an hour. How many it were. */
export function createUploadSweep({ db, objects, log }: Pick<WaWorkerContext, 'db' | 'objects' | 'log'>) {
  let due_ms = 0;
  return async (now_ms: number): Promise<number> => {
    if (now_ms < due_ms) return 0;
    due_ms = now_ms + HOUR_MS;
    try {
      const keys = await forgetUploads(db, { before: new Date(now_ms - DAY_MS), limit: LIMIT });
      await objects.delete(keys);
      return keys.length;
    } catch (error) {
      log.warn({ error: error instanceof Error ? error.name : 'unknown' }, 'unsent files could not be deleted');
      return 0;
    }
  };
}
