import { createLogger } from '@potentia/config/logger';
import { freePort, startRedis, type TestRedis } from '@potentia/db/testing/redis';
import { Registry } from 'prom-client';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { canvasChannel } from '../bus.ts';
import { createRedis } from './redis.ts';
import { createBus, createSubscriber } from './redis-bus.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const message = (seq: number, frame = `{"seq":${seq}}`) => ({ kind: 'event', seq, frame });

async function publisher(url: string) {
  const registry = new Registry();
  const redis = createRedis({ url, timeout_ms: 50, role: 'command' });
  onTestFinished(() => redis.disconnect());
  await vi.waitFor(() => expect(redis.status).toBe('ready'));
  const total = async (name: string) =>
    (await registry.getSingleMetric(name)!.get()).values.reduce((sum, { value }) => sum + value, 0);
  return { ...createBus({ redis, registry }), redis, total };
}

async function listener(url: string, timeout_ms = 250) {
  const seen: [string, number | undefined][] = [];
  const onReconnect = vi.fn();
  const subscriber = createSubscriber({
    url,
    timeout_ms,
    log,
    registry: new Registry(),
    onMessage: (channel, { seq }) => seen.push([channel, seq]),
    onReconnect,
  });
  onTestFinished(() => subscriber.close());
  await vi.waitFor(() => expect(subscriber.connected()).toBe(true));
  return { ...subscriber, seen, onReconnect, seqs: () => seen.map(([, seq]) => seq) };
}

test('every listener of a channel gets what is published, in order, and nothing of other channels', async () => {
  await using server = await startRedis();
  const bus = await publisher(server.url);
  const [here, there] = [await listener(server.url), await listener(server.url)];
  expect(await Promise.all([here.subscribe('a'), there.subscribe('a'), there.subscribe('b')])).toEqual([
    true,
    true,
    true,
  ]);
  for (let seq = 0; seq < 1_000; seq++) bus.publish(seq % 10 === 9 ? 'b' : 'a', message(seq));
  await vi.waitFor(() => expect(there.seen).toHaveLength(1_000));
  expect(there.seqs()).toEqual(Array.from({ length: 1_000 }, (_, seq) => seq));
  expect(here.seen).toHaveLength(900);
  expect(await bus.total('potentia_bus_published_total')).toBe(1_000);
});

test('after unsubscribe nothing arrives; subscribing again hears again', async () => {
  await using server = await startRedis();
  const bus = await publisher(server.url);
  const { subscribe, unsubscribe, seqs } = await listener(server.url);
  await subscribe('a');
  unsubscribe('a');
  await vi.waitFor(async () => expect(await bus.redis.pubsub('SHARDNUMSUB', 'a')).toEqual(['a', 0]));
  bus.publish('a', message(1));
  // Publishing waits for nobody, and Redis may read the other connection first.
  await vi.waitFor(async () => expect(await bus.total('potentia_bus_published_total')).toBe(1));
  expect(await subscribe('a')).toBe(true);
  bus.publish('a', message(2));
  await vi.waitFor(() => expect(seqs()).toEqual([2]));
});

test('a listener that throws, and a message of a stranger, stop nothing', async () => {
  await using server = await startRedis();
  const bus = await publisher(server.url);
  const seen: number[] = [];
  const subscriber = createSubscriber({
    url: server.url,
    timeout_ms: 250,
    log,
    registry: new Registry(),
    onMessage(_, { seq }) {
      if (seq === 1) throw new Error('listener is broken');
      seen.push(seq!);
    },
    onReconnect: () => undefined,
  });
  onTestFinished(() => subscriber.close());
  await vi.waitFor(async () => expect(await subscriber.subscribe('a')).toBe(true));
  await bus.redis.spublish('a', 'not ours');
  bus.publish('a', message(1));
  bus.publish('a', message(2));
  await vi.waitFor(() => expect(seen).toEqual([2]));
});

describe('when Redis dies', () => {
  test('channels are heard again after it is back, and the listener is told that it missed something', async () => {
    await using server = await startRedis();
    const bus = await publisher(server.url);
    const { subscribe, onReconnect, seqs } = await listener(server.url);
    const channels = Array.from({ length: 1_200 }, () => canvasChannel(crypto.randomUUID()));
    await Promise.all(channels.map(subscribe));

    await server.kill();
    await vi.waitFor(() => expect(bus.redis.status).not.toBe('ready'));
    bus.publish(channels[0]!, message(1));
    expect(await bus.total('potentia_bus_dropped_total')).toBe(1);
    expect(onReconnect).not.toHaveBeenCalled();

    await server.restart();
    await vi.waitFor(() => expect(onReconnect).toHaveBeenCalledOnce(), { timeout: 5_000 });
    await vi.waitFor(() => expect(bus.redis.status).toBe('ready'), { timeout: 5_000 });
    channels.forEach((channel, seq) => bus.publish(channel, message(seq)));
    await vi.waitFor(() => expect(seqs()).toEqual(channels.map((_, seq) => seq)));
  });

  test('subscribing while it is away answers false at once and takes effect later', async () => {
    await using server = await startRedis();
    const { subscribe, connected, onReconnect, seqs } = await listener(server.url);
    await server.kill();
    await vi.waitFor(() => expect(connected()).toBe(false));
    const started = performance.now();
    expect(await subscribe('late')).toBe(false);
    // Not by its deadline, which is a second.
    expect(performance.now() - started).toBeLessThan(500);
    await server.restart();
    await vi.waitFor(() => expect(onReconnect).toHaveBeenCalled(), { timeout: 5_000 });
    const bus = await publisher(server.url);
    bus.publish('late', message(1));
    await vi.waitFor(() => expect(seqs()).toEqual([1]));
  });
});

describe('when Redis is frozen', () => {
  test('publishing costs no time and no memory, and goes on when it thaws', async () => {
    await using server = await startRedis();
    const bus = await publisher(server.url);
    server.freeze();
    const frame = 'x'.repeat(10_000);
    global.gc?.();
    const before = process.memoryUsage().rss;
    let slowest_ms = 0;
    const until = performance.now() + 3_000;
    let sent = 0;
    while (performance.now() < until) {
      const started = performance.now();
      for (let i = 0; i < 100; i++) bus.publish('a', message(sent++, frame));
      slowest_ms = Math.max(slowest_ms, performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const offered = sent * frame.length;
    expect(offered).toBeGreaterThan(300_000_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(120_000_000);
    expect(slowest_ms).toBeLessThan(100);
    server.thaw();
    const before_thaw = await bus.total('potentia_bus_published_total');
    await vi.waitFor(
      async () => {
        bus.publish('a', message(0));
        expect(await bus.total('potentia_bus_published_total')).toBeGreaterThan(before_thaw);
      },
      { timeout: 5_000 },
    );
  });

  test('a listener notices the silence, and hears again when it thaws', async () => {
    await using server = await startRedis();
    const { subscribe, connected, onReconnect, seqs } = await listener(server.url);
    await subscribe('a');
    server.freeze();
    // Answered while it is frozen, so by its own deadline.
    expect(await subscribe('b')).toBe(false);
    await vi.waitFor(() => expect(connected()).toBe(false), { timeout: 8_000 });
    server.thaw();
    await vi.waitFor(() => expect(onReconnect).toHaveBeenCalled(), { timeout: 8_000 });
    const bus = await publisher(server.url);
    bus.publish('a', message(1));
    bus.publish('b', message(2));
    await vi.waitFor(() => expect(seqs()).toEqual([1, 2]));
  });
});

test(
  'on a cluster, channels of all shards are heard, also after their node restarts',
  { timeout: 30_000 },
  async () => {
    const bus_port = await freePort();
    await using one = await startClusterNode(await freePort());
    await using two = await startClusterNode(bus_port);
    await joinCluster(one, two, bus_port);
    const url = `${one.url},${two.url}`;
    const bus = await publisher(url);
    const { subscribe, onReconnect, seqs } = await listener(url);
    const channels = Array.from({ length: 40 }, () => canvasChannel(crypto.randomUUID()));
    await vi.waitFor(async () => expect((await Promise.all(channels.map(subscribe))).every(Boolean)).toBe(true));
    channels.forEach((channel, seq) => bus.publish(channel, message(seq)));
    await vi.waitFor(() => expect(seqs().sort()).toEqual(channels.map((_, seq) => seq).sort()));

    await two.restart();
    await vi.waitFor(() => expect(onReconnect).toHaveBeenCalled(), { timeout: 10_000 });
    await vi.waitFor(
      () => {
        const from = seqs().length;
        channels.forEach((channel, seq) => bus.publish(channel, message(seq)));
        return vi.waitFor(() => expect(new Set(seqs().slice(from)).size).toBe(40), { timeout: 500 });
      },
      { timeout: 15_000 },
    );
  },
);

const startClusterNode = (bus_port: number) =>
  startRedis({
    args: ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1', '--cluster-port', String(bus_port)],
  });

async function joinCluster(one: TestRedis, two: TestRedis, bus_port: number): Promise<void> {
  const [a, b] = [one, two].map(({ url }) => createRedis({ url, timeout_ms: 1_000, role: 'queue' }));
  await vi.waitFor(() => expect([a!.status, b!.status]).toEqual(['ready', 'ready']));
  await a!.call('CLUSTER', 'ADDSLOTSRANGE', 0, 8_191);
  await b!.call('CLUSTER', 'ADDSLOTSRANGE', 8_192, 16_383);
  await a!.call('CLUSTER', 'MEET', '127.0.0.1', two.port, bus_port);
  await vi.waitFor(
    async () => {
      for (const node of [a!, b!]) {
        expect(await node.call('CLUSTER', 'INFO')).toMatch(/cluster_state:ok[^]*cluster_slots_ok:16384/);
      }
    },
    { timeout: 10_000 },
  );
  a!.disconnect();
  b!.disconnect();
}
