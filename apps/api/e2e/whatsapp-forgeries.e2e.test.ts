import { randomBytes, randomUUID } from 'node:crypto';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { API_AUDIENCE, signServiceToken, WORKER_AUDIENCE } from '@potentia/domain/platform/service-token';
import { newId } from '@potentia/domain/platform/uuid';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from '../src/testing/api.ts';
import { type Signing, signWorkerWebhook } from '../src/testing/worker-webhook.ts';
import { type GatewayStack, START_MS, startGateway } from './gateway-stack.ts';
import { type Json, type Phone, request, type Session, SOON, Tenant } from './gateway-tenant.ts';

/* The doors between the services, on the running system, and whoever pretends to be one. */

let stack: GatewayStack;
let tenant: Tenant;
let session: Session & { phone: Phone };
let hook: Awaited<ReturnType<Tenant['hook']>>;
beforeAll(async () => {
  stack = await startGateway();
  tenant = await Tenant.start(stack);
  hook = await tenant.hook();
  session = await tenant.linked();
}, START_MS);
afterAll(async () => {
  await tenant?.[Symbol.asyncDispose]();
  await stack?.[Symbol.asyncDispose]();
});
afterEach(async () => {
  // Whoever came, and however often: nothing has changed, and nothing was sent.
  expect(await session.ok('GET')).toMatchObject({ status: 'connected', phone: session.phone.number });
  expect(session.phone.devices()).toMatchObject([{ is_connected: true }]);
  expect((await session.ok('GET', '/messages')).items).toEqual([]);
});

type Door = [method: string, path: string, body?: object];

describe('a worker', () => {
  const token = (more: object = {}, secret = GATEWAY_SECRETS.SERVICE_JWT_SECRETS): Promise<string> =>
    signServiceToken([secret], { issuer: 'api', audience: WORKER_AUDIENCE, ...more });
  const command = (bearer: string | null, method: string, path: string, body?: object): Promise<Answer> =>
    request(stack.workers[0]!.url, bearer, method, `/sessions/${session.id}${path}`, body);
  const commands: Door[] = [
    ['PUT', '', { settings: {}, login: null }],
    ['POST', '/release'],
    ['POST', '/disconnect'],
    ['POST', '/logout'],
    ['POST', '/restore'],
    ['POST', '/backup'],
    ['POST', '/pairing-code', { phone: '6281234567890' }],
    ['PATCH', '/settings', { settings: {} }],
    ['GET', '/messages'],
    ['GET', '/groups'],
    ['DELETE', ''],
  ];

  it('obeys nobody without a token of ours for this session', async () => {
    const { generation } = await session.ok('GET');
    const mine = { session_id: session.id, generation: generation as number };
    const tokens = [
      null,
      tenant.who.token,
      await tenant.key(['workspace:admin', 'whatsapp:write']),
      await token({ session: mine }, 'forged-by-somebody-with-32-letters'),
      await token({ session: mine, now: new Date(Date.now() - 120_000) }),
      await token({ session: mine, audience: API_AUDIENCE }),
      await token({ session: { ...mine, session_id: randomUUID() } }),
      await token(),
    ];
    for (const bearer of tokens)
      for (const [method, path, body] of commands)
        expect((await command(bearer, method, path, body)).status, `${method} ${path}`).toBe(401);
  });

  it('obeys no decision but the last', async () => {
    const { generation } = await session.ok('GET');
    await session.ok('POST', '/disconnect');
    await session.untilStatus('disconnected');
    await session.ok('POST', '/connect', {});
    const card = await session.untilStatus('connected');
    expect(card.generation).toBeGreaterThan(generation as number);
    const under = (number: number) => token({ session: { session_id: session.id, generation: number } });
    const old = await under(generation as number);
    const send = { idempotency_key: randomUUID(), requested_by: tenant.who.user_id, request_id: 'r' };
    const input = { to: { phone: '6281234567890' }, content: { type: 'text', text: 'forged' } };
    // Any worker may read; what only the owner does, it does under its own decision.
    const owners = commands.filter(([, path]) => path !== '/messages');
    const stale = { status: 409, body: { code: 'worker.generation_stale' } };
    for (const [method, path, body] of [...owners, ['POST', '/messages', { ...send, input }] as Door])
      expect(await command(old, method, path, body), `${method} ${path}`).toMatchObject(stale);
    // One that was never made moves nothing either, but for taking the session.
    const unmade = await under((card.generation as number) + 5);
    for (const [method, path, body] of owners.filter(([method]) => method !== 'PUT'))
      expect((await command(unmade, method, path, body)).status, `${method} ${path}`).toBe(409);
  });

  it('is registered, listed and drained by services alone', async () => {
    const doors: Door[] = [
      ['POST', '/register', { name: 'forged', url: 'http://127.0.0.1:1', version: '1', capacity: 1 }],
      ['PUT', `/${randomUUID()}/heartbeat`, { sessions: 0 }],
      ['GET', ''],
      ['POST', `/${randomUUID()}/drain`],
      ['GET', '/dead-letters'],
      ['POST', '/dead-letters/redrive', {}],
    ];
    const at = (bearer: string | null, [method, path, body]: Door) =>
      request(stack.api.url, bearer, method, `/api/admin/workers${path}`, body);
    const tokens = [
      null,
      tenant.who.token,
      await token(),
      await token({ audience: API_AUDIENCE }, 'forged-by-somebody-with-32-letters'),
      await token({ audience: API_AUDIENCE, now: new Date(Date.now() - 120_000) }),
    ];
    for (const bearer of tokens) for (const door of doors) expect((await at(bearer, door)).status, door[1]).toBe(401);
    const good = await token({ audience: API_AUDIENCE });
    expect((await at(good, ['GET', ''])).body.items).toMatchObject([{ health: 'good', placed: expect.any(Number) }]);
  });
});

describe('what claims to come of a worker', () => {
  const event = (card: Json, more: object = {}) => ({
    worker_id: card.worker_id as string,
    items: [
      {
        ...{
          event_id: newId(),
          seq: 1_000_000_000,
          created_at: new Date().toISOString(),
          request_id: null,
          traceparent: null,
        },
        data: {
          ...{
            session_id: session.id,
            generation: card.generation as number,
            status: 'connected',
            reason: 'said twice',
          },
          ...{ close_code: null, phone: null, lid: null, profile_name: null, qr: null, at: new Date().toISOString() },
          ...more,
        },
      },
    ],
  });
  const tell = (body: string, headers: Record<string, string>): Promise<Response> =>
    fetch(`${stack.api.url}/api/webhooks/session-status`, { method: 'POST', headers, body });

  it('is refused when it is forged, old, too new, changed, or signed with the secret of a customer', async () => {
    const body = JSON.stringify(event(await session.ok('GET'), { status: 'banned' }));
    const signings: Signing[] = [
      { secrets: [`whsec_${randomBytes(32).toString('base64')}`] },
      { secrets: [hook.secret] },
      { late_s: 600 },
      { late_s: -600 },
      { headers: { 'webhook-id': newId() } },
      { headers: { 'webhook-signature': '' } },
      { headers: { authorization: `Bearer ${tenant.who.token}`, 'webhook-signature': 'v1,' } },
    ];
    for (const signing of signings) expect((await tell(body, signWorkerWebhook(body, signing))).status).toBe(401);
    const changed = body.replace('"banned"', '"failed"');
    expect((await tell(changed, signWorkerWebhook(body))).status).toBe(401);
    const genuine = hook.receiver.requests[0]!;
    const { 'content-length': _length, host: _host, connection: _connection, ...headers } = genuine.headers;
    expect((await tell(genuine.body, headers as Record<string, string>)).status).toBe(401);
  });

  it('counts once when it is played again, and not at all of a placement that is over or of another worker', async () => {
    const card = await session.ok('GET');
    const send = async (batch: object) => {
      const body = JSON.stringify(batch);
      return (await tell(body, signWorkerWebhook(body))).json();
    };
    const over = event({ ...card, generation: card.generation - 1 }, { status: 'banned' });
    expect(await send(over)).toEqual({ taken: 0, repeated: 0, ignored: 1 });
    const foreign = event({ ...card, worker_id: randomUUID() }, { status: 'banned' });
    expect(await send(foreign)).toEqual({ taken: 0, repeated: 0, ignored: 1 });
    const once = event(card);
    expect(await send(once)).toEqual({ taken: 1, repeated: 0, ignored: 0 });
    for (let n = 0; n < 3; n += 1) expect(await send(once)).toEqual({ taken: 0, repeated: 1, ignored: 0 });
    await expect.poll(() => hook.told().filter(({ data }) => data.reason === 'said twice').length, SOON).toBe(1);
  });
});
