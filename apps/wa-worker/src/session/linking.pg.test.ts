import { randomUUID } from 'node:crypto';
import { startFaultProxy } from '@potentia/db/testing/fault-proxy';
import { afterAll, expect, test, vi } from 'vitest';
import { linkSession, readCode, startWorker, startWorkerWorld, untilStatus } from '../testing/worker.ts';

const world = await startWorkerWorld();
const worker = await startWorker(world);
afterAll(async () => {
  await worker.stop();
  await world[Symbol.asyncDispose]();
});

test('a session is linked by its QR code, which is in Redis alone for as long as it lives', async () => {
  const session_id = randomUUID();
  const phone = world.whatsapp.addPhone();
  const held = await worker.send({ method: 'PUT', session_id, generation: 1, body: { login: { by: 'qr' } } });
  expect(held).toMatchObject({ status: 200, body: { session_id, generation: 1 } });

  const code = await readCode(worker, 'qr', session_id);
  await untilStatus(world, session_id, 'pairing', 'qr');
  expect(await world.row(session_id)).toMatchObject({ creds: null, linked_at: null });
  await phone.scan(code.text);
  const row = await untilStatus(world, session_id, 'connected');
  expect(row).toMatchObject({ phone: phone.number, lid: phone.lid, linked_at: expect.any(Date) as Date });
  expect(row.creds).not.toBeNull();

  expect(await worker.context.live_codes.read('qr', session_id)).toBeNull();
  const events = await world.events(session_id);
  expect(events.map(({ status, reason }) => [status, reason])).toEqual([
    ['connecting', null],
    ['pairing', 'qr'],
    ['connecting', 'linked'],
    ['connecting', 'restart_required'],
    ['connected', null],
  ]);
  expect(events[1]?.qr).toEqual({ serial: code.serial, expires_at: code.expires_at });
  expect(phone.devices()).toMatchObject([{ is_connected: true }]);
});

test('a session is linked by a code for its number, and an attempt before does not stand in its way', async () => {
  const session_id = randomUUID();
  const phone = world.whatsapp.addPhone();
  const ref = { session_id, generation: 1 };
  await worker.send({ ...ref, method: 'PUT', body: { login: { by: 'pairing_code', phone: phone.number } } });
  const first = await readCode(worker, 'pairing', session_id);
  await untilStatus(world, session_id, 'pairing', 'pairing_code');

  const again = await worker.send({ ...ref, method: 'POST', path: '/pairing-code', body: { phone: phone.number } });
  expect(again).toEqual({ status: 200, body: { serial: 2, expires_at: expect.any(String) as string } });
  const second = await readCode(worker, 'pairing', session_id);
  expect(second.text).toMatch(/^[0-9A-Z]{8}$/);
  expect(second.text).not.toBe(first.text);
  expect(await worker.context.live_codes.read('qr', session_id)).toBeNull();

  await phone.enterCode(second.text);
  expect(await untilStatus(world, session_id, 'connected')).toMatchObject({ phone: phone.number });
  const late = await worker.send({ ...ref, method: 'POST', path: '/pairing-code', body: { phone: phone.number } });
  expect(late).toMatchObject({ status: 409, body: { code: 'worker.linked' } });
});

test('another way to link a session takes the place of the one that is under way; the same again does not', async () => {
  const session_id = randomUUID();
  const phone = world.whatsapp.addPhone();
  const put = { method: 'PUT', session_id, generation: 1 };
  await worker.send({ ...put, body: { login: { by: 'qr' } } });
  await readCode(worker, 'qr', session_id);
  const { sock } = worker.held(session_id)!;
  await worker.send({ ...put, body: { login: { by: 'qr' } } });
  expect(worker.held(session_id)?.sock).toBe(sock);
  await worker.send({ ...put, body: { login: { by: 'pairing_code', phone: phone.number } } });
  const { text } = await readCode(worker, 'pairing', session_id);
  expect(await worker.context.live_codes.read('qr', session_id)).toBeNull();
  await phone.enterCode(text);
  await untilStatus(world, session_id, 'connected');
});

test('a session that nobody links ends with its codes, and begins again when it is told to', async () => {
  await using fast = await startWorker(world, { timings: { qr_ms: 60 } });
  const session_id = randomUUID();
  const ref = { method: 'PUT', session_id, generation: 1 };
  await fast.send({ ...ref, body: { login: { by: 'qr' } } });
  expect(await untilStatus(world, session_id, 'disconnected', 'qr_expired')).toMatchObject({ close_code: 408 });
  const shown = (await world.events(session_id)).filter(({ status }) => status === 'pairing');
  // Of two that are written together only the later is told.
  const serials = shown.map(({ qr }) => qr?.serial ?? 0);
  expect(serials.at(-1)).toBe(6);
  expect(serials).toEqual([...new Set(serials)].toSorted());

  expect((await fast.send({ ...ref, body: { login: { by: 'qr' } } })).status).toBe(200);
  expect((await readCode(fast, 'qr', session_id)).serial).toBeGreaterThan(6);
});

test.each(['qr', 'pairing'] as const)(
  'a code (%s) that could not be shown while Redis was away is shown when it is back',
  async (kind) => {
    const { hostname, port } = new URL(world.redis.url);
    await using redis = await startFaultProxy({ target_host: hostname, target_port: Number(port) });
    await using far = await startWorker(world, { env: { REDIS_URL: redis.url(world.redis.url) } });
    const phone = world.whatsapp.addPhone();
    const login = kind === 'qr' ? { by: 'qr' } : { by: 'pairing_code', phone: phone.number };
    const session_id = randomUUID();
    redis.refuse();
    await far.send({ method: 'PUT', session_id, generation: 1, body: { login } });
    await vi.waitFor(() => expect(far.output()).toContain('a code could not be shown'), { timeout: 10_000 });
    redis.heal();
    const { text } = await readCode(worker, kind, session_id);
    await untilStatus(world, session_id, 'pairing');
    await (kind === 'qr' ? phone.scan(text) : phone.enterCode(text));
    await untilStatus(world, session_id, 'connected');
  },
);

test('without a way to link it, a session that is not linked says so and stays away', async () => {
  const session_id = randomUUID();
  await worker.send({ method: 'PUT', session_id, generation: 1, body: {} });
  await untilStatus(world, session_id, 'disconnected', 'not_linked');
  expect(worker.held(session_id)?.sock).toBeNull();
});

test('what it wrote while sessions were linked holds no code, no key and no number', async () => {
  const { session_id, phone } = await linkSession(world, worker);
  const state = worker.held(session_id)!.state;
  const output = worker.output();
  expect(output).toContain(session_id);
  const { creds } = state;
  const secrets = [
    creds!.advSecretKey,
    ...[creds!.noiseKey, creds!.signedIdentityKey, creds!.pairingEphemeralKeyPair, creds!.signedPreKey.keyPair].flatMap(
      ({ private: key }) => [Buffer.from(key).toString('base64'), Buffer.from(key).toString('hex')],
    ),
    'linked_devices#',
    phone.number,
  ];
  for (const secret of secrets) expect(output).not.toContain(secret);
  expect(output).not.toMatch(/privKey|rootKey|"private"|Buffer/);
});
