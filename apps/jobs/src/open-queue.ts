import type { Logger } from '@potentia/config/logger';
import type { RedisClient } from '@potentia/domain/platform/adapters/redis';
import { Queue } from 'bullmq';
import { prefixOf } from './define-queue.ts';

/**
 * The producer's side of a queue, on a `queue` connection. It does not wait for readiness: a relay that waited for Redis
 * would hold its rows locked meanwhile.
 */
export function openQueue(name: string, { redis, log }: { redis: RedisClient; log: Logger }): Queue {
  const queue = new Queue(name, {
    connection: redis,
    prefix: prefixOf(name),
    skipVersionCheck: true,
    skipWaitingForReady: true,
    skipMetasUpdate: true,
  });
  queue.on('error', (error) => log.debug({ err: error, queue: name }, 'queue error'));
  return queue;
}
