import { randomBytes, randomUUID } from 'node:crypto';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { type SpawnedService, spawnService } from '@potentia/config/testing/spawn-service';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { type FaultProxy, startFaultProxy } from '@potentia/db/testing/fault-proxy';
import { startRedis } from '@potentia/db/testing/redis';
import { createRedis } from '@potentia/domain/platform/adapters/redis';
import { signServiceToken, WORKER_AUDIENCE } from '@potentia/domain/platform/service-token';
import { createRedisLiveCodes } from '@potentia/domain/whatsapp/adapters/redis-live-codes';
import { startObjects } from '@potentia/sandbox/testing/objects';
import { startWhatsApp, type TestWhatsApp } from '@potentia/sandbox/testing/whatsapp';
import type { Phone } from '@potentia/sandbox/whatsapp/phone';
import postgres from 'postgres';
import { type RecordingApi, startRecordingApi } from './recording-api.ts';

const MAIN = path.join(import.meta.dirname, '../../src/main.ts');
const TOKENS = [GATEWAY_SECRETS.SERVICE_JWT_SECRETS] as const;
const SETTLE_MS = 60_000;

/** One worker's process, which can die and come back. */
export interface Worker {
  readonly url: string;
  /** What it has written since it was started. */
  output(): string;
  kill(): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** What came of the traffic of a row. */
export interface Outcome {
  sent_in: number;
  sent_out: number;
  lost: number;
  doubled: number;
  /** Stanzas that phones received a second time under the same id, and so do not show. */
  repeated: number;
  /** Messages that one end could not read at once, and asked for again. */
  retried: number;
}

/** A session between two worlds that break: its phones, its workers, and what they stand on. */
export interface World extends AsyncDisposable {
  whatsapp: TestWhatsApp;
  api: RecordingApi;
  database: TestDatabase;
  postgres: FaultProxy;
  redis: FaultProxy;
  objects: FaultProxy;
  session_id: string;
  /** Whose account the session is. */
  shop: Phone;
  /** Those who write to it, and are written to. */
  people: Phone[];
  workers: [Worker, Worker];
  /** Takes the next generation and gives the session to a worker; again, until that worker takes it. */
  place(worker: Worker): Promise<void>;
  command(worker: Worker, method: string, rest: string, body?: object, generation?: number): Promise<number>;
  generation: number;
  /** Messages to the session, `rate` a second; 0: all at once. */
  sendIn(count: number, rate?: number): Promise<void>;
  /** Messages from the session, each asked for until a worker has taken it. */
  sendOut(count: number, rate?: number): Promise<void>;
  /** Keeps everything that the session has to remember from being durable, until what it answers is called. */
  blockLog(): Promise<() => Promise<void>>;
  until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void>;
  /** Waits until all has arrived, or nothing changes any more, and counts. */
  settle(): Promise<Outcome>;
  journaled(): Promise<number>;
}

/** A session that is linked, held by the first worker, and known to its people. */
export async function startWorld({ people: count = 2 } = {}): Promise<World> {
  const [database, redis_server, whatsapp, objects_server, api] = await Promise.all([
    createTestDatabase(),
    startRedis(),
    startWhatsApp(),
    startObjects(),
    startRecordingApi(TOKENS, [GATEWAY_SECRETS.WORKER_WEBHOOK_SECRETS]),
  ]);
  const proxyOf = (url: string): Promise<FaultProxy> => {
    const { hostname, port } = new URL(url);
    return startFaultProxy({ target_host: hostname, target_port: Number(port) });
  };
  const s3_url = objects_server.env['S3_ENDPOINT'] ?? '';
  const proxies = {
    postgres: await proxyOf(database.wa_url),
    redis: await proxyOf(redis_server.url),
    objects: await proxyOf(s3_url),
  };
  const env = {
    ...{ NODE_ENV: 'test', DATABASE_TIMEOUT_MS: '2000', REDIS_TIMEOUT_MS: '500', LOG_LEVEL: 'info' },
    DATABASE_URL: proxies.postgres.url(database.wa_url),
    REDIS_URL: proxies.redis.url(redis_server.url),
    ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    ...objects_server.env,
    S3_ENDPOINT: proxies.objects.url(s3_url).replace(/\/$/, ''),
    ...GATEWAY_SECRETS,
    ...{ API_URL: api.url, ...whatsapp.env },
  };
  const commands = createRedis({ url: redis_server.url, timeout_ms: 1_000, role: 'command' });
  const live_codes = createRedisLiveCodes({ redis: commands, timeout_ms: 1_000 });
  const workers = [createWorker({ ...env, WORKER_NAME: 'a' }), createWorker({ ...env, WORKER_NAME: 'b' })] as [
    Worker,
    Worker,
  ];
  const session_id = randomUUID();
  const shop = whatsapp.addPhone({ name: 'Shop' });
  const people = Array.from({ length: count }, (_, n) => whatsapp.addPhone({ name: `Person ${n}` }));
  const out = new Map<string, Phone>();
  const incoming = new Set<string>();

  const world: World = {
    ...{ whatsapp, api, database, ...proxies, session_id, shop, people, workers, generation: 0 },
    async command(worker, method, rest, body, generation = world.generation) {
      const token = await signServiceToken(TOKENS, {
        issuer: 'api',
        audience: WORKER_AUDIENCE,
        session: { session_id, generation },
      });
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const init = {
        method,
        headers,
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(10_000),
      };
      const answer = await fetch(`${worker.url}/sessions/${session_id}${rest}`, init).catch(() => null);
      await answer?.body?.cancel();
      return answer?.status ?? 0;
    },
    async place(worker) {
      world.generation += 1;
      const settings = { messages_per_minute: 100_000, cold_per_day: 10_000, warm_up_days: 0 };
      const hold = () => world.command(worker, 'PUT', '', { settings, login: { by: 'qr' } });
      await world.until('a worker takes the session', async () => (await hold()) === 200);
    },
    async sendIn(messages, rate = 0) {
      for (let n = 0; n < messages; n++) {
        const from = people[n % people.length] ?? shop;
        incoming.add((await from.send(shop.number, `in ${n} ${randomUUID()}`)).id);
        if (rate > 0) await sleep(1_000 / rate);
      }
    },
    async sendOut(messages, rate = 0) {
      const sending: Promise<void>[] = [];
      for (let n = 0; n < messages; n++) {
        const to = people[n % people.length] ?? shop;
        const text = `out ${n} ${randomUUID()}`;
        out.set(text, to);
        const body = {
          ...{ idempotency_key: text, requested_by: null, request_id: null },
          input: { to: { phone: to.number }, content: { type: 'text', text } },
        };
        sending.push(
          world.until('a worker takes a message', async () => {
            for (const worker of workers)
              if ((await world.command(worker, 'POST', '/messages', body)) === 202) return true;
            return false;
          }),
        );
        if (rate > 0) await sleep(1_000 / rate);
      }
      await Promise.all(sending);
    },
    async blockLog() {
      const sql = postgres(database.superuser_url, { max: 1, onnotice: () => undefined });
      const [locked, unlock] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
      const done = sql.begin(async (tx) => {
        await tx`select from wa.sessions where session_id = ${session_id} for update`;
        locked.resolve(undefined);
        await unlock.promise;
      });
      await locked.promise;
      return async () => {
        unlock.resolve(undefined);
        await done;
        await sql.end();
      };
    },
    async until(what, isSo) {
      const give_up_at = performance.now() + SETTLE_MS;
      while (!(await isSo())) {
        if (performance.now() > give_up_at) throw new Error(`${what}: not within ${SETTLE_MS / 1_000} s`);
        await sleep(20);
      }
    },
    async journaled() {
      const [row] = await database.asOwner<{ n: number }>(
        `select count(*)::int as n from wa.messages where session_id = $1 and direction = 'in' and type <> 'undecryptable'`,
        [session_id],
      );
      return row?.n ?? 0;
    },
    async settle() {
      const shownOf = (text: string) =>
        out
          .get(text)
          ?.inbox()
          .filter((message) => message.text === text) ?? [];
      const missing = () =>
        [...incoming].filter((id) => !api.told().has(id)).length +
        [...out.keys()].filter((text) => shownOf(text).length === 0).length;
      const give_up_at = performance.now() + SETTLE_MS;
      while (missing() > 0 && performance.now() < give_up_at) await sleep(100);
      // What comes a second time comes a little later.
      await sleep(1_500);
      const doubled_in = [...incoming].reduce((sum, id) => sum + Math.max(0, (api.told().get(id)?.size ?? 0) - 1), 0);
      const doubled_out = [...out.keys()].reduce((sum, text) => sum + Math.max(0, shownOf(text).length - 1), 0);
      const repeated = people.flatMap((phone) => phone.inbox()).reduce((sum, { stanzas }) => sum + stanzas - 1, 0);
      return {
        retried: people.flatMap((phone) => phone.undecryptable()).length + api.resolved.size,
        sent_in: incoming.size,
        sent_out: out.size,
        lost: missing(),
        doubled: doubled_in + doubled_out,
        repeated,
      };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker.kill()));
      commands.disconnect();
      await Promise.all([whatsapp.close(), ...Object.values(proxies).map((proxy) => proxy.close())]);
      await Promise.all([
        redis_server.stop(),
        objects_server[Symbol.asyncDispose](),
        api[Symbol.asyncDispose](),
        database.drop(),
      ]);
    },
  };
  await workers[0].start();
  await world.until(
    'the worker is registered',
    async () => (await world.command(workers[0], 'GET', '/messages')) !== 0,
  );
  await world.place(workers[0]);
  await world.until('there is a QR code', async () => {
    const code = await live_codes.read('qr', session_id);
    if (!code) return false;
    await shop.scan(code.text);
    return true;
  });
  await world.until('the session is linked', async () => (await statusOf(database, session_id)) === 'connected');
  return world;
}

async function statusOf(database: TestDatabase, session_id: string): Promise<string | undefined> {
  const text = 'select status from wa.sessions where session_id = $1';
  return (await database.asOwner<{ status: string }>(text, [session_id]))[0]?.status;
}

function createWorker(env: Record<string, string>): Worker {
  let service: SpawnedService | null = null;
  return {
    get url() {
      return service?.url ?? 'http://127.0.0.1:9';
    },
    output: () => service?.output() ?? '',
    async start() {
      service ??= await spawnService({ main: MAIN, env });
    },
    async kill() {
      const killed = service;
      service = null;
      await killed?.kill();
    },
    async stop() {
      const stopped = service;
      service = null;
      await stopped?.stop();
    },
  };
}
