/*
 * What the gateway costs beside bare Baileys whose keys are in a Map, in the same run and against the same simulated WhatsApp, each in
 * a process of its own: memory of 200 idle sessions after a collection; messages a second that one session takes in a burst (its
 * receipts leave after the journal is durable) and sends to twenty people. Needs TEST_POSTGRES_URL. Ends with 1 where a target is missed.
 *   node apps/wa-worker/bench/gateway.ts
 */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NO_OBJECTS } from '@potentia/config/testing/object-env';
import { createTestDatabase } from '@potentia/db/testing/database';
import { startRedis } from '@potentia/db/testing/redis';
import { createRedis } from '@potentia/domain/platform/adapters/redis';
import { createTokenSource, WORKER_AUDIENCE } from '@potentia/domain/platform/service-token';
import { createRedisLiveCodes } from '@potentia/domain/whatsapp/adapters/redis-live-codes';
import { RPC_READY, startProcess } from './rpc.ts';

const SESSIONS = Number(process.env['SESSIONS'] ?? 200);
const MESSAGES = 1_000;
/** Of a session that sends: within one chat messages keep their order, and so go one after the other. */
const CHATS = 20;
const ROUNDS = 3;
const here = (file: string): string => path.join(import.meta.dirname, file);
const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
const sessions_of = new Map<string, string>();
const service_secret = randomBytes(32).toString('hex');
const tokenFor = createTokenSource([service_secret], { issuer: 'api', audience: WORKER_AUDIENCE });

await using database = await createTestDatabase();
await using redis = await startRedis();
const commands = createRedis({ url: redis.url, timeout_ms: 1_000, role: 'command' });
const live_codes = createRedisLiveCodes({ redis: commands, timeout_ms: 1_000 });
const api = await startApi();
const simulator = await startProcess(here('simulator.ts'), {}, RPC_READY);
const whatsapp = await simulator.call<Record<string, string>>('env');
const bare = await startProcess(here('bare.ts'), { ...whatsapp, SIMULATOR_URL: simulator.url }, RPC_READY);
const worker = await startProcess(
  path.join(import.meta.dirname, '../src/main.ts'),
  {
    ...whatsapp,
    ...NO_OBJECTS,
    ...{ NODE_ENV: 'test', PORT: '0', DATABASE_URL: database.wa_url, REDIS_URL: redis.url, API_URL: api.url },
    ...{ ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`, SERVICE_JWT_SECRETS: service_secret },
    ...{ WORKER_WEBHOOK_SECRETS: `whsec_${randomBytes(32).toString('base64')}`, LOG_LEVEL: 'info' },
    ...{ DATABASE_TIMEOUT_MS: '5000', REDIS_TIMEOUT_MS: '1000', WORKER_CAPACITY: '1000' },
  },
  /"url":"([^"]+)"[^\n]*is running/,
);
await api.registered;

let failed = false;
try {
  await compareMemory();
  await compareMessages();
} finally {
  for (const each of [worker, bare, simulator]) await each.stop();
  await api.close();
  commands.disconnect();
}
process.exitCode = failed ? 1 : 0;

async function compareMemory(): Promise<void> {
  const [mine, theirs] = [await addPhones(SESSIONS), await addPhones(SESSIONS)];
  const before = { worker: await worker.memory(), bare: await bare.memory() };
  await Promise.all([linkWorker(mine), bare.call('link', theirs)]);
  // What linking left behind goes.
  await sleep(5_000);
  const after = { worker: await worker.memory(), bare: await bare.memory() };
  const per = (who: 'worker' | 'bare', what: 'rss' | 'heap') =>
    (after[who][what] - before[who][what]) / SESSIONS / 1_048_576;
  const line = (who: 'worker' | 'bare') => `${per(who, 'rss').toFixed(2)} MB (heap ${per(who, 'heap').toFixed(2)})`;
  const ratio = per('worker', 'rss') / per('bare', 'rss');
  console.log(
    `idle session of ${SESSIONS}: gateway ${line('worker')}, bare ${line('bare')}: ratio ${ratio.toFixed(2)} (at most 1.3)`,
  );
  failed ||= !(ratio <= 1.3);
}

async function compareMessages(): Promise<void> {
  const [mine = '', theirs = ''] = await addPhones(2);
  const [my_people, their_people] = [await addPhones(CHATS), await addPhones(CHATS)];
  const [[ann], [bob]] = [my_people, their_people];
  await Promise.all([linkWorker([mine]), bare.call('link', [theirs])]);
  for (const phone of my_people) await simulator.call('greet', phone, mine);
  for (const phone of their_people) await simulator.call('greet', phone, theirs);
  const rates = {
    in: { worker: [] as number[], bare: [] as number[] },
    out: { worker: [] as number[], bare: [] as number[] },
  };
  for (let round = 0; round < ROUNDS; round++) {
    const rate = (ms: number): number => (MESSAGES / ms) * 1_000;
    rates.in.bare.push(rate((await simulator.call<{ ms: number }>('burst', bob, theirs, MESSAGES)).ms));
    rates.in.worker.push(rate((await simulator.call<{ ms: number }>('burst', ann, mine, MESSAGES)).ms));
    // Each receipt stands for a row.
    assert.ok((await countJournaled(mine)) >= MESSAGES * (round + 1));
    rates.out.bare.push(
      rate(
        await timeSending(their_people, (prefix) => bare.call('send', theirs, their_people, MESSAGES, prefix), round),
      ),
    );
    rates.out.worker.push(rate(await timeSending(my_people, (prefix) => sendByWorker(mine, my_people, prefix), round)));
  }
  const [row] = await database.asOwner<{ fsync: string }>(`select current_setting('fsync') as fsync`);
  report('received', rates.in, 0.5, `, fdatasync ${measureSync().toFixed(2)} ms, fsync of Postgres ${row?.fsync}`);
  report('sent', rates.out, 0.6, '');
}

function report(what: string, rates: { worker: number[]; bare: number[] }, least: number, beside: string): void {
  const [gateway, baseline] = [median(rates.worker), median(rates.bare)];
  const ratio = gateway / baseline;
  console.log(
    `${what}: gateway ${gateway.toFixed(0)}/s, bare ${baseline.toFixed(0)}/s: ratio ${ratio.toFixed(2)} (at least ${least})${beside}`,
  );
  failed ||= !(ratio >= least);
}

async function timeSending(to: string[], send: (prefix: string) => Promise<unknown>, round: number): Promise<number> {
  const prefix = `out ${to[0]} ${round} `;
  const began = performance.now();
  const shown = to.map((phone) => simulator.call('waitShown', phone, prefix, MESSAGES / CHATS));
  await Promise.all([send(prefix), ...shown]);
  return performance.now() - began;
}

async function command(method: string, session_id: string, rest: string, body?: object): Promise<void> {
  const session = { session_id, generation: 1 };
  const token = await tokenFor(session);
  const answer = await fetch(`${worker.url}/sessions/${session_id}${rest}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${rest}: ${answer.status} ${await answer.text()}`);
  await answer.body?.cancel();
}

async function linkWorker(numbers: string[]): Promise<void> {
  const left = [...numbers];
  const work = async (): Promise<void> => {
    for (let number = left.pop(); number; number = left.pop()) {
      const session_id = randomUUID();
      sessions_of.set(number, session_id);
      const settings = { messages_per_minute: 100_000, cold_per_day: 10_000, warm_up_days: 0 };
      await command('PUT', session_id, '', { settings, login: { by: 'qr' } });
      let code = await live_codes.read('qr', session_id);
      for (; !code; code = await live_codes.read('qr', session_id)) await sleep(20);
      await simulator.call('scan', number, code.text);
      const isConnected = async () =>
        (await database.asOwner(`select from wa.sessions where session_id = $1 and status = 'connected'`, [session_id]))
          .length > 0;
      while (!(await isConnected())) await sleep(20);
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
}

async function sendByWorker(from: string, to: string[], prefix: string): Promise<void> {
  const left = Array.from({ length: MESSAGES }, (_, n) => n);
  const work = async (): Promise<void> => {
    for (let n = left.shift(); n !== undefined; n = left.shift()) {
      await command('POST', sessions_of.get(from) ?? '', '/messages', {
        ...{ idempotency_key: `${prefix}${n}`, requested_by: null, request_id: null },
        input: { to: { phone: to[n % to.length] }, content: { type: 'text', text: `${prefix}${n}` } },
      });
    }
  };
  await Promise.all(Array.from({ length: 32 }, work));
}

function addPhones(count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, () => simulator.call<string>('addPhone')));
}

async function countJournaled(number: string): Promise<number> {
  const text = `select count(*)::int as n from wa.messages where session_id = $1 and direction = 'in' and type = 'text'`;
  return (await database.asOwner<{ n: number }>(text, [sessions_of.get(number)]))[0]?.n ?? 0;
}

/** An API that takes whatever a worker says. */
async function startApi() {
  const registered = Promise.withResolvers<undefined>();
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const is_registering = request.url?.endsWith('/register');
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(is_registering ? { worker_id: randomUUID(), heartbeat_ms: 30_000 } : { lost: [] }));
      if (is_registering) registered.resolve(undefined);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    registered: registered.promise,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** What it takes this machine to make a page durable, in ms: the least that a journal can cost a group. */
function measureSync(): number {
  const folder = mkdtempSync(path.join(tmpdir(), 'sync-'));
  const file = openSync(path.join(folder, 'page'), 'w');
  const page = Buffer.alloc(8_192);
  const times = Array.from({ length: 50 }, () => {
    const began = performance.now();
    writeSync(file, page, 0, page.length, 0);
    fdatasyncSync(file);
    return performance.now() - began;
  });
  closeSync(file);
  rmSync(folder, { recursive: true });
  return median(times);
}
