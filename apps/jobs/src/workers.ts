import type { Logger } from '@potentia/config/logger';
import type { RedisClient } from '@potentia/domain/platform/adapters/redis';
import type { OutboxJob } from '@potentia/domain/platform/outbox';
import { type Job, Worker } from 'bullmq';
import type { JobCtx } from './context.ts';
import type { JobMetrics } from './metrics.ts';
import { failureOf, processJob } from './process-job.ts';
import { prefixOf, type QueueDefinition } from './define-queue.ts';

export interface WorkersOptions {
  queues: Record<string, QueueDefinition>;
  /** A `worker` connection, shared by all; each worker adds one of its own to block on. */
  redis: RedisClient;
  ctx: Omit<JobCtx, 'request_id'>;
  metrics: JobMetrics;
  log: Logger;
}

/** Starts a worker per queue. */
export function startWorkers({ queues, redis, ctx, metrics, log }: WorkersOptions): Worker[] {
  return Object.entries(queues).map(([name, definition]) => {
    const run = async (job: Job<OutboxJob>, token?: string) => {
      const stop = metrics.startTimer(name);
      try {
        stop(await processJob(name, definition, ctx, job, token));
      } catch (error) {
        stop(failureOf(error, job));
        throw error;
      }
    };
    const worker = new Worker<OutboxJob>(name, run, {
      connection: redis,
      prefix: prefixOf(name),
      concurrency: definition.concurrency,
      // A job whose process died is taken up again after this long.
      lockDuration: 6_000,
      stalledInterval: 3_000,
      // Deploys and crashes are no fault of the job; one that kills its process each time still ends.
      maxStalledCount: 10,
      // After Redis was away; the default of 15 s is longer than most outages.
      runRetryDelay: 1_000,
    });
    worker.on('error', (error) => log.debug({ err: error, queue: name }, 'worker error'));
    worker.on('stalled', (job_id) => log.warn({ queue: name, job_id }, 'job was left behind by a process that died'));
    return worker;
  });
}

/** Waits `patience_ms` for running jobs, then leaves them: another process takes them up when their lock runs out. */
export async function stopWorkers(workers: Worker[], patience_ms: number): Promise<void> {
  await Promise.all(
    workers.map(async (worker) => {
      let timer: NodeJS.Timeout | undefined;
      const out_of_patience = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, patience_ms);
      });
      await Promise.race([worker.close(), out_of_patience]);
      clearTimeout(timer);
    }),
  );
}
