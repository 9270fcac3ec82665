import { createLogger } from '@potentia/config/logger';
import type { Db } from '@potentia/db/client';
import type { TestDatabase } from '@potentia/db/testing/database';
import { createLocalRules } from '@potentia/domain/agent/adapters/local-rules';
import type { Embedder, ModelPort } from '@potentia/domain/agent/model';
import type { EmbeddingCtx } from '@potentia/domain/chat/embedding-ctx';
import { AppError } from '@potentia/domain/platform/errors';
import { onTestFinished, vi } from 'vitest';
import { EmbeddingWorker } from '../chat/embedding-worker.ts';

/** A provider of vectors that does what a test wants of it. */
export interface TestEmbedder extends Embedder {
  model: string;
  /** Texts that it was asked for, call by call, answered or not. */
  readonly asked: string[][];
  /** Thrown instead of an answer; looked at with each call. */
  failWith: (texts: string[]) => AppError | null;
  /** Called before each answer, which waits for it. */
  before: (texts: string[], signal: AbortSignal) => Promise<void>;
}

const PROBE = 'Hello.';

/** The same text has the same vector, one of length 3. */
export function vectorOf(text: string): number[] {
  const values = Array.from(
    { length: 768 },
    (_, n) => Math.sin((n + 1) * (1 + text.length)) + (text.charCodeAt(n % text.length) % 13),
  );
  const length = Math.hypot(...values) / 3;
  return values.map((value) => value / length);
}

export function createTestEmbedder(model = 'test-1'): TestEmbedder {
  const embedder: TestEmbedder = {
    model,
    dimensions: 768,
    asked: [],
    failWith: () => null,
    before: () => Promise.resolve(),
    async embed(texts, _purpose, signal) {
      if (texts[0] !== PROBE) embedder.asked.push(texts);
      await embedder.before(texts, signal);
      const failure = embedder.failWith(texts);
      if (failure) throw failure;
      const prompt_tokens = texts.length * 7;
      const usage = { prompt_tokens, output_tokens: 0, thought_tokens: 0, cached_tokens: 0 };
      return {
        result: texts.map(vectorOf),
        is_defaulted: false,
        report: { provider: 'gemini', model: embedder.model, usage, calls: 1 },
      };
    },
  };
  return embedder;
}

export const unavailable = (): AppError =>
  new AppError('unavailable', 'model.unavailable', 'away', { retry_after_ms: 1 });
export const cancelled = (): AppError => new AppError('unavailable', 'model.cancelled', 'stopped');
export const refused = (): AppError => new AppError('precondition', 'model.refused', 'not this');

export interface EmbeddingKit {
  ctx: EmbeddingCtx;
  /** Subjects by stage that went through. */
  done: Record<'index' | 'vector', number>;
  waiting: Record<string, number>;
  given_up: number;
  worker: EmbeddingWorker;
}

/** A worker on this database; not started. */
export function makeWorker(db: Db, embedder: Embedder | null, overrides: Partial<EmbeddingCtx> = {}): EmbeddingKit {
  const model: ModelPort = {
    ...createLocalRules(),
    embedder,
    provider: embedder ? 'gemini' : 'local-rules',
    modelOf: () => embedder?.model ?? 'rules-1',
    priceOf: (_model, usage) => usage.prompt_tokens * 10,
  };
  const kit = {
    done: { index: 0, vector: 0 },
    waiting: {} as Record<string, number>,
    given_up: 0,
  };
  const ctx: EmbeddingCtx = {
    db,
    model,
    log: createLogger({ service: 'test', level: 'silent' }),
    clock: () => new Date(),
    usage_limits: { tokens_per_day: null, cost_micros_per_month: null },
    embeddings: {
      observeDone: (stage, ages) => (kit.done[stage] += ages.length),
      countWaiting: (error, count) => (kit.waiting[error] = (kit.waiting[error] ?? 0) + count),
      countGivenUp: (_stage, count) => (kit.given_up += count),
    },
    ...overrides,
  };
  return Object.assign(kit, { ctx, worker: new EmbeddingWorker(ctx) });
}

/** Lets a worker work until the test ends. */
export function startWorker(...args: Parameters<typeof makeWorker>): EmbeddingKit {
  const kit = makeWorker(...args);
  kit.worker.start();
  onTestFinished(() => kit.worker.stop());
  return kit;
}

export interface QueueRow {
  subject_type: string;
  subject_id: string;
  revision: number;
  is_indexed: boolean;
  priority: number;
  attempts: number;
  is_due: boolean;
  is_given_up: boolean;
  last_error: string | null;
}

export const readQueue = (t: TestDatabase, subject_ids: string[]): Promise<QueueRow[]> =>
  t.asOwner<QueueRow>(
    `select subject_type, subject_id, revision::int, is_indexed, priority, attempts, available_at <= now() as is_due,
       available_at = 'infinity' as is_given_up, last_error
     from app.embedding_queue where subject_id = any ($1) order by subject_id`,
    [subject_ids],
  );

/** Until nothing of these waits. What was put off is not waited for in real time. */
export async function drained(t: TestDatabase, subject_ids: string[]): Promise<void> {
  await vi.waitFor(
    async () => {
      await hurry(t, subject_ids);
      const rows = await readQueue(t, subject_ids);
      if (rows.length > 0) throw new Error(`${String(rows.length)} wait: ${JSON.stringify(rows.slice(0, 3))}`);
    },
    { timeout: 20_000, interval: 50 },
  );
}

/** Makes due what was put off by `last_error`, or waits for whoever types; not what a worker holds, nor what was given up. */
export const hurry = (t: TestDatabase, subject_ids: string[]): Promise<unknown> =>
  t.asOwner(
    `update app.embedding_queue set available_at = now()
     where subject_id = any ($1) and available_at between now() and 'infinity'::timestamptz - interval '1 day'
       and (last_error is not null or (subject_type = 'block' and not is_indexed))`,
    [subject_ids],
  );

export interface VectorRow {
  id: string;
  side: string | null;
  model: string;
  dimensions: number;
  embedding: number[];
}

export async function readVectors(t: TestDatabase, subject_ids: string[]): Promise<Map<string, VectorRow>> {
  const rows = await t.asOwner<Omit<VectorRow, 'embedding'> & { embedding: string }>(
    `select message_id as id, side, model, dimensions, embedding::text from app.message_embeddings where message_id = any ($1)
     union all select memory_id, null, model, dimensions, embedding::text from app.memory_embeddings where memory_id = any ($1)
     union all select block_id, null, model, dimensions, embedding::text from app.block_embeddings where block_id = any ($1)`,
    [subject_ids],
  );
  return new Map(rows.map((row) => [row.id, { ...row, embedding: JSON.parse(row.embedding) as number[] }]));
}

/** Whether it is the vector of that text, of length 1. */
export function isVectorOf(row: VectorRow | undefined, text: string): boolean {
  if (!row) return false;
  const wanted = vectorOf(text);
  const product = row.embedding.reduce((sum, value, n) => sum + value * (wanted[n] ?? 0), 0) / 3;
  return product > 0.999 && Math.abs(Math.hypot(...row.embedding) - 1) < 0.001;
}
