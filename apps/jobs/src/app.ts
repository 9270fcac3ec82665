import { startHealthReports } from '@potentia/config/health';
import { writeSystemHealth } from '@potentia/db/platform/queries';
import { createSubscriber } from '@potentia/domain/platform/adapters/redis-bus';
import { EMBEDDING_HINT_CHANNEL } from '@potentia/domain/chat/embedding-hint';
import { OUTBOX_HINT_CHANNEL } from '@potentia/domain/platform/outbox';
import { fastify } from 'fastify';
import { measureUncovered } from './calendar/instance-metrics.ts';
import { measureEmbeddings } from './chat/embedding-metrics.ts';
import { EmbeddingWorker } from './chat/embedding-worker.ts';
import { findLossRisks, type JobsContext } from './context.ts';
import { createJobMetrics, createRelayMetrics, measureQueues, measureReleasedObjects } from './metrics.ts';
import { OutboxRelay } from './outbox-relay.ts';
import type { QueueDefinition } from './define-queue.ts';
import { QUEUES } from './queues.ts';
import { startSchedules } from './schedules.ts';
import { measureGateway } from './whatsapp/gateway-metrics.ts';
import { startWorkers, stopWorkers } from './workers.ts';

export interface JobsApp {
  /** Where `/health`, `/ready` and `/metrics` are. */
  url: string;
  /** Takes no new job, finishes the running ones, lets go of everything. */
  stop(): Promise<void>;
}

/** What of the time to shut down is kept for letting go of connections. */
const LAST_WORDS_MS = 2_000;

/** Starts the relay, a worker per queue and the health server. */
export async function startJobs(
  context: JobsContext,
  queues: Record<string, QueueDefinition> = QUEUES,
): Promise<JobsApp> {
  const { config, log, db, bus, health, redis } = context;
  const { registry } = health;

  // A connection that was opened and never asked anything counts as busy, and would hold the service until it is ended.
  const server = fastify({ logger: false, forceCloseConnections: true });
  for (const route of health.routes) {
    server.get(route.path, async (_request, reply) => {
      const { status, content_type, body } = await route.handle();
      return reply.code(status).type(content_type).send(body);
    });
  }
  const url = await server.listen({ host: config.HOST, port: config.PORT });

  const relay = new OutboxRelay({ db, redis: redis.queue, queues, metrics: createRelayMetrics(registry, db), log });
  const embedding = new EmbeddingWorker({ ...context.ports, db, log, clock: () => new Date() });
  const subscriber = createSubscriber({
    url: config.REDIS_URL,
    timeout_ms: config.REDIS_TIMEOUT_MS,
    log,
    registry,
    onMessage: (channel) => (channel === EMBEDDING_HINT_CHANNEL ? embedding : relay).wake(),
    onReconnect: () => {
      relay.wake();
      embedding.wake();
    },
  });
  void subscriber.subscribe(OUTBOX_HINT_CHANNEL);
  void subscriber.subscribe(EMBEDDING_HINT_CHANNEL);
  relay.start();
  embedding.start();

  const workers = startWorkers({
    queues,
    redis: redis.worker,
    ctx: { ...context.ports, db, bus, log, actor: { type: 'system', reason: 'job' }, clock: () => new Date() },
    metrics: createJobMetrics(registry),
    log,
  });
  startSchedules({ queues, redis: redis.queue, log });
  measureReleasedObjects(registry, db);
  measureUncovered(registry, db);
  measureGateway(registry, db);
  measureEmbeddings(registry, db, embedding);
  measureQueues(registry, redis.queue, Object.keys(queues), log);
  const reports = startHealthReports({ health, write: (row) => writeSystemHealth(db, row), log });
  redis.queue.once('ready', () => {
    findLossRisks(redis.queue, LAST_WORDS_MS).then(
      (risks) => risks.length > 0 && log.warn({ risks }, 'redis can lose jobs'),
      (error: unknown) => log.debug({ err: error }, 'could not ask redis whether it keeps jobs'),
    );
  });

  return {
    url,
    async stop() {
      health.setDraining();
      subscriber.close();
      // What is still being answered then is ended a little before its job is left, which gives it to another process.
      const patience_ms = Math.max(config.SHUTDOWN_TIMEOUT_MS - LAST_WORDS_MS, LAST_WORDS_MS / 4);
      await Promise.all([
        relay.stop(),
        embedding.stop(),
        context.ports.turns.drain(Math.max(patience_ms - LAST_WORDS_MS, patience_ms / 2)),
        stopWorkers(workers, patience_ms),
      ]);
      await reports.stop();
      await server.close();
    },
  };
}
