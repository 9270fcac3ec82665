import { randomUUID } from 'node:crypto';
import { createHealth, type Health } from '@potentia/config/health';
import type { Logger } from '@potentia/config/logger';
import { modelSettings, usageLimits } from '@potentia/config/model-variables';
import {
  fileLimits,
  objectSettings,
  postgresSettings,
  tokenSettings,
  webhookSettings,
} from '@potentia/config/variables';
import { VERSION } from '@potentia/config/version';
import { createDb, type Db } from '@potentia/db/client';
import type { UsageLimits } from '@potentia/domain/agent/ledger';
import { createModel } from '@potentia/domain/agent/adapters/model';
import { createRedisRunEraser } from '@potentia/domain/agent/adapters/redis-run-eraser';
import { createRedisRunEvents } from '@potentia/domain/agent/adapters/redis-run-events';
import type { ModelPort } from '@potentia/domain/agent/model';
import type { RunEraser } from '@potentia/domain/agent/run-eraser';
import type { ToolMetrics } from '@potentia/domain/agent/tool-ctx';
import { Turns } from '@potentia/domain/agent/turns';
import { createSupabaseAuth } from '@potentia/domain/auth/adapters/supabase';
import { createEnsureUser } from '@potentia/domain/auth/ensure-user';
import type { AuthProvider } from '@potentia/domain/auth/refresh-session';
import { observeRefusals } from '@potentia/domain/auth/observe-refusals';
import { createBearerVerifier } from '@potentia/domain/auth/verify-bearer';
import type { TokenVerifier } from '@potentia/domain/auth/verify-token';
import { createIcsReader } from '@potentia/domain/calendar/adapters/ics-processes';
import type { IcsReader } from '@potentia/domain/calendar/ics';
import { createRedisBusyCache } from '@potentia/domain/calendar/adapters/redis-busy-cache';
import type { BusyCache } from '@potentia/domain/calendar/busy-cache';
import type { ImportMetrics } from '@potentia/domain/chat/import-messages';
import { createMarkdown } from '@potentia/domain/canvas/adapters/markdown-processes';
import type { Markdown } from '@potentia/domain/canvas/markdown';
import { createRedis, pingRedis } from '@potentia/domain/platform/adapters/redis';
import { createBus } from '@potentia/domain/platform/adapters/redis-bus';
import { createRedisCache } from '@potentia/domain/platform/adapters/redis-cache';
import { createRedisLimiter } from '@potentia/domain/platform/adapters/redis-limiter';
import { createS3Objects } from '@potentia/domain/platform/adapters/s3';
import type { Bus } from '@potentia/domain/platform/bus';
import type { Cache } from '@potentia/domain/platform/cache';
import type { Limiter } from '@potentia/domain/platform/limiter';
import type { FileLimits, Objects } from '@potentia/domain/platform/objects';
import { createSealer, type Sealer } from '@potentia/domain/platform/seal';
import { createResolve } from '@potentia/domain/webhook/adapters/dns';
import { createTargetGuard, type TargetGuard } from '@potentia/domain/webhook/target';
import { createRedisQrPages } from '@potentia/domain/whatsapp/adapters/redis-qr-pages';
import { createRedisLiveCodes } from '@potentia/domain/whatsapp/adapters/redis-live-codes';
import { createRedisSessionStream } from '@potentia/domain/whatsapp/adapters/redis-session-stream';
import { createHttpWorkerClient } from '@potentia/domain/whatsapp/adapters/http-worker-client';
import { createRedisSessionRoutes } from '@potentia/domain/whatsapp/adapters/redis-session-routes';
import type { LiveCodes } from '@potentia/domain/whatsapp/live-codes';
import type { QrPages } from '@potentia/domain/whatsapp/qr-pages';
import type { GatewayPorts } from '@potentia/domain/whatsapp/session-route';
import type { SessionStream } from '@potentia/domain/whatsapp/session-stream';
import { createRecentSettings, type RecentSettings } from '@potentia/domain/workspace/recent-settings';
import { observeTools } from '@potentia/domain/agent/adapters/tool-metrics';
import { observeTurns } from '@potentia/domain/agent/adapters/turn-metrics';
import { observeImports } from './chat/import-metrics.ts';
import type { ApiConfig } from './config.ts';

export const SERVICE = 'api';

/** Everything that the routes use of the world. */
export interface ApiContext extends GatewayPorts {
  config: ApiConfig;
  log: Logger;
  db: Db;
  bus: Bus;
  limiter: Limiter;
  cache: Cache;
  /** Copies of when people are busy. */
  busy: BusyCache;
  /** The settings of the workspaces that are asked about. */
  settings: RecentSettings;
  verifier: TokenVerifier;
  ensureUser: ReturnType<typeof createEnsureUser>;
  auth: AuthProvider;
  markdown: Markdown;
  ics: IcsReader;
  model: ModelPort;
  /** What a workspace may spend that has no quota of its own. */
  usage_limits: UsageLimits;
  /** The turns that this process answers. */
  turns: Turns;
  run_eraser: RunEraser;
  tool_metrics: ToolMetrics;
  import_metrics: ImportMetrics;
  sealer: Sealer;
  /** Where webhooks may lead. */
  targets: TargetGuard;
  objects: Objects;
  file_limits: FileLimits;
  /** QR and pairing codes of WhatsApp sessions. */
  live_codes: LiveCodes;
  /** Pages that show such codes without a login. */
  qr_pages: QrPages;
  /** What happens in WhatsApp sessions, for those who look on. */
  session_stream: SessionStream;
  health: Health;
  clock: () => Date;
}

/** The composition root of the API. `close` lets go of every connection and process. */
export function createApiContext(config: ApiConfig, log: Logger): ApiContext & { close(): Promise<void> } {
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
    optional: ['redis'],
    check_timeout_ms: config.DATABASE_TIMEOUT_MS,
  });
  const { registry } = health;
  const markdown = createMarkdown(log);
  const ics = createIcsReader(log);
  const model = createModel(modelSettings(config), { log, registry });
  const objects = createS3Objects({ ...objectSettings(config), registry });
  const cache = createRedisCache({ redis, timeout_ms: config.REDIS_TIMEOUT_MS, registry, log });
  const bus = createBus({ redis, registry });
  const worker = createHttpWorkerClient({ secrets: config.SERVICE_JWT_SECRETS, issuer: SERVICE, registry });
  const turns: Turns = new Turns({
    db,
    bus,
    log,
    events: createRedisRunEvents({ redis, timeout_ms: config.REDIS_TIMEOUT_MS }),
    metrics: observeTurns(registry, () => turns.count),
  });

  return {
    config,
    log,
    db,
    health,
    markdown,
    ics,
    model,
    usage_limits: usageLimits(config),
    objects,
    file_limits: fileLimits(config),
    worker,
    routes: createRedisSessionRoutes({ redis, timeout_ms: config.REDIS_TIMEOUT_MS }),
    live_codes: createRedisLiveCodes({ redis, timeout_ms: config.REDIS_TIMEOUT_MS }),
    qr_pages: createRedisQrPages({ redis, timeout_ms: config.REDIS_TIMEOUT_MS }),
    session_stream: createRedisSessionStream({ redis, timeout_ms: config.REDIS_TIMEOUT_MS }),
    sealer: createSealer(config.ENCRYPTION_KEYS),
    targets: createTargetGuard({ ...webhookSettings(config), resolve: createResolve() }),
    clock: () => new Date(),
    bus,
    turns,
    run_eraser: createRedisRunEraser({ redis, timeout_ms: config.REDIS_TIMEOUT_MS }),
    tool_metrics: observeTools(registry),
    import_metrics: observeImports(registry),
    limiter: createRedisLimiter({ redis, timeout_ms: config.REDIS_TIMEOUT_MS, registry, log }),
    cache,
    busy: createRedisBusyCache({ redis, timeout_ms: config.REDIS_TIMEOUT_MS, registry, log }),
    settings: createRecentSettings({ db, cache }),
    ensureUser: createEnsureUser(),
    verifier: createBearerVerifier({ ...tokenSettings(config), db, onRefused: observeRefusals({ registry, log }) }),
    auth: createSupabaseAuth({ supabase_url: config.SUPABASE_URL, anon_key: config.SUPABASE_ANON_KEY }),
    async close() {
      turns.close();
      worker.close();
      await Promise.all([markdown.close(), ics.close()]);
      model.close();
      objects.close();
      redis.disconnect();
      await db.end();
    },
  };
}
