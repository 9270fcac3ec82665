import type { OutboxJob } from '@potentia/domain/platform/outbox';
import type { BackoffOptions, JobsOptions } from 'bullmq';
import type { z } from 'zod';
import type { JobCtx } from './context.ts';

/** What runs for the jobs of one queue. The queue has the name of the outbox topic that feeds it. */
export interface QueueDefinition {
  schema: z.ZodType;
  /** Runs once per attempt, with a payload that `schema` has passed. Its effect must be idempotent by `outbox_id`. */
  handle(ctx: JobCtx, job: OutboxJob): Promise<unknown>;
  /** Jobs of this queue that one process works on at a time. */
  concurrency: number;
  /** Attempts that fail for a reason of their own. Waiting for a dependency that is away uses none. */
  attempts: number;
  backoff: BackoffOptions;
  /** Five or six cron fields, UTC: when the job runs by itself, once in the whole cluster, with an empty payload. */
  pattern?: string;
}

/** A queue whose handler gets what its schema lets through. */
export function define<Schema extends z.ZodType>(
  definition: Omit<QueueDefinition, 'schema' | 'handle'> & {
    schema: Schema;
    handle(ctx: JobCtx, job: OutboxJob<z.output<Schema>>): Promise<unknown>;
  },
): QueueDefinition {
  return definition;
}

/**
 * A queue's keys share a hash tag, so that BullMQ's scripts find them on one shard of a cluster, and queues spread over
 * the shards.
 */
export const prefixOf = (queue: string): string => `{${queue}}`;

/** Done jobs stay for an hour, so that a row relayed twice is seen; dead ones until somebody has looked at them. */
export function jobOptions({ attempts, backoff }: QueueDefinition): JobsOptions {
  return { attempts, backoff, removeOnComplete: { age: 3_600, count: 10_000 }, removeOnFail: false };
}
