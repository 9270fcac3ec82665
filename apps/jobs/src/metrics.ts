import type { Logger } from '@potentia/config/logger';
import type { Db } from '@potentia/db/client';
import { countReleasedObjects } from '@potentia/db/platform/object-queries';
import { getOutboxStats, type OutboxRow } from '@potentia/db/platform/queries';
import { deadline, type RedisClient } from '@potentia/domain/platform/adapters/redis';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Outcome } from './process-job.ts';
import { openQueue } from './open-queue.ts';

export interface JobMetrics {
  /** Times one attempt; to be called with what became of it. */
  startTimer(queue: string): (outcome: Outcome) => void;
}

export interface RelayMetrics {
  observeBatch(rows: Pick<OutboxRow, 'topic'>[]): void;
  countError(): void;
}

/** A scrape waits this long for Redis; then the queues' gauges are left out of it. */
const SCRAPE_TIMEOUT_MS = 500;
const STATES = ['waiting', 'active', 'delayed', 'failed', 'completed'] as const;

export function createJobMetrics(registry: Registry): JobMetrics {
  const duration = new Histogram({
    name: 'potentia_job_duration_seconds',
    help: 'Attempts of jobs by queue and what became of them',
    labelNames: ['queue', 'outcome'],
    buckets: [0.005, 0.025, 0.1, 0.5, 2, 10, 60],
    registers: [registry],
  });
  return {
    startTimer(queue) {
      const end = duration.startTimer({ queue });
      return (outcome) => void end({ outcome });
    },
  };
}

export function createRelayMetrics(registry: Registry, db: Db): RelayMetrics {
  const relayed = new Counter({
    name: 'potentia_outbox_relayed_total',
    help: 'Outbox rows moved to their queue',
    labelNames: ['topic'],
    registers: [registry],
  });
  const batches = new Histogram({
    name: 'potentia_outbox_batch_rows',
    help: 'Rows per batch of the outbox relay',
    buckets: [1, 5, 20, 50, 100, 200],
    registers: [registry],
  });
  const errors = new Counter({
    name: 'potentia_outbox_relay_errors_total',
    help: 'Batches that failed because Postgres or Redis was away',
    registers: [registry],
  });
  const rows = new Gauge({
    name: 'potentia_outbox_rows',
    help: 'Outbox rows that are due and wait for the relay',
    registers: [registry],
  });
  new Gauge({
    name: 'potentia_outbox_oldest_seconds',
    help: 'Age of the oldest outbox row that is due',
    registers: [registry],
    async collect() {
      try {
        const stats = await getOutboxStats(db);
        rows.set(stats.rows);
        this.set(stats.oldest_age_ms / 1_000);
      } catch {
        // Postgres is away: `potentia_dependency_up` says so, and the last figures stand.
      }
    },
  });
  return {
    observeBatch(moved) {
      batches.observe(moved.length);
      for (const { topic } of moved) relayed.inc({ topic });
    },
    countError: () => errors.inc(),
  };
}

/** Objects that no row names any more, and that the sweeper should have deleted. */
export function measureReleasedObjects(registry: Registry, db: Db): void {
  new Gauge({
    name: 'potentia_released_objects',
    help: 'Objects in storage that are to be deleted and were not yet; grows while the store or the sweeper is away',
    registers: [registry],
    async collect() {
      try {
        this.set(await countReleasedObjects(db));
      } catch {
        // Postgres is away: `potentia_dependency_up` says so, and the last figure stands.
      }
    },
  });
}

/** Jobs by queue and state, read from Redis at each scrape; `failed` are those that were parked. */
export function measureQueues(registry: Registry, redis: RedisClient, names: string[], log: Logger): void {
  const queues = names.map((name) => openQueue(name, { redis, log }));
  new Gauge({
    name: 'potentia_jobs',
    help: 'Jobs by queue and state',
    labelNames: ['queue', 'state'],
    registers: [registry],
    async collect() {
      this.reset();
      if (redis.status !== 'ready') return;
      await Promise.all(
        queues.map(async (queue) => {
          const counts = await deadline(queue.getJobCounts(...STATES), SCRAPE_TIMEOUT_MS).catch(() => ({}));
          for (const [state, count] of Object.entries(counts)) this.set({ queue: queue.name, state }, count);
        }),
      );
    },
  });
}
