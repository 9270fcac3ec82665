import {
  finishIndexing,
  postponeSubjects,
  type QueuedSubject,
  takeSubjects,
} from '@potentia/db/chat/embedding-queries';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { type EmbeddingCtx, MAX_ATTEMPTS, nextAttempt } from './embedding-ctx.ts';
import { indexBlocks, indexMessages } from './index-subjects.ts';

/** Subjects of one batch. */
export const INDEX_BATCH = 200;
/** Milliseconds after which another worker takes over what one has taken and not finished. */
const LEASE_MS = 15_000;

/**
 * Puts the words of the next messages and blocks into the lexical index; how many it took. What cannot be indexed is found by halving
 * the batch, and given up after some attempts. Throws an AppError of kind `unavailable` when Postgres is away: then they come again.
 */
export async function indexBatch(ctx: EmbeddingCtx): Promise<number> {
  const subjects = await fromDb(() =>
    takeSubjects(ctx.db, { is_indexed: false, limit: INDEX_BATCH, lease_ms: LEASE_MS }),
  );
  if (subjects.length > 0) await indexAll(ctx, subjects);
  return subjects.length;
}

async function indexAll(ctx: EmbeddingCtx, subjects: QueuedSubject[]): Promise<void> {
  try {
    await fromDb(() => writeIndex(ctx, subjects));
  } catch (error) {
    if (error instanceof AppError && error.kind === 'unavailable') throw error;
    const [first, ...rest] = subjects;
    if (first && rest.length === 0) return giveBack(ctx, first, error);
    const middle = subjects.length >> 1;
    await indexAll(ctx, subjects.slice(0, middle));
    await indexAll(ctx, subjects.slice(middle));
    return;
  }
  await fromDb(() => finishIndexing(ctx.db, subjects, ctx.model.embedder !== null));
  const now = ctx.clock().getTime();
  ctx.embeddings.observeDone(
    'index',
    subjects.map(({ created_at }) => now - Date.parse(created_at)),
  );
}

async function writeIndex({ db }: EmbeddingCtx, subjects: QueuedSubject[]): Promise<void> {
  const messages = subjects.filter(({ subject_type }) => subject_type === 'message');
  if (messages.length > 0)
    await indexMessages(
      db,
      messages.map(({ subject_id }) => subject_id),
    );
  const blocks = subjects.flatMap(({ workspace_id, canvas_id, subject_id: block_id }) =>
    workspace_id !== null && canvas_id !== null ? [{ workspace_id, canvas_id, block_id }] : [],
  );
  if (blocks.length > 0) await indexBlocks(db, blocks);
}

async function giveBack(ctx: EmbeddingCtx, subject: QueuedSubject, error: unknown): Promise<void> {
  const { subject_type, subject_id, attempts } = subject;
  ctx.log.error({ err: error, subject_type, subject_id, attempts }, 'something cannot be indexed');
  const given_up = await fromDb(() =>
    postponeSubjects(ctx.db, [subject], {
      until: nextAttempt(ctx.clock(), attempts),
      error: error instanceof AppError ? error.code : 'index.failed',
      burns: true,
      max_attempts: MAX_ATTEMPTS,
    }),
  );
  ctx.embeddings.countGivenUp('index', given_up);
}
