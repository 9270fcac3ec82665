import { abandonEmbeddings, measureBacklog, type SubjectType, walkSubjects } from '@potentia/db/chat/embedding-queries';
import { z } from 'zod';
import { fromDb } from '../platform/db-errors.ts';
import { inBatches } from '../platform/forget-records.ts';
import type { EmbeddingCtx } from './embedding-ctx.ts';

/** The topic of the periodic look for what has no vector of the configured model. */
export const CHAT_REEMBED = 'chat.reembed';
export const reembedPayload = z.object({});

/** Subjects of one statement. */
const SLICE = 1_000;
/** More than this is not enqueued at once, so that the queue stays short. */
const MAX_WAITING = 10_000;
/** Milliseconds. A batch that has taken longer is nobody's. */
const ABANDONED_MS = 5 * 60_000;
const TYPES: SubjectType[] = ['memory', 'message', 'block'];

/**
 * Enqueues what has no vector of the configured model, or is not in the index of words, slice by slice, as far as the queue has room:
 * after another model was configured, after there was none, and once a day in case that something was missed. What is embedded anew
 * comes after what was said just now. Releases what dead workers had reserved. How many were enqueued.
 */
export async function reembed(ctx: Pick<EmbeddingCtx, 'db' | 'log' | 'model'>): Promise<number> {
  const model = ctx.model.embedder?.model ?? null;
  let enqueued = 0;
  await inBatches((limit) => fromDb(() => abandonEmbeddings(ctx.db, { age_ms: ABANDONED_MS, limit })));
  for (const subject_type of TYPES) {
    for (let is_finished = false; !is_finished;) {
      const backlog = await fromDb(() => measureBacklog(ctx.db));
      if (backlog.reduce((sum, { rows }) => sum + rows, 0) > MAX_WAITING) return enqueued;
      const slice = await fromDb(() => walkSubjects(ctx.db, { subject_type, model, limit: SLICE }));
      enqueued += slice.enqueued;
      is_finished = slice.is_finished;
      if (is_finished && slice.looked > 0)
        ctx.log.info({ subject_type, model }, 'all was looked at that may need a vector');
    }
  }
  return enqueued;
}
