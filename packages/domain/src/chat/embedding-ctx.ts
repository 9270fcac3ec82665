import type { UsageLimits } from '../agent/ledger.ts';
import type { ModelPort } from '../agent/model.ts';
import type { Ctx } from '../platform/ctx.ts';

/** What of the pipeline is counted: stage `index` is the index of words, `vector` the provider. */
export interface EmbeddingMetrics {
  /** Subjects that went through a stage, each so long after it was enqueued. */
  observeDone(stage: 'index' | 'vector', ages_ms: number[]): void;
  /** Subjects that have to wait: `error` is a code. */
  countWaiting(error: string, count: number): void;
  /** Subjects that were given up. */
  countGivenUp(stage: 'index' | 'vector', count: number): void;
}

export interface EmbeddingCtx extends Pick<Ctx, 'db' | 'log' | 'clock'> {
  model: ModelPort;
  usage_limits: UsageLimits;
  embeddings: EmbeddingMetrics;
}

/** Attempts that fail by the fault of what is embedded; then it is given up until it changes. */
export const MAX_ATTEMPTS = 3;

/** When something is tried again that failed by its own fault `attempts` times before. */
export function nextAttempt(now: Date, attempts: number): Date {
  return new Date(now.getTime() + 60_000 * 4 ** attempts * (1 + Math.random() / 2));
}
