import { randomUUID } from 'node:crypto';
import { createHealth, type Health } from '@potentia/config/health';
import type { Logger } from '@potentia/config/logger';
import { postgresSettings } from '@potentia/config/variables';
import { VERSION } from '@potentia/config/version';
import { createDb, type Db } from '@potentia/db/client';
import { createRedis, deadline, pingRedis, type RedisClient } from '@potentia/domain/platform/adapters/redis';
import { createRedisCache } from '@potentia/domain/platform/adapters/redis-cache';
import { createBus } from '@potentia/domain/platform/adapters/redis-bus';
import type { Bus } from '@potentia/domain/platform/bus';
import type { Cache } from '@potentia/domain/platform/cache';
import type { Ctx } from '@potentia/domain/platform/ctx';
import { createSealer, type Sealer } from '@potentia/domain/platform/seal';
import type { JobsConfig } from './config.ts';

export const SERVICE = 'jobs';

/** The ports that jobs need beside what every verb has. */
export interface JobPorts {
  cache: Cache;
  sealer: Sealer;
}

/** What a handler gets of the world, made anew for each attempt. */
export type JobCtx = Ctx & JobPorts;

export interface JobsContext {
  config: JobsConfig;
  log: Logger;
  db: Db;
  bus: Bus;
  ports: JobPorts;
  health: Health;
  /** The connections that BullMQ works on. */
  redis: { queue: RedisClient; worker: RedisClient };
  close(): Promise<void>;
}

/** The composition root of the jobs. `close` lets go of every connection. */
export function createJobsContext(config: JobsConfig, log: Logger): JobsContext {
  const db = createDb({ ...postgresSettings(config), application_name: `potentia-${SERVICE}`, log });
  const connect = (role: 'command' | 'queue' | 'worker') =>
    createRedis({ url: config.REDIS_URL, timeout_ms: config.REDIS_TIMEOUT_MS, role, log });
  const [command, queue, worker] = [connect('command'), connect('queue'), connect('worker')];
  const health = createHealth({
    service: SERVICE,
    version: VERSION,
    instance_id: randomUUID(),
    checks: {
      postgres: () => db.ping(),
      redis: () => pingRedis(command, config.DATABASE_TIMEOUT_MS),
    },
    check_timeout_ms: config.DATABASE_TIMEOUT_MS,
  });
  return {
    config,
    log,
    db,
    health,
    bus: createBus({ redis: command, registry: health.registry }),
    ports: {
      sealer: createSealer(config.ENCRYPTION_KEYS),
      cache: createRedisCache({
        redis: command,
        timeout_ms: config.REDIS_TIMEOUT_MS,
        registry: health.registry,
        log,
      }),
    },
    redis: { queue, worker },
    async close() {
      for (const client of [command, queue, worker]) client.disconnect();
      await db.end();
    },
  };
}

/** What is wrong with `redis` as the store of jobs; empty when it keeps them over a crash and never evicts them. */
export async function findLossRisks(redis: RedisClient, timeout_ms: number): Promise<string[]> {
  const info = await deadline(redis.info(), timeout_ms);
  const value = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  const risks: string[] = [];
  if (value('aof_enabled') === '0') risks.push('no append-only file: a crash of Redis loses jobs (appendonly yes)');
  const policy = value('maxmemory_policy');
  if (policy && policy !== 'noeviction') risks.push(`jobs can be evicted (maxmemory-policy ${policy}, not noeviction)`);
  return risks;
}
