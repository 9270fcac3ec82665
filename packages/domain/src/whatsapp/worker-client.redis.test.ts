import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createLogger } from '@potentia/config/logger';
import { startRedis, type TestRedis } from '@potentia/db/testing/redis';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createRedis } from '../platform/adapters/redis.ts';
import { createHttpWorkerClient } from './adapters/http-worker-client.ts';
import { createRedisSessionRoutes } from './adapters/redis-session-routes.ts';
import { type RouteCtx, sendToSession } from './session-route.ts';
import { type FakeWorker, LeaseBook, startFakeWorker } from './testing/fake-worker.ts';
import type { SessionRoute, WorkerClient } from './worker-client.ts';

const secrets = ['s'.repeat(32)] as const;

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

function clientOf(of = secrets as readonly [string, ...string[]]): { client: WorkerClient; registry: Registry } {
  const registry = new Registry();
  const client = createHttpWorkerClient({ secrets: of, issuer: 'api', registry });
  onTestFinished(() => client.close());
  return { client, registry };
}

async function aWorker(book?: LeaseBook): Promise<FakeWorker> {
  const worker = await startFakeWorker(secrets, book);
  worker.worker_id = randomUUID();
  onTestFinished(() => worker.kill());
  return worker;
}

const routeTo = ({ worker_id, url }: FakeWorker, session_id: string = randomUUID(), generation = 1): SessionRoute => ({
  ...{ session_id, worker_id, url, generation },
});
const put = { method: 'PUT' as const, path: '', body: { settings: {} }, request_id: 'r1' };
const post = { method: 'POST' as const, path: '/messages', body: { text: 'hi' }, request_id: 'r2' };

/** A cache of routes with its Postgres, which a test changes. */
async function routing(client: WorkerClient, truth: { route: SessionRoute | null }, url = redis.url) {
  const log = createLogger({ service: 'test', level: 'silent' });
  const connection = createRedis({ url, timeout_ms: 500, role: 'command', log });
  onTestFinished(() => connection.disconnect());
  if (url === redis.url) await once(connection, 'ready');
  const routes = createRedisSessionRoutes({ redis: connection, timeout_ms: 500 });
  const asked: string[] = [];
  const ctx: RouteCtx = {
    worker: client,
    routes,
    loadRoute: (session_id) => {
      asked.push(session_id);
      return Promise.resolve(truth.route);
    },
  };
  return { ctx, routes, asked, connection };
}

describe('a command', () => {
  test('carries the session, its generation and the correlation id, and is answered as the worker says', async () => {
    const worker = await aWorker();
    const { client } = clientOf();
    const route = routeTo(worker, randomUUID(), 7);
    expect(await client.send({ ...put, route })).toEqual({ session_id: route.session_id, generation: 7 });
    expect(worker.commands).toEqual([
      { command: 'PUT', session_id: route.session_id, generation: 7, body: { settings: {} }, request_id: 'r1' },
    ]);
  });

  test('is refused as the worker refuses it', async () => {
    const worker = await aWorker();
    const { client } = clientOf();
    await expect(client.send({ ...post, route: routeTo(worker) })).rejects.toMatchObject({
      kind: 'not_found',
      code: 'worker.session_not_held',
    });
    worker.answer((_given, response) => {
      const errors = [{ pointer: '/to', message: 'wrong' }];
      const problem = { code: 'whatsapp.x', detail: 'No', errors, retry_after_ms: 5, secret: 'kept' };
      response.writeHead(429, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
    });
    await expect(client.send({ ...post, route: routeTo(worker) })).rejects.toMatchObject({
      ...{ kind: 'limit', code: 'whatsapp.x', message: 'No' },
      meta: { errors: [{ pointer: '/to', message: 'wrong' }], retry_after_ms: 5 },
    });
  });

  test('that another secret signs opens nothing, and neither does one for another session', async () => {
    const worker = await aWorker();
    const { client } = clientOf(['x'.repeat(32)]);
    await expect(client.send({ ...put, route: routeTo(worker) })).rejects.toMatchObject({ code: 'worker.unreachable' });
    expect(worker.commands).toEqual([]);
  });

  test.each([
    ['answers nothing within the deadline', (worker: FakeWorker) => worker.answer(() => undefined)],
    ['breaks', (worker: FakeWorker) => worker.answer((_given, response) => void response.writeHead(500).end('no'))],
    [
      'answers what is no JSON',
      (worker: FakeWorker) => worker.answer((_given, response) => void response.writeHead(200).end('<html>')),
    ],
    [
      'sends us elsewhere',
      (worker: FakeWorker) =>
        worker.answer((_given, response) => void response.writeHead(302, { location: 'http://127.0.0.1:9' }).end()),
    ],
  ])('to a worker that %s is unavailable', async (_name, make) => {
    const worker = await aWorker();
    const { client } = clientOf();
    make(worker);
    await expect(client.send({ ...put, route: routeTo(worker), timeout_ms: 100 })).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'worker.unreachable',
    });
  });
});

describe('the breaker of a worker', () => {
  test('opens after five failures, asks nothing while it rests, and is no business of other workers', async () => {
    const [worker, other] = [await aWorker(), await aWorker()];
    const { client, registry } = clientOf();
    worker.answer((_given, response) => void response.writeHead(502).end());
    const codes: string[] = [];
    for (let n = 0; n < 7; n++)
      await client
        .send({ ...put, route: routeTo(worker) })
        .catch((error: unknown) => codes.push((error as { code: string }).code));
    expect(codes).toEqual([...Array<string>(5).fill('worker.unreachable'), 'worker.resting', 'worker.resting']);
    expect(worker.commands).toHaveLength(5);
    await client.send({ ...put, route: routeTo(other) });
    const metrics = await registry.metrics();
    expect(metrics).toContain(`potentia_whatsapp_worker_breaker{worker_id="${worker.worker_id}"} 2`);
    expect(metrics).toContain(`potentia_whatsapp_worker_breaker{worker_id="${other.worker_id}"} 0`);
  });

  test('stays closed over what a worker refuses', async () => {
    const worker = await aWorker();
    const { client } = clientOf();
    for (let n = 0; n < 10; n++)
      await expect(client.send({ ...post, route: routeTo(worker) })).rejects.toMatchObject({ kind: 'not_found' });
    expect(worker.commands).toHaveLength(10);
  });
});

describe('a command to whoever holds a session', () => {
  test('finds the worker in Redis, after Postgres was asked once', async () => {
    const worker = await aWorker();
    const { client } = clientOf();
    const route = routeTo(worker);
    const { ctx, asked } = await routing(client, { route });
    for (let n = 0; n < 3; n++) await sendToSession(ctx, route.session_id, put);
    expect(asked).toEqual([route.session_id]);
    expect(worker.commands).toHaveLength(3);
  });

  test('is sent once more, to whoever Postgres names, when the first says that it does not hold it', async () => {
    const book = new LeaseBook();
    const [old, now] = [await aWorker(book), await aWorker(book)];
    const { client } = clientOf();
    const session_id = randomUUID();
    const truth = { route: routeTo(old, session_id, 1) };
    const { ctx, asked, routes } = await routing(client, truth);
    await sendToSession(ctx, session_id, put);
    truth.route = routeTo(now, session_id, 2);
    await client.send({ ...put, route: truth.route });
    old.held.clear();
    expect(await sendToSession(ctx, session_id, post)).toEqual({ session_id, generation: 2 });
    expect(asked).toHaveLength(2);
    expect(await routes.read(session_id)).toEqual(truth.route);
  });

  test('is unavailable while it is between two workers, or nobody holds it', async () => {
    const worker = await aWorker();
    const { client } = clientOf();
    const session_id = randomUUID();
    const truth: { route: SessionRoute | null } = { route: routeTo(worker, session_id) };
    const { ctx } = await routing(client, truth);
    await expect(sendToSession(ctx, session_id, post)).rejects.toMatchObject({ code: 'worker.none' });
    expect(worker.commands).toHaveLength(1);
    truth.route = null;
    await expect(sendToSession(ctx, session_id, post)).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'worker.none',
    });
  });

  test('asks Postgres when the copy is of another decision than the one that stands', async () => {
    const [old, now] = [await aWorker(), await aWorker()];
    const { client } = clientOf();
    const session_id = randomUUID();
    const truth = { route: routeTo(now, session_id, 2) };
    const { ctx, routes } = await routing(client, truth);
    await routes.put(routeTo(old, session_id, 1));
    await sendToSession(ctx, session_id, put, 2);
    expect([old.commands.length, now.commands.length]).toEqual([0, 1]);
  });

  test('goes on without Redis', async () => {
    const worker = await aWorker();
    const { client } = clientOf();
    const route = routeTo(worker);
    const { ctx, asked } = await routing(client, { route }, 'redis://127.0.0.1:1');
    for (let n = 0; n < 2; n++) await sendToSession(ctx, route.session_id, put);
    expect(asked).toHaveLength(2);
  });
});

test('a route in Redis is never replaced by one of an earlier decision, and ends by itself', async () => {
  const worker = await aWorker();
  const { client } = clientOf();
  const session_id = randomUUID();
  const { routes, connection } = await routing(client, { route: null });
  const [one, two] = [routeTo(worker, session_id, 1), routeTo(worker, session_id, 2)];
  await routes.put(two);
  await routes.put(one);
  expect(await routes.read(session_id)).toEqual(two);
  expect(await connection.pttl(`wa:route:${session_id}`)).toBeGreaterThan(0);
  await routes.forget(session_id);
  expect(await routes.read(session_id)).toBeNull();
});
