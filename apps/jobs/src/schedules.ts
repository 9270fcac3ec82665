import type { Logger } from '@potentia/config/logger';
import type { RedisClient } from '@potentia/domain/platform/adapters/redis';
import type { OutboxJob } from '@potentia/domain/platform/outbox';
import { openQueue } from './open-queue.ts';
import { jobOptions, type QueueDefinition } from './define-queue.ts';

export interface SchedulesOptions {
  queues: Record<string, QueueDefinition>;
  /** A `queue` connection. */
  redis: RedisClient;
  log: Logger;
}

/**
 * Makes the jobs with a `pattern` run by themselves. The schedules live in Redis, one for all processes, and are written
 * again with each new connection: a Redis that lost its data, or a new pattern, needs nobody's hand.
 */
export function startSchedules({ queues, redis, log }: SchedulesOptions): void {
  const scheduled = Object.entries(queues).flatMap(([name, definition]) =>
    definition.pattern === undefined
      ? []
      : [{ name, definition, pattern: definition.pattern, queue: openQueue(name, { redis, log }) }],
  );
  const write = async (): Promise<void> => {
    for (const { name, definition, pattern, queue } of scheduled) {
      const template = { name, data: emptyJob(name), opts: jobOptions(definition) };
      await queue.upsertJobScheduler(name, { pattern, tz: 'UTC' }, template);
    }
  };
  const tryWrite = (): void => {
    write().catch((error: unknown) =>
      log.warn({ err: error }, 'schedules could not be written; the next connection tries again'),
    );
  };
  redis.on('ready', tryWrite);
  if (redis.status === 'ready') tryWrite();
}

/** No row of the outbox is behind it: `outbox_id` names the schedule, and the handler must be idempotent by itself. */
const emptyJob = (name: string): OutboxJob => ({
  outbox_id: `schedule:${name}`,
  workspace_id: null,
  user_id: null,
  payload: {},
  traceparent: null,
  request_id: null,
  created_at: new Date().toISOString(),
});
