import { createHealth, type Health, startHealthReports } from '@potentia/config/health';
import type { Logger } from '@potentia/config/logger';
import { postgresSettings, tokenSettings } from '@potentia/config/variables';
import { VERSION } from '@potentia/config/version';
import { createDb, type Db } from '@potentia/db/client';
import { writeSystemHealth } from '@potentia/db/platform/queries';
import { createEnsureUser } from '@potentia/domain/auth/ensure-user';
import { observeRefusals } from '@potentia/domain/auth/observe-refusals';
import { createBearerVerifier } from '@potentia/domain/auth/verify-bearer';
import type { TokenVerifier } from '@potentia/domain/auth/verify-token';
import { createRedis, pingRedis } from '@potentia/domain/platform/adapters/redis';
import { createBus, createSubscriber } from '@potentia/domain/platform/adapters/redis-bus';
import { createRedisCache } from '@potentia/domain/platform/adapters/redis-cache';
import { createRedisLimiter } from '@potentia/domain/platform/adapters/redis-limiter';
import { newId } from '@potentia/domain/platform/uuid';
import { createRecentSettings, type RecentSettings } from '@potentia/domain/workspace/recent-settings';
import { startClusterSockets } from './cluster-sockets.ts';
import type { RealtimeConfig } from './config.ts';
import { Hub } from './hub.ts';
import { createSocketLimits, type SocketLimits } from './limits.ts';
import { createHubMetrics, type HubMetrics, observeHub } from './metrics.ts';
import { PresenceStore } from './presence-store.ts';
import { TurnWriter } from './socket.ts';

export const SERVICE = 'realtime';

/** Everything that the handshakes use of the world. */
export interface RealtimeContext {
  config: RealtimeConfig;
  log: Logger;
  db: Db;
  hub: Hub;
  health: Health;
  metrics: HubMetrics;
  limits: SocketLimits;
  verifier: TokenVerifier;
  ensureUser: ReturnType<typeof createEnsureUser>;
  origins: ReadonlySet<string>;
  settings: RecentSettings;
}

/** The composition root of the hub. `close` lets go of every connection; drain the hub before. */
export function createRealtimeContext(
  config: RealtimeConfig,
  log: Logger,
): RealtimeContext & { close(): Promise<void> } {
  const { REDIS_URL: url, REDIS_TIMEOUT_MS: timeout_ms } = config;
  const db = createDb({ ...postgresSettings(config), application_name: `potentia-${SERVICE}`, log });
  const redis = createRedis({ url, timeout_ms, role: 'command', log });
  const replica_id = newId();
  const health = createHealth({
    service: SERVICE,
    version: VERSION,
    instance_id: replica_id,
    checks: {
      postgres: () => db.ping(),
      redis: () => pingRedis(redis, config.DATABASE_TIMEOUT_MS),
    },
    optional: ['redis'],
    check_timeout_ms: config.DATABASE_TIMEOUT_MS,
  });
  const { registry } = health;
  const metrics = createHubMetrics(registry);
  const limiter = createRedisLimiter({ redis, timeout_ms, registry, log });
  const settings = createRecentSettings({ db, cache: createRedisCache({ redis, timeout_ms, registry, log }) });
  const limits = createSocketLimits({ limiter, rules: config.WS_RATE_LIMITS, settings, metrics, log });
  const verifier = createBearerVerifier({
    ...tokenSettings(config),
    db,
    onRefused: observeRefusals({ registry, log }),
  });
  const subscriber = createSubscriber({
    url,
    timeout_ms,
    log,
    registry,
    onMessage: (channel, message) => hub.receive(channel, message),
    onReconnect: () => void hub.poll(),
  });
  const hub: Hub = new Hub({
    replica_id,
    db,
    log,
    verifier,
    limits,
    metrics,
    subscriber,
    writer: new TurnWriter(),
    store: new PresenceStore(redis, timeout_ms),
    remote_bus: createBus({ redis, registry }),
    ping_interval_ms: config.WS_PING_INTERVAL_MS,
    createCtx: (user_id, request_id) => ({
      db,
      bus: hub.bus,
      log: log.child({ request_id }),
      actor: { type: 'user', user_id },
      request_id,
      clock: () => new Date(),
    }),
  });
  observeHub(registry, () => hub.count());
  hub.start();

  const leases = startClusterSockets({
    redis,
    replica_id,
    timeout_ms,
    log,
    count: () => hub.count().canvas + hub.count().me,
    onSum: (sum) => metrics.cluster_sockets.set(sum),
  });
  const reports = startHealthReports({ health, write: (row) => writeSystemHealth(db, row), log });

  return {
    config,
    log,
    db,
    hub,
    health,
    metrics,
    limits,
    verifier,
    ensureUser: createEnsureUser(),
    origins: new Set(config.CORS_ORIGINS),
    settings,
    async close() {
      await Promise.all([reports.stop(), leases.stop()]);
      subscriber.close();
      redis.disconnect();
      await db.end();
    },
  };
}
