import { randomUUID } from 'node:crypto';
import { createHealth, type Health } from '@potentia/config/health';
import type { Logger } from '@potentia/config/logger';
import { postgresSettings } from '@potentia/config/variables';
import { VERSION } from '@potentia/config/version';
import { createDb, type Db } from '@potentia/db/client';
import { createRedis, pingRedis } from '@potentia/domain/platform/adapters/redis';
import type { WaWorkerConfig } from './config.ts';

export const SERVICE = 'wa-worker';

export interface WaWorkerContext {
  config: WaWorkerConfig;
  log: Logger;
  db: Db;
  health: Health;
  close(): Promise<void>;
}

/** The composition root of a WhatsApp worker. `close` lets go of every connection. */
export function createWaWorkerContext(config: WaWorkerConfig, log: Logger): WaWorkerContext {
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
  return {
    config,
    log,
    db,
    health,
    async close() {
      redis.disconnect();
      await db.end();
    },
  };
}
