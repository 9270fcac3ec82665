import { embedBatch, EMBED_BATCH } from '@potentia/domain/chat/embed-batch';
import { probeEmbedder } from '@potentia/domain/chat/embed-texts';
import type { EmbeddingCtx } from '@potentia/domain/chat/embedding-ctx';
import { indexBatch, INDEX_BATCH } from '@potentia/domain/chat/index-batch';
import { StageLoop, type StageResult } from './stage-loop.ts';

/** A batch ends before its lease does. */
const BATCH_TIMEOUT_MS = 30_000;

/**
 * Works off the queue of what is to be indexed and embedded, in two stages that do not wait for each other: words go into the index
 * also while the provider of vectors is away. Any number of workers run side by side; whatever dies, its rows come again.
 */
export class EmbeddingWorker {
  readonly #ctx: EmbeddingCtx;
  readonly #stopped = new AbortController();
  readonly #index: StageLoop;
  readonly #vector: StageLoop;

  constructor(ctx: EmbeddingCtx) {
    this.#ctx = ctx;
    const options = { log: ctx.log, signal: this.#stopped.signal };
    this.#index = new StageLoop('index', { ...options, work: () => this.#indexSome() });
    this.#vector = new StageLoop('vector', {
      ...options,
      work: () => this.#embedSome(),
      probe: async () => {
        if (ctx.model.embedder) await probeEmbedder(ctx.model.embedder, this.#signal());
      },
    });
  }

  /** Whether the provider of vectors, or Postgres, did not answer last time. */
  get is_away(): boolean {
    return this.#vector.is_away;
  }

  start(): void {
    this.#index.start();
    this.#vector.start();
  }

  /** Looks for rows now, instead of at the next poll. */
  readonly wake = (): void => {
    this.#index.wake();
    this.#vector.wake();
  };

  /** Gives back what the provider has not answered yet, and finishes the rest. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all([this.#index.stop(), this.#vector.stop()]);
  }

  async #indexSome(): Promise<StageResult> {
    const taken = await indexBatch(this.#ctx);
    if (taken > 0) this.#vector.wake();
    return { is_more: taken === INDEX_BATCH, away: null };
  }

  async #embedSome(): Promise<StageResult> {
    const { taken, away } = await embedBatch(this.#ctx, this.#signal());
    return { is_more: taken === EMBED_BATCH, away };
  }

  #signal(): AbortSignal {
    return AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(BATCH_TIMEOUT_MS)]);
  }
}
