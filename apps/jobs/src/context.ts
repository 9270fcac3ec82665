import { randomUUID } from 'node:crypto';
import { createHealth, type Health } from '@potentia/config/health';
import type { Logger } from '@potentia/config/logger';
import { modelSettings, usageLimits } from '@potentia/config/model-variables';
import { fileLimits, objectSettings, postgresSettings, webhookSettings } from '@potentia/config/variables';
import { VERSION } from '@potentia/config/version';
import { createDb, type Db } from '@potentia/db/client';
import { createModel } from '@potentia/domain/agent/adapters/model';
import { createRedisRunEraser } from '@potentia/domain/agent/adapters/redis-run-eraser';
import { createRedisRunEvents } from '@potentia/domain/agent/adapters/redis-run-events';
import type { AssessMetrics } from '@potentia/domain/agent/assess-run';
import { observeTools } from '@potentia/domain/agent/adapters/tool-metrics';
import { observeTurns } from '@potentia/domain/agent/adapters/turn-metrics';
import type { UsageLimits } from '@potentia/domain/agent/ledger';
import type { ModelPort } from '@potentia/domain/agent/model';
import type { RunEraser } from '@potentia/domain/agent/run-eraser';
import type { RunEvents } from '@potentia/domain/agent/run-events';
import type { ToolMetrics } from '@potentia/domain/agent/tool-ctx';
import { Turns } from '@potentia/domain/agent/turns';
import { createRedisBusyCache } from '@potentia/domain/calendar/adapters/redis-busy-cache';
import { createIcsReader } from '@potentia/domain/calendar/adapters/ics-processes';
import type { BusyCache } from '@potentia/domain/calendar/busy-cache';
import type { InstanceMetrics } from '@potentia/domain/calendar/fill-instances';
import type { IcsReader } from '@potentia/domain/calendar/ics';
import type { ReminderMetrics } from '@potentia/domain/calendar/remind';
import { createMarkdown } from '@potentia/domain/canvas/adapters/markdown-processes';
import type { Markdown } from '@potentia/domain/canvas/markdown';
import { createRedis, deadline, pingRedis, type RedisClient } from '@potentia/domain/platform/adapters/redis';
import { createRedisCache } from '@potentia/domain/platform/adapters/redis-cache';
import { createBus } from '@potentia/domain/platform/adapters/redis-bus';
import { createRedisLimiter } from '@potentia/domain/platform/adapters/redis-limiter';
import { createS3Objects } from '@potentia/domain/platform/adapters/s3';
import type { EmbeddingMetrics } from '@potentia/domain/chat/embedding-ctx';
import type { Bus } from '@potentia/domain/platform/bus';
import type { Cache } from '@potentia/domain/platform/cache';
import type { Ctx } from '@potentia/domain/platform/ctx';
import type { Limiter } from '@potentia/domain/platform/limiter';
import type { Mailer } from '@potentia/domain/platform/mail';
import type { FilePorts } from '@potentia/domain/platform/objects';
import { createSealer, type Sealer } from '@potentia/domain/platform/seal';
import { createResolve } from '@potentia/domain/webhook/adapters/dns';
import { createHttpSender } from '@potentia/domain/webhook/adapters/http-sender';
import type { WebhookDelivery } from '@potentia/domain/webhook/deliver-webhooks';
import { createTargetGuard } from '@potentia/domain/webhook/target';
import { createHttpWorkerClient } from '@potentia/domain/whatsapp/adapters/http-worker-client';
import { createRedisSessionRoutes } from '@potentia/domain/whatsapp/adapters/redis-session-routes';
import type { PlacementMetrics } from '@potentia/domain/whatsapp/placement-ctx';
import type { GatewayPorts } from '@potentia/domain/whatsapp/session-route';
import type { PartnerMetrics } from '@potentia/domain/whatsapp/partner-ctx';
import type { JobsConfig } from './config.ts';
import { observeInstances } from './calendar/instance-metrics.ts';
import { observeReminders } from './calendar/reminder-metrics.ts';
import { observeAssessments } from './agent/assess-metrics.ts';
import { observeEmbeddings } from './chat/embedding-metrics.ts';
import { createMailer } from './mailer.ts';
import { observePartner } from './whatsapp/partner-metrics.ts';
import { observeWebhooks } from './webhook/metrics.ts';
import { observePlacements } from './whatsapp/gateway-metrics.ts';

export const SERVICE = 'jobs';

/** Few jobs act as a person, and each does one thing after the other; turns think for most of their time. */
const PERSON_POOL_SIZE = 8;
/** Milliseconds; a job reads whole canvases, however large, and nobody waits for its answer. */
const PERSON_TIMEOUT_MS = 8_000;

/** The ports that jobs need beside what every verb has. */
export interface JobPorts extends FilePorts, GatewayPorts {
  /** Postgres as app_user, for what a job does as a person: every door lets them in or not as it would. */
  person_db: Db;
  markdown: Markdown;
  ics: IcsReader;
  model: ModelPort;
  assess_metrics: AssessMetrics;
  run_eraser: RunEraser;
  run_events: RunEvents;
  /** The turns that this process answers: those of people on WhatsApp. */
  turns: Turns;
  tool_metrics: ToolMetrics;
  prompt_tokens: number;
  /** Copies of when people are busy. */
  busy: BusyCache;
  limiter: Limiter;
  partner_metrics: PartnerMetrics;
  /** Of workspaces that have no quota of their own. */
  usage_limits: UsageLimits;
  cache: Cache;
  sealer: Sealer;
  webhooks: WebhookDelivery;
  reminders: ReminderMetrics;
  instances: InstanceMetrics;
  embeddings: EmbeddingMetrics;
  placements: PlacementMetrics;
  mailer: Mailer;
  /** Where links in mails lead. */
  app_url: string;
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
  const person_db = createDb({
    ...postgresSettings({ ...config, DATABASE_URL: config.APP_DATABASE_URL }),
    pool_size: PERSON_POOL_SIZE,
    timeout_ms: Math.max(config.DATABASE_TIMEOUT_MS, PERSON_TIMEOUT_MS),
    application_name: `potentia-${SERVICE}`,
    log,
  });
  const markdown = createMarkdown(log);
  const ics = createIcsReader(log);
  const connect = (role: 'command' | 'queue' | 'worker') =>
    createRedis({ url: config.REDIS_URL, timeout_ms: config.REDIS_TIMEOUT_MS, role, log });
  const [command, queue, blocking] = [connect('command'), connect('queue'), connect('worker')];
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
  const targets = createTargetGuard({ ...webhookSettings(config), resolve: createResolve() });
  const sender = createHttpSender({ guard: targets, timeout_ms: config.WEBHOOK_TIMEOUT_MS });
  const objects = createS3Objects({ ...objectSettings(config), registry: health.registry });
  const model = createModel(modelSettings(config), { log, registry: health.registry });
  const mailer = createMailer(config, log);
  const worker = createHttpWorkerClient({
    secrets: config.SERVICE_JWT_SECRETS,
    issuer: SERVICE,
    registry: health.registry,
  });
  const bus = createBus({ redis: command, registry: health.registry });
  const run_events = createRedisRunEvents({ redis: command, timeout_ms: config.REDIS_TIMEOUT_MS });
  const turns: Turns = new Turns({
    ...{ db: person_db, bus, log, events: run_events },
    metrics: observeTurns(health.registry, () => turns.count),
  });
  const shared = { redis: command, timeout_ms: config.REDIS_TIMEOUT_MS, registry: health.registry, log };
  return {
    config,
    log,
    db,
    health,
    bus,
    ports: {
      objects,
      file_limits: fileLimits(config),
      person_db,
      markdown,
      ics,
      model,
      assess_metrics: observeAssessments(health.registry),
      run_eraser: createRedisRunEraser({ redis: command, timeout_ms: config.REDIS_TIMEOUT_MS }),
      run_events,
      turns,
      tool_metrics: observeTools(health.registry),
      prompt_tokens: config.PROMPT_TOKENS,
      busy: createRedisBusyCache(shared),
      limiter: createRedisLimiter(shared),
      partner_metrics: observePartner(health.registry),
      usage_limits: usageLimits(config),
      mailer,
      app_url: config.APP_URL ?? '',
      reminders: observeReminders(health.registry),
      instances: observeInstances(health.registry),
      embeddings: observeEmbeddings(health.registry),
      placements: observePlacements(health.registry),
      worker,
      routes: createRedisSessionRoutes({ redis: command, timeout_ms: config.REDIS_TIMEOUT_MS }),
      sealer: createSealer(config.ENCRYPTION_KEYS),
      webhooks: {
        sender,
        retry_delays_ms: config.WEBHOOK_RETRY_DELAYS_MS,
        ...observeWebhooks(health.registry),
      },
      cache: createRedisCache(shared),
    },
    redis: { queue, worker: blocking },
    async close() {
      turns.close();
      for (const client of [command, queue, blocking]) client.disconnect();
      sender.close();
      worker.close();
      mailer.close();
      model.close();
      objects.close();
      await Promise.all([markdown.close(), ics.close()]);
      await Promise.all([db.end(), person_db.end()]);
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
