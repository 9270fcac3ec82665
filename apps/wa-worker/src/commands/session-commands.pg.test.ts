import { createHmac, randomUUID } from 'node:crypto';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { API_AUDIENCE, signServiceToken, WORKER_AUDIENCE } from '@potentia/domain/platform/service-token';
import { afterAll, describe, expect, test, vi } from 'vitest';
import {
  linkSession,
  readCode,
  startWorker,
  startWorkerWorld,
  untilReconnected,
  untilStatus,
} from '../testing/worker.ts';

const world = await startWorkerWorld();
const worker = await startWorker(world);
afterAll(async () => {
  await worker.stop();
  await world[Symbol.asyncDispose]();
});

const secret = GATEWAY_SECRETS.SERVICE_JWT_SECRETS;
const sign = (session_id: string, more: Partial<Parameters<typeof signServiceToken>[1]> = {}, by = secret) =>
  signServiceToken([by], { issuer: 'api', audience: WORKER_AUDIENCE, session: { session_id, generation: 1 }, ...more });
const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a command is refused', async () => {
  const { session_id } = await linkSession(world, worker);
  const now = Math.floor(Date.now() / 1_000);
  const claims = {
    iss: 'api',
    aud: WORKER_AUDIENCE,
    sid: session_id,
    gen: 1,
    jti: randomUUID(),
    iat: now,
    exp: now + 60,
  };
  const good = await sign(session_id);
  const longLived = (): string => {
    const text = `${base64({ alg: 'HS256' })}.${base64({ ...claims, exp: now + 3_600 })}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  };
  const withoutSession = await signServiceToken([secret], { issuer: 'api', audience: WORKER_AUDIENCE });

  test.each([
    ['without a token', ''],
    ['with none that is one', 'nonsense'],
    ['signed with another secret', await sign(session_id, {}, 'x'.repeat(32))],
    ['not signed', `${base64({ alg: 'none' })}.${base64(claims)}.`],
    ['changed since it was signed', good.replace(/\.[^.]+\./, `.${base64({ ...claims, gen: 9 })}.`)],
    ['expired', await sign(session_id, { now: new Date(Date.now() - 120_000) })],
    ['good for too long', longLived()],
    ['for the API', await sign(session_id, { audience: API_AUDIENCE })],
    ['for another session', await sign(randomUUID())],
    ['for no session', withoutSession],
  ])('%s', async (_what, token) => {
    const ref = { session_id, generation: 1, token };
    const before = worker.held(session_id)!.sock;
    for (const [method, path] of [
      ['PUT', ''],
      ['POST', '/release'],
      ['POST', '/logout'],
      ['DELETE', ''],
      ['POST', '/pairing-code'],
      ['PATCH', '/settings'],
      ['POST', '/backup'],
      ['POST', '/restore'],
    ] as const) {
      const answer = await worker.send({ ...ref, method, path, ...(method !== 'DELETE' && { body: {} }) });
      expect(answer, `${method} ${path}`).toMatchObject({
        status: 401,
        body: { code: expect.stringMatching(/^auth\./) },
      });
    }
    expect(worker.held(session_id)).toMatchObject({ sock: before, status: 'connected' });
  });

  test('under a generation that is not the one it holds, older or newer', async () => {
    for (const generation of [0, 2]) {
      const answer = await worker.send({ method: 'POST', session_id, generation, path: '/disconnect' });
      expect(answer).toMatchObject({ status: 409, body: { code: 'worker.generation_stale' } });
    }
    expect(worker.held(session_id)?.status).toBe('connected');
  });

  test('for a session that it does not hold', async () => {
    const answer = await worker.send({ method: 'POST', session_id: randomUUID(), generation: 1, path: '/release' });
    expect(answer).toMatchObject({ status: 404, body: { code: 'worker.session_not_held' } });
  });

  test('when it says what nobody knows', async () => {
    const wrong = { method: 'PUT', session_id, generation: 1, body: { login: { by: 'magic' }, more: true } };
    expect(await worker.send(wrong)).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
    const version = { method: 'PUT', session_id, generation: 1, body: { version: 'latest' } };
    expect(await worker.send(version)).toMatchObject({ status: 400, body: { errors: [{ pointer: '/version' }] } });
  });
});

test('what is said again changes nothing', async () => {
  const { session_id, phone } = await linkSession(world, worker);
  const { sock } = worker.held(session_id)!;
  const put = {
    method: 'PUT',
    session_id,
    generation: 1,
    body: { settings: { cold_per_day: 7 }, login: { by: 'qr' } },
  };
  for (let time = 0; time < 3; time++) expect((await worker.send(put)).body).toMatchObject({ status: 'connected' });
  expect(worker.held(session_id)).toMatchObject({ sock, settings: { cold_per_day: 7 } });
  expect(phone.devices()).toMatchObject([{ is_connected: true }]);

  const ref = { method: 'POST', session_id, generation: 1, path: '/disconnect' };
  expect((await worker.send(ref)).body).toMatchObject({ status: 'disconnected' });
  expect(await worker.send(ref)).toMatchObject({ status: 404, body: { code: 'worker.session_not_held' } });
  expect(await untilStatus(world, session_id, 'disconnected', 'requested')).toMatchObject({
    worker_id: null,
  });
  expect((await worker.send({ ...put, generation: 2 })).status).toBe(200);
  await untilReconnected(worker, session_id, sock);
});

test('commands for one session that come at once are carried out one after the other', async () => {
  const session_id = randomUUID();
  const put = { method: 'PUT', session_id, generation: 1, body: { login: { by: 'qr' } } };
  const answers = await Promise.all(Array.from({ length: 5 }, () => worker.send(put)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  // Whichever of them comes first, the later decision stands.
  const [last, before] = await Promise.all([
    worker.send({ ...put, generation: 3 }),
    worker.send({ ...put, generation: 2 }),
  ]);
  expect(last.status).toBe(200);
  expect([200, 409]).toContain(before.status);
  expect(worker.held(session_id)?.generation).toBe(3);
});

test('settings are kept for the next worker', async () => {
  const { session_id } = await linkSession(world, worker);
  const settings = { messages_per_minute: 5, is_marking_read: true };
  const patch = { method: 'PATCH', session_id, generation: 1, path: '/settings' };
  expect((await worker.send({ ...patch, body: settings })).status).toBe(200);
  expect(worker.held(session_id)?.settings).toEqual(settings);
  const [row] = await world.database.asOwner('select settings from wa.sessions where session_id = $1', [session_id]);
  expect(row).toEqual({ settings });
  expect((await worker.send({ ...patch, body: { messages_per_minute: 0 } })).status).toBe(400);
});

describe('a logout', () => {
  test('is told to WhatsApp, and the keys go', async () => {
    const { session_id, phone } = await linkSession(world, worker);
    const answer = await worker.send({ method: 'POST', session_id, generation: 1, path: '/logout' });
    expect(answer.body).toMatchObject({ status: 'logged_out' });
    expect(phone.devices()).toEqual([]);
    expect(await world.row(session_id)).toMatchObject({
      status: 'logged_out',
      status_reason: 'requested',
      creds: null,
    });
    expect(worker.held(session_id)).toBeUndefined();
    // Somebody did not hear the answer.
    await worker.send({ method: 'PUT', session_id, generation: 2, body: {} });
    const again = await worker.send({ method: 'POST', session_id, generation: 2, path: '/logout' });
    expect(again.body).toMatchObject({ status: 'logged_out' });
    await linkSession(world, worker, { session_id, generation: 3 });
  });

  test.each([
    ['logged out', { method: 'POST', path: '/logout' }],
    ['deleted', { method: 'DELETE' }],
  ])('is told to WhatsApp by a worker that takes a session to have it %s', async (_what, end) => {
    const { session_id, phone } = await linkSession(world, worker);
    await worker.send({ method: 'POST', session_id, generation: 1, path: '/disconnect' });
    await vi.waitFor(() => expect(phone.devices()).toMatchObject([{ is_connected: false }]), { timeout: 5_000 });
    await worker.send({ method: 'PUT', session_id, generation: 2, body: {} });
    expect((await worker.send({ ...end, session_id, generation: 2 })).status).toBeLessThan(300);
    expect(phone.devices()).toEqual([]);
  });

  test('of a session that is away forgets the keys all the same', async () => {
    const { faults } = world.whatsapp;
    const { session_id, phone } = await linkSession(world, worker);
    faults.closeWith(phone.number, 403, 'next_login');
    faults.closeWith(phone.number, 428);
    await untilStatus(world, session_id, 'banned');
    await worker.send({ method: 'POST', session_id, generation: 1, path: '/logout' });
    expect(await world.row(session_id)).toMatchObject({ status_reason: 'requested_unconfirmed', creds: null });
  });

  test('while it is being linked ends that', async () => {
    const session_id = randomUUID();
    await worker.send({ method: 'PUT', session_id, generation: 1, body: { login: { by: 'qr' } } });
    await readCode(worker, 'qr', session_id);
    await worker.send({ method: 'POST', session_id, generation: 1, path: '/logout' });
    expect(await worker.context.live_codes.read('qr', session_id)).toBeNull();
    expect(await world.row(session_id)).toMatchObject({ status: 'logged_out', creds: null });
  });
});

test('a session that is deleted leaves nothing: no row, no file, no device, and no other session loses anything', async () => {
  const { session_id, phone } = await linkSession(world, worker);
  const { session_id: other } = await linkSession(world, worker);
  for (const id of [session_id, other])
    expect((await worker.send({ method: 'POST', session_id: id, generation: 1, path: '/backup' })).status).toBe(200);
  const tables = await world.database.asOwner<{ name: string }>(
    `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'session_id'
     where c.relnamespace = 'wa'::regnamespace and c.relkind = 'r'`,
  );
  const count = async (id: string) => {
    const counts: Record<string, number> = {};
    for (const { name } of tables) {
      const text = `select count(*)::int as n from wa.${name} where session_id = $1`;
      counts[name] = (await world.database.asOwner<{ n: number }>(text, [id]))[0]!.n;
    }
    return counts;
  };
  expect(await count(session_id)).toMatchObject({ sessions: 1, backups: 1 });
  const before = await count(other);

  expect((await worker.send({ method: 'DELETE', session_id, generation: 1 })).status).toBe(204);
  expect(Object.values(await count(session_id)).every((n) => n === 0)).toBe(true);
  expect(phone.devices()).toEqual([]);
  expect(worker.held(session_id)).toBeUndefined();
  expect(await count(other)).toEqual(before);
  const objects = await worker.context.objects.list({ prefix: 'whatsapp/backups/', limit: 100 });
  const copied = objects.map(({ key }) => key.split('/')[2]);
  expect(copied).toContain(other);
  expect(copied).not.toContain(session_id);
});

describe('credentials that are lost', async () => {
  const { session_id, phone } = await linkSession(world, worker);
  const ref = { session_id, generation: 2 };
  await worker.send({ method: 'POST', session_id, generation: 1, path: '/backup' });
  await worker.send({ method: 'POST', session_id, generation: 1, path: '/release' });
  await world.database.asOwner('update wa.sessions set creds = null, kid = null where session_id = $1', [session_id]);

  test('are not made anew: the session says so, and a way to link it is no way', async () => {
    const answer = await worker.send({ ...ref, method: 'PUT', body: { login: { by: 'qr' } } });
    expect(answer).toMatchObject({ status: 200, body: { status: 'failed' } });
    expect(await world.row(session_id)).toMatchObject({ status: 'failed', status_reason: 'credentials_lost' });
    expect((await world.events(session_id)).at(-1)).toMatchObject({ status: 'failed', reason: 'credentials_lost' });
    const code = { ...ref, method: 'POST', path: '/pairing-code', body: { phone: phone.number } };
    expect(await worker.send(code)).toMatchObject({ status: 409, body: { code: 'worker.credentials_lost' } });
    expect(await worker.context.live_codes.read('qr', session_id)).toBeNull();
  });

  test('come back from the newest backup, and the session with them', async () => {
    expect((await worker.send({ ...ref, method: 'POST', path: '/restore' })).status).toBe(200);
    await vi.waitFor(() => expect(worker.held(session_id)?.status).toBe('connected'), { timeout: 10_000 });
    const again = await worker.send({ ...ref, method: 'POST', path: '/restore' });
    expect(again).toMatchObject({ status: 409, body: { code: 'worker.credentials_present' } });
  });
});

test('the version that WhatsApp is told can be chosen with a command', async () => {
  const { session_id } = await linkSession(world, worker);
  const { sock } = worker.held(session_id)!;
  await worker.send({ method: 'POST', session_id, generation: 1, path: '/disconnect' });
  await worker.send({ method: 'PUT', session_id, generation: 2, body: { version: '2.3000.42' } });
  const held = await untilReconnected(worker, session_id, sock);
  expect((held.sock!.ws as unknown as { config: { version: number[] } }).config.version).toEqual([2, 3_000, 42]);
});

test('health and metrics need no token, and no session is a label', async () => {
  const { session_id } = await linkSession(world, worker);
  for (const path of ['/health', '/ready', '/metrics'])
    expect((await fetch(`${worker.url}${path}`)).status, path).toBe(200);
  const metrics = await (await fetch(`${worker.url}/metrics`)).text();
  expect(metrics).toMatch(/potentia_wa_sessions\{[^}]*status="connected"[^}]*\} [1-9]/);
  expect(metrics).toMatch(/potentia_wa_commands_total\{command="PUT \/sessions\/:session_id",status="200"/);
  expect(metrics).not.toContain(session_id);
  expect((await fetch(`${worker.url}/nothing`)).status).toBe(404);
  expect((await fetch(`${worker.url}/sessions/${session_id}/nothing`, { method: 'POST' })).status).toBe(404);
});
