import type { Logger } from '@potentia/config/logger';
import type { Db } from '@potentia/db/client';
import { asSystem } from '@potentia/db/context';
import { deleteOutbox, type OutboxRow, takeOutbox } from '@potentia/db/platform/queries';
import { deadline, QUEUE_TIMEOUT_MS, type RedisClient } from '@potentia/domain/platform/adapters/redis';
import type { OutboxJob } from '@potentia/domain/platform/outbox';
import type { JobsOptions, Queue } from 'bullmq';
import type { RelayMetrics } from './metrics.ts';
import { openQueue } from './open-queue.ts';
import { jobOptions, type QueueDefinition } from './define-queue.ts';

const BATCH = 200;
const POLL_MS = 1_000;

export interface RelayOptions {
  db: Db;
  /** A `queue` connection. */
  redis: RedisClient;
  queues: Record<string, QueueDefinition>;
  metrics: RelayMetrics;
  log: Logger;
}

/**
 * Moves outbox rows into BullMQ. A batch is one transaction: lock the rows, add them, delete them, commit. Whatever dies
 * in between, the rows are still there and are added again under the same job id. Any number of relays run side by side.
 */
export class OutboxRelay {
  readonly #options: RelayOptions;
  readonly #queues: Map<string, { queue: Queue; job_options: JobsOptions }>;
  readonly #topics: string[];
  #stopped = false;
  #failing = false;
  #resume: () => void = () => undefined;
  #woken = false;
  #running: Promise<void> | undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#topics = Object.keys(options.queues);
    this.#queues = new Map(
      Object.entries(options.queues).map(([topic, definition]) => [
        topic,
        { queue: openQueue(topic, options), job_options: jobOptions(definition) },
      ]),
    );
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Looks for rows now, instead of at the next poll. */
  readonly wake = (): void => {
    this.#woken = true;
    this.#resume();
  };

  /** Finishes the batch at hand. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.wake();
    await this.#running;
  }

  /** Moves one batch; the number of rows that it moved. Throws when Postgres or Redis is away: then it moved none. */
  async relayBatch(): Promise<number> {
    const { db, redis, metrics } = this.#options;
    // The rows are locked while Redis takes them, so they are not even read when it is known to be away.
    if (redis.status !== 'ready') throw new Error('redis is away');
    const rows = await asSystem(db, 'outbox.relay', async (tx) => {
      const taken = await takeOutbox(tx, { topics: this.#topics, limit: BATCH });
      if (taken.length === 0) return taken;
      await deadline(this.#add(taken), QUEUE_TIMEOUT_MS);
      await deleteOutbox(
        tx,
        taken.map(({ id }) => id),
      );
      return taken;
    });
    if (rows.length > 0) metrics.observeBatch(rows);
    return rows.length;
  }

  async #add(rows: OutboxRow[]): Promise<void> {
    const by_topic = Map.groupBy(rows, ({ topic }) => topic);
    await Promise.all(
      [...this.#queues].map(async ([topic, { queue, job_options }]) => {
        const jobs = by_topic
          .get(topic)
          ?.map((row) => ({ name: topic, data: toJob(row), opts: { ...job_options, jobId: row.id } }));
        if (jobs) await queue.addBulk(jobs);
      }),
    );
  }

  async #run(): Promise<void> {
    const { redis } = this.#options;
    redis.on('ready', this.wake);
    while (!this.#stopped) {
      this.#woken = false;
      // A service that has only just started is still connecting; that is no failure yet.
      const moved = redis.status === 'connecting' || redis.status === 'connect' ? 0 : await this.#tryBatch();
      if (moved < BATCH) await this.#pause();
    }
    redis.off('ready', this.wake);
  }

  async #tryBatch(): Promise<number> {
    const { log, metrics } = this.#options;
    try {
      const moved = await this.relayBatch();
      if (this.#failing) log.info('outbox relay works again');
      this.#failing = false;
      return moved;
    } catch (error) {
      metrics.countError();
      if (!this.#failing) log.warn({ err: error }, 'outbox relay cannot work; rows wait in Postgres');
      this.#failing = true;
      return 0;
    }
  }

  /** Until the next poll, or until woken. */
  #pause(): Promise<void> {
    if (this.#stopped || this.#woken) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, POLL_MS);
      this.#resume = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

const toJob = ({ id, workspace_id, user_id, payload, traceparent, request_id, created_at }: OutboxRow): OutboxJob => ({
  outbox_id: id,
  workspace_id,
  user_id,
  payload,
  traceparent,
  request_id,
  created_at,
});
