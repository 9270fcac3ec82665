import type { Logger } from '@potentia/config/logger';
import { Counter, Gauge, type Registry } from 'prom-client';
import { type Bus, type BusMessage, decodeBusMessage, encodeBusMessage } from '../bus.ts';
import { createRedis, deadline, type RedisClient, RedisTimeoutError } from './redis.ts';

/** More than this unanswered means that Redis is stuck; what comes on top is dropped. */
const MAX_IN_FLIGHT = 10_000;
const MAX_IN_FLIGHT_BYTES = 8 * 1024 * 1024;
/** An answer to a message is late after this long. */
const LATE_MS = 200;
/** After a late answer nothing is sent for this long: ioredis keeps late commands until it has replaced the socket. */
const PAUSE_MS = 1_000;

/**
 * The publishing end, over a `command` connection. A message that cannot be sent now is dropped and counted in
 * `potentia_bus_dropped_total`; nothing waits in memory for Redis to come back.
 */
export function createBus({ redis, registry }: { redis: RedisClient; registry: Registry }): Bus {
  const published = new Counter({
    name: 'potentia_bus_published_total',
    help: 'Messages that Redis accepted',
    registers: [registry],
  });
  const dropped = new Counter({
    name: 'potentia_bus_dropped_total',
    help: 'Messages dropped because Redis was away, stuck or failing',
    labelNames: ['reason'],
    registers: [registry],
  });
  let in_flight = 0;
  let in_flight_bytes = 0;
  let paused_until = 0;

  return {
    publish(channel, message) {
      if (redis.status !== 'ready') {
        dropped.inc({ reason: 'away' });
        return;
      }
      const text = encodeBusMessage(message);
      const stuck = in_flight >= MAX_IN_FLIGHT || in_flight_bytes + text.length > MAX_IN_FLIGHT_BYTES;
      if (stuck || performance.now() < paused_until) {
        dropped.inc({ reason: 'stuck' });
        return;
      }
      in_flight += 1;
      in_flight_bytes += text.length;
      deadline(redis.spublish(channel, text), LATE_MS)
        .then(
          () => published.inc(),
          (error: unknown) => {
            dropped.inc({ reason: 'failed' });
            if (error instanceof RedisTimeoutError) paused_until = performance.now() + PAUSE_MS;
          },
        )
        .finally(() => {
          in_flight -= 1;
          in_flight_bytes -= text.length;
        });
    },
  };
}

export interface SubscriberSettings {
  url: string;
  timeout_ms: number;
  log: Logger;
  registry: Registry;
  /** Called in the order in which a channel's messages were published, one after the other. */
  onMessage: (channel: string, message: BusMessage) => void;
  /** Channels were out of reach and are subscribed again: whatever was published meanwhile is missing. */
  onReconnect: () => void;
}

export interface Subscriber {
  /**
   * Listens from now on, also over reconnects. True once Redis confirmed it; false when Redis is away or late, and then
   * `onReconnect` follows when it succeeds. Never rejects.
   */
  subscribe(channel: string): Promise<boolean>;
  unsubscribe(channel: string): void;
  connected(): boolean;
  close(): void;
}

/** How often the connection is tried, and channels that Redis did not confirm are asked for again. */
const HEARTBEAT_MS = 2_000;
const RESUBSCRIBE_AT_ONCE = 500;

/** The listening end: sharded pub/sub on a connection of its own, which belongs to it. */
export function createSubscriber({
  url,
  timeout_ms,
  log,
  registry,
  onMessage,
  onReconnect,
}: SubscriberSettings): Subscriber {
  const received = new Counter({
    name: 'potentia_bus_received_total',
    help: 'Messages received',
    registers: [registry],
  });
  const wanted = new Set<string>();
  const active = new Set<string>();
  const redis = createRedis({ url, timeout_ms, role: 'subscriber', log });
  new Gauge({
    name: 'potentia_bus_connected',
    help: '1 while the subscriber is connected to Redis',
    registers: [registry],
    collect() {
      this.set(redis.status === 'ready' ? 1 : 0);
    },
  });

  const ask = async (channels: string[]): Promise<void> => {
    await redis.ssubscribe(...channels);
    for (const channel of channels) if (wanted.has(channel)) active.add(channel);
  };

  /** Subscribes what is wanted and not confirmed. A cluster takes one slot, so one channel, per command. */
  const restore = async (): Promise<void> => {
    const missing = [...wanted].filter((channel) => !active.has(channel));
    const at_once = redis.isCluster ? 1 : RESUBSCRIBE_AT_ONCE;
    const asked: Promise<void>[] = [];
    for (let i = 0; i < missing.length; i += at_once) asked.push(ask(missing.slice(i, i + at_once)));
    const results = await Promise.allSettled(asked);
    if (results.some((result) => result.status === 'fulfilled')) guard(onReconnect);
  };

  const guard = (callback: () => void): void => {
    try {
      callback();
    } catch (error) {
      log.error({ err: error }, 'bus listener failed');
    }
  };

  redis.on('ready', () => {
    // A cluster client restores confirmed channels itself, shard by shard, and then says `subscribersReady`.
    if (!redis.isCluster) active.clear();
    void restore();
  });
  redis.on('subscribersReady', () => {
    if (active.size > 0) guard(onReconnect);
  });
  redis.on('smessage', (channel: string, text: string) => {
    if (!wanted.has(channel)) return;
    received.inc();
    const message = decodeBusMessage(text);
    if (message) guard(() => onMessage(channel, message));
    else log.warn({ channel }, 'bus message is malformed');
  });
  const heartbeat = setInterval(() => {
    if (redis.status !== 'ready') return;
    // The answer matters to the socket's own timeout alone: a silent socket is replaced.
    redis.ping().catch(() => undefined);
    if (active.size < wanted.size) void restore();
  }, HEARTBEAT_MS);

  return {
    async subscribe(channel) {
      wanted.add(channel);
      try {
        await deadline(ask([channel]), Math.max(4 * timeout_ms, 200));
        return true;
      } catch {
        return false;
      }
    },
    unsubscribe(channel) {
      wanted.delete(channel);
      active.delete(channel);
      redis.sunsubscribe(channel).catch(() => undefined);
    },
    connected: () => redis.status === 'ready',
    close() {
      clearInterval(heartbeat);
      redis.disconnect();
    },
  };
}
