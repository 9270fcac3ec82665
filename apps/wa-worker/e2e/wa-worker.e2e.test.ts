import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { runToExit, type SpawnedService, spawnService } from '@potentia/config/testing/spawn-service';
import { startRedis } from '@potentia/db/testing/redis';
import { createRedis } from '@potentia/domain/platform/adapters/redis';
import { signServiceToken, WORKER_AUDIENCE } from '@potentia/domain/platform/service-token';
import { createRedisLiveCodes } from '@potentia/domain/whatsapp/adapters/redis-live-codes';
import { afterAll, expect, test, vi } from 'vitest';
import { command, type Command, startWorkerWorld, untilStatus } from '../src/testing/worker.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const world = await startWorkerWorld();
const redis = createRedis({ url: world.redis.url, timeout_ms: 1_000, role: 'command' });
const codes = createRedisLiveCodes({ redis, timeout_ms: 1_000 });
afterAll(async () => {
  redis.disconnect();
  await world[Symbol.asyncDispose]();
});

const env = (more: Record<string, string> = {}) => ({ ...world.env, ...world.whatsapp.env, ...more });

/** A worker's process that the API knows. */
async function startProcess(more: Record<string, string> = {}): Promise<SpawnedService> {
  const service = await spawnService({ main, env: env({ WORKER_NAME: randomUUID(), ...more }) });
  await vi.waitFor(() => expect(service.output()).toContain('registered at the API'), { timeout: 5_000 });
  return service;
}
const send = ({ url }: SpawnedService, what: Command) => command(url, what);
const codeOf = (kind: 'qr' | 'pairing', session_id: string) =>
  vi.waitFor(
    async () => {
      const code = await codes.read(kind, session_id);
      if (!code) throw new Error('there is no code');
      return code;
    },
    { timeout: 10_000 },
  );

async function link(service: SpawnedService) {
  const session_id = randomUUID();
  const phone = world.whatsapp.addPhone();
  await send(service, { method: 'PUT', session_id, generation: 1, body: { login: { by: 'qr' } } });
  const { text } = await codeOf('qr', session_id);
  await phone.scan(text);
  await untilStatus(world, session_id, 'connected');
  return { session_id, phone, text };
}

test('without its variables it ends with 1 and a table of what is missing', async () => {
  const { code, output } = await runToExit({ main, env: { REDIS_URL: 'http://nonsense', WHATSAPP_VERSION: 'newest' } });
  expect(code).toBe(1);
  expect(output).toMatch(/DATABASE_URL +missing/);
  expect(output).toMatch(/REDIS_URL +must be redis/);
  expect(output).toMatch(/WHATSAPP_VERSION +must be a version/);
  expect(output).toMatch(/ENCRYPTION_KEYS +missing/);
  expect(output).toMatch(/SERVICE_JWT_SECRETS +missing/);
  expect(output).not.toMatch(/nonsense|newest/);
});

test('it starts, is ready, reports its health, and stops in order', async () => {
  await using service = await startProcess();
  const get = (path: string) => fetch(`${service.url}${path}`);
  const health = (await (await get('/health')).json()) as { instance_id: string };
  expect(health).toMatchObject({ status: 'ok', service: 'wa-worker' });
  await vi.waitFor(async () => expect((await get('/ready')).status).toBe(200), { timeout: 5_000 });
  expect(await (await get('/metrics')).text()).toMatch(/potentia_wa_sessions\{[^}]*status="connected"[^}]*\} 0/);
  await vi.waitFor(
    async () => {
      const text = 'select status from app.system_health where service = $1 and instance_id = $2';
      expect(await world.database.db.call(text, ['wa-worker', health.instance_id])).toEqual([{ status: 'ok' }]);
    },
    { timeout: 5_000 },
  );
  expect(await service.stop()).toEqual({ code: 0, signal: null });
  expect(service.output()).toContain('wa-worker has stopped');
});

test('a connection on which nothing is asked does not keep it from stopping in order', async () => {
  await using service = await startProcess();
  const silent = connect(Number(new URL(service.url).port), '127.0.0.1');
  silent.on('error', () => undefined);
  await once(silent, 'connect');
  await fetch(`${service.url}/health`);
  expect(await service.stop()).toEqual({ code: 0, signal: null });
});

test('it says which dependency is missing, and goes on living', async () => {
  await using own = await startRedis();
  await using service = await startProcess({ REDIS_URL: own.url });
  await vi.waitFor(async () => expect((await fetch(`${service.url}/ready`)).status).toBe(200), { timeout: 5_000 });
  await own.kill();
  await vi.waitFor(
    async () => {
      const ready = await fetch(`${service.url}/ready`);
      expect(ready.status).toBe(503);
      expect(await ready.json()).toMatchObject({ checks: { redis: { ok: false }, postgres: { ok: true } } });
    },
    { timeout: 5_000 },
  );
  expect((await fetch(`${service.url}/health`)).status).toBe(200);
});

test('nothing that it wrote while sessions were linked, by QR and by code, could link or read one', async () => {
  await using service = await startProcess({ LOG_LEVEL: 'trace' });
  const { session_id, phone, text } = await link(service);
  const by_code = randomUUID();
  const other = world.whatsapp.addPhone();
  const login = { by: 'pairing_code', phone: other.number };
  await send(service, { method: 'PUT', session_id: by_code, generation: 1, body: { login } });
  const code = (await codeOf('pairing', by_code)).text;
  await other.enterCode(code);
  await untilStatus(world, by_code, 'connected');
  await phone.send(other.number, 'A word that nobody reads');
  await vi.waitFor(async () => {
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toMatch(/stanzas_total\{direction="in"[^}]*\} [1-9]/);
  });
  expect(await service.stop()).toEqual({ code: 0, signal: null });

  const output = service.output();
  for (const id of [session_id, by_code]) expect(output).toContain(id);
  // Of a QR code: what it names, and each of the keys and the secret in it.
  const secrets = [text, ...text.split('#')[1]!.split(','), code, phone.number, other.number, phone.lid, other.lid];
  for (const secret of secrets.filter((part) => part.length > 3)) expect(output).not.toContain(secret);
  expect(output).not.toMatch(/A word that nobody reads|privKey|rootKey|ephemeralKey|chainKey|linked_devices/);
  const stored = await world.database.asOwner<{ all: string }>(
    `select coalesce(string_agg(t::text, ' '), '') as all from
       (select to_jsonb(s) from wa.sessions s union all select to_jsonb(e) from wa.events e) t`,
  );
  for (const secret of [text, code]) expect(stored[0]!.all).not.toContain(secret);
});

test('told to stop, it releases its sessions, and another worker goes on where it was', async () => {
  await using first = await startProcess();
  await using second = await startProcess();
  const { session_id, phone } = await link(first);
  expect(await first.stop()).toEqual({ code: 0, signal: null });
  expect(await world.row(session_id)).toMatchObject({ worker_id: null, generation: 1 });
  expect(phone.devices()).toMatchObject([{ is_connected: false }]);
  expect(world.api.beats.filter(({ status }) => status === 'draining').at(-1)).toMatchObject({ held: [] });

  expect((await send(second, { method: 'PUT', session_id, generation: 2, body: {} })).status).toBe(200);
  await vi.waitFor(() => expect(phone.devices()).toMatchObject([{ is_connected: true }]), { timeout: 5_000 });
});

test('killed, its sessions go on with another worker under the next generation', async () => {
  await using first = await startProcess();
  await using second = await startProcess();
  const { session_id, phone } = await link(first);
  await first.kill();
  await send(second, { method: 'PUT', session_id, generation: 2, body: {} });
  await vi.waitFor(() => expect(phone.devices()).toMatchObject([{ is_connected: true }]), { timeout: 5_000 });
});

test('one that was frozen while another took its session over lets go, and does not put the owner out', async () => {
  await using frozen = await startProcess();
  await using owner = await startProcess();
  const { session_id, phone } = await link(frozen);
  frozen.freeze();
  await send(owner, { method: 'PUT', session_id, generation: 2, body: {} });
  await vi.waitFor(async () => {
    const events = await world.events(session_id);
    expect(events.at(-1)).toMatchObject({ generation: 2, status: 'connected' });
  });
  frozen.thaw();
  await vi.waitFor(() => expect(frozen.output()).toContain('the session is another worker’s'), { timeout: 10_000 });
  const closes = await (await fetch(`${owner.url}/metrics`)).text();
  expect(closes).not.toMatch(/closes_total\{code="440"/);
  expect(phone.devices()).toMatchObject([{ is_connected: true }]);
  expect(await world.row(session_id)).toMatchObject({ generation: 2, status: 'connected' });
  const late = await send(frozen, { method: 'POST', session_id, generation: 1, path: '/logout' });
  expect(late).toMatchObject({ status: 404, body: { code: 'worker.session_not_held' } });
});

test('a server that is not WhatsApp is not talked to', async () => {
  const { NODE_OPTIONS: _preload, ...untrusting } = world.whatsapp.env;
  const service = await spawnService({ main, env: { ...world.env, ...untrusting, WORKER_NAME: randomUUID() } });
  await using _service = service;
  await vi.waitFor(() => expect(service.output()).toContain('registered at the API'), { timeout: 5_000 });
  const session_id = randomUUID();
  await send(service, { method: 'PUT', session_id, generation: 1, body: { login: { by: 'qr' } } });
  await untilStatus(world, session_id, 'connecting', 'refused_400');
  expect(await codes.read('qr', session_id)).toBeNull();
});

test('a token that was forged, has expired, or is another service’s opens nothing', async () => {
  await using service = await startProcess();
  const { session_id } = await link(service);
  const session = { session_id, generation: 1 };
  const good = { issuer: 'api', audience: WORKER_AUDIENCE, session };
  const own = [world.env.SERVICE_JWT_SECRETS!] as const;
  const tokens = [
    await signServiceToken(['forged-by-somebody-with-32-letters'], good),
    await signServiceToken(own, { ...good, now: new Date(Date.now() - 600_000) }),
    await signServiceToken(own, { ...good, audience: 'potentia-api' }),
    await signServiceToken(own, { ...good, session: { session_id: randomUUID(), generation: 1 } }),
  ];
  for (const token of tokens) {
    const answer = await send(service, { ...session, method: 'POST', path: '/logout', token });
    expect(answer.status).toBe(401);
  }
  expect(await world.row(session_id)).toMatchObject({ status: 'connected' });
});
