import { once } from 'node:events';
import net from 'node:net';
import { expect, test, vi } from 'vitest';
import { createTestDatabase } from './database.ts';
import { startFaultProxy } from './fault-proxy.ts';
import { freePort, startRedis } from './redis.ts';

/** Sends a line to a Redis and waits a while for an answer. */
async function ask(port: number, line: string, patience_ms = 1_000): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    socket.write(`${line}\r\n`);
    const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(patience_ms) })) as [Buffer];
    return answer.toString();
  } finally {
    socket.destroy();
  }
}

test('databases are made side by side, know nothing of each other, and leave nothing', async () => {
  const made = await Promise.all([createTestDatabase(), createTestDatabase(), createTestDatabase()]);
  const [a, b] = made;
  await a.asOwner(`insert into app.system_health values ('a', 'a', '1', 'ok', '{}', now(), now())`);
  expect(await b.asOwner('select 1 from app.system_health')).toEqual([]);
  const names = made.map((each) => each.name);
  await Promise.all(made.map((each) => each.drop()));
  await using later = await createTestDatabase();
  expect(await later.asOwner('select 1 from pg_database where datname = any ($1)', [names])).toEqual([]);
});

test('a redis-server answers, freezes, thaws, dies, comes back on its port, and is gone at the end', async () => {
  const redis = await startRedis();
  expect(await ask(redis.port, 'PING')).toBe('+PONG\r\n');
  await ask(redis.port, 'SET k v');
  redis.freeze();
  await expect(ask(redis.port, 'PING', 100)).rejects.toThrow();
  redis.thaw();
  expect(await ask(redis.port, 'GET k')).toContain('v');
  await redis.kill();
  await expect(ask(redis.port, 'PING')).rejects.toThrow('ECONNREFUSED');
  await redis.restart();
  expect(await ask(redis.port, 'GET k')).toBe('$-1\r\n');
  redis.freeze();
  await redis.stop();
  await expect(ask(redis.port, 'PING')).rejects.toThrow('ECONNREFUSED');
});

test('the fault proxy passes, counts, swallows, refuses, cuts and heals', async () => {
  await using redis = await startRedis();
  await using proxy = await startFaultProxy({ target_host: '127.0.0.1', target_port: redis.port });
  expect(proxy.url('redis://localhost:1/0')).toBe(`redis://127.0.0.1:${proxy.port}/0`);
  expect(await ask(proxy.port, 'PING')).toBe('+PONG\r\n');
  expect(proxy.flights()).toBe(1);

  proxy.blackhole();
  await expect(ask(proxy.port, 'PING', 100)).rejects.toThrow();
  proxy.heal();
  expect(await ask(proxy.port, 'PING')).toBe('+PONG\r\n');

  proxy.refuse();
  await expect(ask(proxy.port, 'PING')).rejects.toThrow();
  proxy.heal();

  const socket = net.connect(proxy.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write('PING\r\n');
  await once(socket, 'data');
  proxy.cut();
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNRESET');

  proxy.reset_flights();
  proxy.latency(40);
  const began = performance.now();
  await ask(proxy.port, 'PING');
  expect(performance.now() - began).toBeGreaterThanOrEqual(75);
  expect(proxy.flights()).toBe(1);
});

test('a port that is given out is free', async () => {
  const port = await freePort();
  const server = net.createServer().listen(port, '127.0.0.1');
  await vi.waitFor(() => expect(server.listening).toBe(true));
  server.close();
});
