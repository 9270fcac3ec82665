import { once } from 'node:events';
import type { Logger } from '@potentia/config/logger';
import { Cluster, Redis, type RedisOptions } from 'ioredis';

export type RedisClient = Redis | Cluster;

/**
 * What a connection is for:
 * - `command`: short commands with a deadline; nothing is queued while Redis is away, a failed command is not sent again.
 * - `subscriber`: one connection that listens (see `createSubscriber`, which keeps the subscriptions).
 * - `queue`: BullMQ's producers. Like `command`, with time for a batch.
 * - `worker`: BullMQ's workers, which block on Redis and must wait out an outage.
 */
export type RedisRole = 'command' | 'subscriber' | 'queue' | 'worker';

export interface RedisSettings {
  /** `redis://` or `rediss://`; several, separated by commas, are the seeds of a cluster. */
  url: string;
  /** Milliseconds after which a command of a `command` connection is late. */
  timeout_ms: number;
  role: RedisRole;
  log?: Logger;
}

/** How long a `queue` command may take: one batch of the outbox. */
export const QUEUE_TIMEOUT_MS = 2_000;
/** A `worker` blocks for at most 10 s at a time, so a socket silent for longer is dead. */
const WORKER_SILENCE_MS = 15_000;
/** A socket that owes an answer for this long is replaced; a frozen Redis must not collect commands without end. */
const SILENCE_MS = 1_000;

const retryStrategy = (attempt: number): number =>
  Math.min(50 * 2 ** Math.min(attempt, 5), 1_000) * (0.75 + Math.random() / 2);

/**
 * Opens a client that connects in the background, reconnects for ever and never emits an unhandled `error`. Commands sent
 * while it is away reject at once (except on `worker`). Close it with `disconnect()`.
 */
export function createRedis({ url, timeout_ms, role, log }: RedisSettings): RedisClient {
  const options = optionsFor(role, timeout_ms);
  const client = url.includes(',') ? createCluster(url.split(','), role, options) : new Redis(url, options);
  reportState(client, role, log);
  return client;
}

function optionsFor(role: RedisRole, timeout_ms: number): RedisOptions {
  const common: RedisOptions = { retryStrategy, connectionName: `potentia-${role}`, connectTimeout: 2_000 };
  if (role === 'worker') {
    return { ...common, maxRetriesPerRequest: null, socketTimeout: WORKER_SILENCE_MS };
  }
  const patient: RedisOptions = {
    ...common,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // Subscriptions are restored by `createSubscriber`: ioredis leaves those promises unhandled.
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    commandTimeout: QUEUE_TIMEOUT_MS,
    socketTimeout: QUEUE_TIMEOUT_MS,
  };
  if (role !== 'command') return patient;
  // Callers use `deadline`, which does not count a stall of our own event loop against Redis; a second timer by ioredis for
  // the same command made it twice as expensive. The silence of the socket is the last resort.
  return { ...patient, commandTimeout: undefined, socketTimeout: Math.max(SILENCE_MS, 4 * timeout_ms) };
}

function createCluster(urls: string[], role: RedisRole, options: RedisOptions): Cluster {
  // One set of credentials opens every node.
  const seed = new URL(urls[0] ?? '');
  const { retryStrategy: clusterRetryStrategy, enableOfflineQueue = true, ...redisOptions } = options;
  return new Cluster(urls, {
    clusterRetryStrategy,
    enableOfflineQueue,
    // Without it a node that restarts with its slots unchanged stays disconnected.
    clusterNodeRetryStrategy: retryStrategy,
    shardedSubscribers: role === 'subscriber',
    slotsRefreshInterval: 5_000,
    // A command that meets a failover gives up soon; a worker waits.
    ...(role === 'worker' ? {} : { maxRedirections: 4, retryDelayOnFailover: 20, retryDelayOnClusterDown: 20 }),
    redisOptions: {
      ...redisOptions,
      username: decodeURIComponent(seed.username) || undefined,
      password: decodeURIComponent(seed.password) || undefined,
      tls: seed.protocol === 'rediss:' ? {} : undefined,
    },
  });
}

/** One line when Redis goes away and one when it is back, however many attempts lie between. */
function reportState(client: RedisClient, role: RedisRole, log: Logger | undefined): void {
  let away = false;
  client.on('error', (error: Error) => {
    if (!away) log?.warn({ err: error, role }, 'redis is away');
    away = true;
  });
  client.on('ready', () => {
    if (away) log?.info({ role }, 'redis is back');
    away = false;
  });
}

/** Redis did not answer in time. */
export class RedisTimeoutError extends Error {
  override readonly name = 'RedisTimeoutError';
}

/**
 * Rejects with `RedisTimeoutError` when `answer` takes longer than `ms`. An answer that already waits in the socket when
 * the timer fires still counts: the event loop reads sockets between its timers and `setImmediate`.
 */
export function deadline<T>(answer: Promise<T>, ms: number): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      setImmediate(() => reject(new RedisTimeoutError(`redis did not answer in ${ms} ms`)));
    }, ms);
    const first = <V>(settle: (value: V) => void) => {
      return (value: V): void => {
        clearTimeout(timer);
        settle(value);
      };
    };
    answer.then(first(resolve), first(reject));
  });
}

/**
 * For a health check: throws unless Redis answers within `ms`. A connection that is being made may finish first, so that
 * a service does not report itself as degraded because it has only just started. Without a connection the error's `code` is
 * `not_connected`: what the driver says then is about its settings.
 */
export async function pingRedis(redis: RedisClient, ms: number): Promise<void> {
  try {
    if (redis.status !== 'ready') await once(redis, 'ready', { signal: AbortSignal.timeout(ms) });
    await deadline(redis.ping(), ms);
  } catch (cause) {
    // The driver notices a socket that is gone before it says so by its status.
    if (redis.status === 'ready' && !String(cause).includes('writeable')) throw cause;
    throw Object.assign(new Error('redis is not connected', { cause }), { code: 'not_connected' });
  }
}
