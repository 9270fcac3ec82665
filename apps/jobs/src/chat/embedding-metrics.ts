import { measureBacklog, type StageBacklog } from '@potentia/db/chat/embedding-queries';
import type { Db } from '@potentia/db/client';
import type { EmbeddingMetrics } from '@potentia/domain/chat/embedding-ctx';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What goes through the stages `index` and `vector`, how long it waited, what has to wait and what was given up. */
export function observeEmbeddings(registry: Registry): EmbeddingMetrics {
  const delays = new Histogram({
    name: 'potentia_embedding_delay_seconds',
    help: 'Messages, memories and blocks that went through a stage of the embedding queue, by how long they had waited',
    labelNames: ['stage'],
    buckets: [0.1, 0.5, 1, 2.5, 5, 10, 60, 600, 3_600, 86_400],
    registers: [registry],
  });
  const waiting = new Counter({
    name: 'potentia_embedding_put_off_total',
    help: 'Times that something had to wait for its vector, by why: the provider is away, or a quota is used up',
    labelNames: ['reason'],
    registers: [registry],
  });
  const given_up = new Counter({
    name: 'potentia_embedding_given_up_total',
    help: 'Messages, memories and blocks that a stage gave up, until they change',
    labelNames: ['stage'],
    registers: [registry],
  });
  return {
    observeDone: (stage, ages_ms) => {
      for (const age_ms of ages_ms) delays.observe({ stage }, age_ms / 1_000);
    },
    countWaiting: (reason, count) => waiting.inc({ reason }, count),
    countGivenUp: (stage, count) => given_up.inc({ stage }, count),
  };
}

/** What waits in the embedding queue, read at each scrape; and whether its provider answers. */
export function measureEmbeddings(registry: Registry, db: Db, worker: { readonly is_away: boolean }): void {
  let reading: Promise<StageBacklog[]> | undefined;
  const read = () => (reading ??= measureBacklog(db).finally(() => (reading = undefined)));
  const measure = (name: string, help: string, valueOf: (backlog: StageBacklog) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ['stage'],
      registers: [registry],
      async collect() {
        try {
          for (const backlog of await read()) this.set({ stage: backlog.stage }, valueOf(backlog));
        } catch {
          // Postgres is away: `potentia_dependency_up` says so, and the last figures stand.
        }
      },
    });
  };
  measure(
    'potentia_embedding_rows',
    'What waits in the embedding queue: index for the index of words, vector for the provider',
    ({ rows }) => rows,
  );
  measure(
    'potentia_embedding_oldest_seconds',
    'Age of what has waited longest in the embedding queue',
    ({ oldest_seconds }) => oldest_seconds,
  );
  measure(
    'potentia_embedding_failed_rows',
    'What was given up, until it changes or another model is configured',
    ({ failed }) => failed,
  );
  new Gauge({
    name: 'potentia_embedding_away',
    help: '1 while the provider of vectors does not answer this process',
    registers: [registry],
    collect() {
      this.set(Number(worker.is_away));
    },
  });
}
