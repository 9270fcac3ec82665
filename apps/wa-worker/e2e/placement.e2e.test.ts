import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { type SpawnedService, spawnService } from '@potentia/config/testing/spawn-service';
import { freePort } from '@potentia/db/testing/redis';
import { API_AUDIENCE, signServiceToken } from '@potentia/domain/platform/service-token';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { startObjects, type TestObjects } from '@potentia/sandbox/testing/objects';
import { startWhatsApp, type TestWhatsApp } from '@potentia/sandbox/testing/whatsapp';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';

/* The whole gateway as it runs: API, jobs, workers and a WhatsApp of the sandbox, by HTTP alone. */

const mainOf = (app: string): string => fileURLToPath(new URL(`../../${app}/src/main.ts`, import.meta.url));
/** Milliseconds; a worker is dead after three of these, and is looked for every ten seconds. */
const HEARTBEAT = '500';

let backends: Backends;
let objects: TestObjects;
let whatsapp: TestWhatsApp;
let api: SpawnedService;
let jobs: SpawnedService;
let token: string;
beforeAll(async () => {
  [backends, objects, whatsapp] = await Promise.all([startBackends(), startObjects(), startWhatsApp()]);
  const shared = {
    NODE_ENV: 'test',
    DATABASE_TIMEOUT_MS: '5000',
    REDIS_URL: backends.redis.url,
    REDIS_TIMEOUT_MS: '500',
    ENCRYPTION_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
    WHATSAPP_HEARTBEAT_MS: HEARTBEAT,
    ...GATEWAY_SECRETS,
    ...objects.env,
  };
  const auth = {
    SUPABASE_URL: backends.issuer.url,
    SUPABASE_ANON_KEY: 'anon',
    SUPABASE_SERVICE_ROLE_KEY: 'service',
    PORT: String(await freePort()),
  };
  const { app_url, job_url } = backends.database;
  [api, jobs] = await Promise.all([
    spawnService({ main: mainOf('api'), env: { ...shared, ...auth, DATABASE_URL: app_url } }),
    spawnService({ main: mainOf('jobs'), env: { ...shared, DATABASE_URL: job_url, APP_DATABASE_URL: app_url } }),
  ]);
  token = await backends.issuer.sign({ sub: randomUUID(), email: 'a@example.com' });
}, 60_000);
afterAll(async () => {
  await Promise.all([api, jobs].map((service) => service?.[Symbol.asyncDispose]()));
  await whatsapp?.[Symbol.asyncDispose]();
  await objects?.[Symbol.asyncDispose]();
  await backends?.[Symbol.asyncDispose]();
});

async function startWorker(more: Record<string, string> = {}): Promise<SpawnedService> {
  const worker = await spawnService({
    main: mainOf('wa-worker'),
    env: {
      NODE_ENV: 'test',
      DATABASE_URL: backends.database.wa_url,
      DATABASE_TIMEOUT_MS: '5000',
      REDIS_URL: backends.redis.url,
      REDIS_TIMEOUT_MS: '500',
      ENCRYPTION_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
      API_URL: api.url,
      WORKER_NAME: randomUUID(),
      ...GATEWAY_SECRETS,
      ...objects.env,
      ...whatsapp.env,
      ...more,
    },
  });
  onTestFinished(() => worker[Symbol.asyncDispose]());
  await vi.waitFor(() => expect(worker.output()).toContain('registered at the API'), { timeout: 10_000 });
  return worker;
}

type Json = Record<string, unknown>;
async function call(
  bearer: string,
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; body: Json }> {
  const response = await fetch(`${api.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${bearer}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Json };
}

const SESSIONS = '/api/v1/whatsapp/sessions';
const card = async (id: string) => (await call(token, 'GET', `${SESSIONS}/${id}`)).body;
const until = (id: string, wanted: object, timeout = 20_000) =>
  vi.waitFor(async () => expect(await card(id)).toMatchObject(wanted), { timeout, interval: 100 });

/** A session that a phone has scanned. */
async function link(): Promise<{ id: string; phone: ReturnType<TestWhatsApp['addPhone']> }> {
  const made = await call(token, 'POST', SESSIONS, { name: 'Toko' });
  expect(made.status).toBe(201);
  const id = made.body['id'] as string;
  expect((await call(token, 'POST', `${SESSIONS}/${id}/connect`, {})).status).toBe(202);
  await until(id, { status: 'pairing' });
  const qr = await call(token, 'GET', `${SESSIONS}/${id}/qr`);
  const phone = whatsapp.addPhone();
  await phone.scan(String(qr.body['qr']));
  await until(id, { status: 'connected', phone: phone.number });
  return { id, phone };
}

const workers = async () => {
  const bearer = await signServiceToken([GATEWAY_SECRETS.SERVICE_JWT_SECRETS], {
    issuer: 'operator',
    audience: API_AUDIENCE,
  });
  return (await call(bearer, 'GET', '/api/admin/workers')).body['items'] as {
    url: string;
    id: string;
    status: string;
  }[];
};

test('a session is linked, outlives the death of its worker, moves, and is deleted at its worker', async () => {
  const first = await startWorker();
  const { id, phone } = await link();
  expect(await card(id)).toMatchObject({ generation: 1, desired_state: 'connected' });

  // Killed: another one takes over, with the same keys and no scan.
  const second = await startWorker();
  await first.kill();
  await until(id, { generation: 2, status: 'connected' }, 30_000);
  const [taken] = (await workers()).filter(({ url }) => url === second.url);
  expect((await card(id))['worker_id']).toBe(taken?.id);

  // Moved on demand, and by the end of a worker in order.
  const third = await startWorker();
  expect((await call(token, 'POST', `${SESSIONS}/${id}/migrate`, {})).status).toBe(202);
  await until(id, { generation: 3, status: 'connected' });
  expect(await third.stop()).toMatchObject({ code: 0 });
  await until(id, { generation: 4, status: 'connected' });
  expect(phone.devices()).toHaveLength(1);

  // It still hears, and is unlinked when it goes.
  expect((await call(token, 'DELETE', `${SESSIONS}/${id}`)).status).toBe(204);
  await vi.waitFor(() => expect(phone.devices()).toHaveLength(0), { timeout: 20_000 });
  await vi.waitFor(
    async () => {
      const rows = await backends.database.asOwner('select 1 from app.whatsapp_sessions where id = $1', [id]);
      expect(rows).toEqual([]);
    },
    { timeout: 20_000 },
  );
  expect(await backends.database.asOwner('select 1 from wa.sessions where session_id = $1', [id])).toEqual([]);
  await second.stop();
}, 120_000);

test('a frozen worker that wakes up finds its session with another, and does not quarrel', async () => {
  const frozen = await startWorker();
  const { id, phone } = await link();
  const other = await startWorker();
  frozen.freeze();
  await until(id, { generation: 2, status: 'connected' }, 30_000);
  frozen.thaw();
  await vi.waitFor(() => expect(frozen.output()).toMatch(/lost|another worker/i), { timeout: 20_000 });
  await whatsapp.addPhone().send(phone.number, { kind: 'text', text: 'still there?' });
  await vi.waitFor(
    async () => {
      const { body } = await call(token, 'GET', `${SESSIONS}/${id}/messages?direction=in`);
      expect(body['items']).toHaveLength(1);
    },
    { timeout: 20_000 },
  );
  expect(await card(id)).toMatchObject({ generation: 2, status: 'connected' });
  await other.stop();
}, 120_000);
