import { randomUUID } from 'node:crypto';
import { createHealth, type Health } from '@potentia/config/health';
import type { Logger } from '@potentia/config/logger';
import { objectSettings, postgresSettings } from '@potentia/config/variables';
import { VERSION } from '@potentia/config/version';
import { createDb, type Db } from '@potentia/db/client';
import { createRedis, pingRedis, type RedisClient } from '@potentia/domain/platform/adapters/redis';
import { createS3Objects } from '@potentia/domain/platform/adapters/s3';
import type { Objects } from '@potentia/domain/platform/objects';
import { createRedisLiveCodes } from '@potentia/domain/whatsapp/adapters/redis-live-codes';
import type { LiveCodes } from '@potentia/domain/whatsapp/live-codes';
import type { WaWorkerConfig } from './config.ts';
import { createWorkerMetrics, type WorkerMetrics } from './metrics.ts';
import { createKeySealer, type KeySealer } from './state/key-sealer.ts';
import { TIMINGS, type Timings } from './session/timings.ts';

export const SERVICE = 'wa-worker';

export interface WaWorkerContext {
  config: WaWorkerConfig;
  log: Logger;
  db: Db;
  /** A `command` connection. */
  redis: RedisClient;
  objects: Objects;
  /** Of credentials and keys. */
  sealer: KeySealer;
  /** QR and pairing codes, which are nowhere else. */
  live_codes: LiveCodes;
  health: Health;
  metrics: WorkerMetrics;
  timings: Timings;
  close(): Promise<void>;
}

/** The composition root of a WhatsApp worker. `close` lets go of every connection. `timings` are for tests. */
export function createWaWorkerContext(
  config: WaWorkerConfig,
  log: Logger,
  timings: Partial<Timings> = {},
): WaWorkerContext {
  const db = createDb({ ...postgresSettings(config), application_name: `potentia-${SERVICE}`, log });
  const redis = createRedis({ url: config.REDIS_URL, timeout_ms: config.REDIS_TIMEOUT_MS, role: 'command', log });
  const health = createHealth({
    service: SERVICE,
    version: VERSION,
    instance_id: randomUUID(),
    checks: {
      postgres: () => db.ping(),
      redis: () => pingRedis(redis, config.DATABASE_TIMEOUT_MS),
    },
    check_timeout_ms: config.DATABASE_TIMEOUT_MS,
  });
  const objects = createS3Objects({ ...objectSettings(config), registry: health.registry });
  return {
    config,
    log,
    db,
    redis,
    objects,
    sealer: createKeySealer(config.ENCRYPTION_KEYS),
    live_codes: createRedisLiveCodes({ redis, timeout_ms: config.REDIS_TIMEOUT_MS }),
    health,
    metrics: createWorkerMetrics(health.registry),
    timings: { ...TIMINGS, ...timings },
    async close() {
      redis.disconnect();
      objects.close();
      await db.end();
    },
  };
}
