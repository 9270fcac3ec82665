import { randomUUID } from 'node:crypto';
import { seedSession, seedWorker, type SeededSession } from '@potentia/db/testing/seed-whatsapp';
import { addMember, seedApiKey, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import { decodeBusMessage, meChannel } from '@potentia/domain/platform/bus';
import { createRedis } from '@potentia/domain/platform/adapters/redis';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { batchOf, inboundEvent, statusEvent, usageEvent } from '@potentia/domain/whatsapp/testing/worker-events';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startApi, type TestApi } from '../testing/api.ts';
import { type Signing, signWorkerWebhook, tellApi } from '../testing/worker-webhook.ts';

const OLD = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const NEW = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
const OTHER = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;

let backends: Backends;
let api: TestApi;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends, { WORKER_WEBHOOK_SECRETS: `${NEW},${OLD}` });
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await backends?.[Symbol.asyncDispose]();
});

type Kind = Parameters<typeof tellApi>[1];
const tell = (kind: Kind, body: unknown, signing: Signing = {}) =>
  tellApi(api, kind, body, { secrets: [NEW], ...signing });

interface Scene {
  workspace: SeededWorkspace;
  worker_id: string;
  session: SeededSession;
}
async function setUp(): Promise<Scene> {
  const workspace = await seedWorkspace(backends.database.db);
  const { worker_id } = await seedWorker(backends.database);
  return { workspace, worker_id, session: await seedSession(backends.database, workspace, { worker_id }) };
}

const cardOf = async ({ session_id }: SeededSession) => {
  const text = `select status, status_reason, close_code, qr_serial, phone, lid, profile_name
    from app.whatsapp_sessions where id = $1`;
  return (await backends.database.asOwner(text, [session_id]))[0];
};
/** What people are to be told, in the order in which it goes out. */
const told = ({ workspace_id }: { workspace_id: string }) =>
  backends.database.asOwner<{
    payload: Record<string, unknown>;
    traceparent: string | null;
    request_id: string | null;
  }>(
    `select payload, traceparent, request_id from app.outbox
     where topic = 'me.deliver' and workspace_id = $1 order by available_at, id`,
    [workspace_id],
  );
const REFUSED = { code: 'worker.unauthenticated', detail: 'This does not come from a worker.', status: 401 };

describe('who is let in', () => {
  const asked = async (signing: Signing, body?: string) => {
    const { session, worker_id } = await setUp();
    const before = await cardOf(session);
    const given = body ?? JSON.stringify(batchOf(worker_id, [statusEvent(session, { status: 'banned' })]));
    const answer = await tell('session-status', given, signing);
    if (answer.status !== 200) expect(await cardOf(session)).toEqual(before);
    return answer;
  };

  it('is whoever signs with one of the secrets, the one that is new and the one that was', async () => {
    for (const secrets of [[NEW], [OLD], [OLD, NEW], [OTHER, OLD]] as [string, ...string[]][]) {
      expect(await asked({ secrets })).toMatchObject({ status: 200, body: { taken: 1 } });
    }
  });

  it('is nobody else, and all who are refused are told the same', async () => {
    const answers = [
      await asked({ secrets: [OTHER] }),
      await asked({ late_s: 301 }),
      await asked({ late_s: -301 }),
      await asked({ headers: { 'webhook-signature': 'v1,AAAA' } }),
      await asked({ headers: { 'webhook-signature': '' } }),
      await asked({ headers: { 'webhook-id': 'another' } }),
      await asked({ headers: { 'webhook-timestamp': 'yesterday' } }),
      await api.call(null, 'POST', '/api/webhooks/session-status', '{}', { 'content-type': 'application/json' }),
      await api.call(null, 'POST', '/api/webhooks/session-status'),
    ];
    for (const { status, headers, body } of answers) {
      expect([status, headers['content-type']?.split(';')[0]]).toEqual([401, 'application/problem+json']);
      const { request_id: _, instance: _instance, title: _title, type: _type, ...rest } = body;
      expect(rest).toEqual(REFUSED);
    }
    expect(await asked({ late_s: 290 })).toMatchObject({ status: 200 });
  });

  it('is not who signs something else than is sent, nor a person with a token', async () => {
    const { session, worker_id, workspace } = await setUp();
    const body = JSON.stringify(batchOf(worker_id, [statusEvent(session)]));
    const headers = signWorkerWebhook(body, { secrets: [NEW] });
    const forged = await api.call(
      null,
      'POST',
      '/api/webhooks/session-status',
      body.replace('connected', 'failed'),
      headers,
    );
    expect(forged).toMatchObject({ status: 401, body: REFUSED });
    const token = await backends.issuer.sign({ sub: workspace.owner_user_id });
    const bearer = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    expect(await api.call(null, 'POST', '/api/webhooks/session-status', body, bearer)).toMatchObject({ status: 401 });
    const metrics = await api.call(null, 'GET', '/metrics');
    expect(metrics.text).toMatch(/worker_webhooks_refused_total\{reason="mismatch",service="api"\} [1-9]/);
    expect(metrics.text).toMatch(/worker_webhooks_refused_total\{reason="too_old",service="api"\} [1-9]/);
  });

  it('may ask for many sessions from one address, and not without end', async () => {
    await using strict = await startApi(backends, { IP_RATE_LIMIT: '1' });
    const ask = () => tellApi(strict, 'session-status', '{}');
    const answers = [];
    for (let n = 0; n < 40; n += 1) answers.push((await ask()).status);
    expect(answers.slice(0, 20)).toEqual(Array(20).fill(400));
    expect(answers).toContain(429);
    const persons = [];
    for (let n = 0; n < 6; n += 1) persons.push((await strict.call(null, 'GET', '/api/v1/canvases')).status);
    expect(persons).toContain(429);
  });

  it('sends JSON, not too much of it, of the shape that is declared', async () => {
    const { session, worker_id } = await setUp();
    expect(await asked({ headers: { 'content-type': 'text/plain' } })).toMatchObject({ status: 415 });
    expect(await asked({}, ' '.repeat(2_097_153))).toMatchObject({ status: 413 });
    expect(await asked({}, '{"worker_id":')).toMatchObject({ status: 400, body: { code: 'http.invalid_json' } });
    expect(await asked({}, '{}')).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
    const two = await setUp();
    const mixed = batchOf(worker_id, [statusEvent(session), statusEvent(two.session)]);
    expect(await tell('session-status', mixed)).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/items', message: 'must be events of one session, each once' }] },
    });
    const many = batchOf(
      worker_id,
      Array.from({ length: 101 }, () => statusEvent(session)),
    );
    expect(await tell('session-status', many)).toMatchObject({ status: 400 });
    expect(await tell('message-inbound', batchOf(worker_id, [statusEvent(session)]))).toMatchObject({ status: 400 });
    const negative = batchOf(worker_id, [usageEvent(session, { sent: -1 })]);
    expect(await tell('session-usage', negative)).toMatchObject({ status: 400 });
  });
});

describe('how a session is', () => {
  it('stands on its card, and is told to the admins of its workspace and to nobody else', async () => {
    const { workspace, session, worker_id } = await setUp();
    const admin = await addMember(backends.database.db, workspace, 'admin');
    await addMember(backends.database.db, workspace, 'member');
    await seedApiKey(backends.database.db, workspace);
    const event = statusEvent(session, { phone: '6281200000009', lid: '77', profile_name: 'Ada' });
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const body = batchOf(worker_id, [event], { request_id: 'request-of-the-call', traceparent });
    expect(await tell('session-status', body)).toMatchObject({
      status: 200,
      body: { taken: 1, repeated: 0, ignored: 0 },
    });
    expect(await cardOf(session)).toEqual({
      status: 'connected',
      status_reason: null,
      close_code: null,
      qr_serial: null,
      phone: '6281200000009',
      lid: '77',
      profile_name: 'Ada',
    });
    const rows = await told(workspace);
    expect(new Set(rows.map(({ payload }) => payload['user_id']))).toEqual(
      new Set([workspace.owner_user_id, admin.user_id]),
    );
    expect(rows[0]).toMatchObject({
      payload: {
        type: 'whatsapp.session',
        session_id: session.session_id,
        workspace_id: workspace.workspace_id,
        status: 'connected',
        phone: '6281200000009',
      },
      traceparent,
      request_id: 'request-of-the-call',
    });
  });

  it('counts once, however often it comes, also at the same time', async () => {
    const { workspace, session, worker_id } = await setUp();
    const body = batchOf(worker_id, [
      statusEvent(session),
      statusEvent(session, { status: 'disconnected', close_code: 428 }),
    ]);
    const answers = await Promise.all(Array.from({ length: 4 }, () => tell('session-status', body)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(answers.map(({ body }) => body.taken).toSorted()).toEqual([0, 0, 0, 2]);
    expect(answers.map(({ body }) => body.repeated).toSorted()).toEqual([0, 2, 2, 2]);
    expect(await cardOf(session)).toMatchObject({ status: 'disconnected', close_code: 428 });
    expect((await told(workspace)).map(({ payload }) => payload['status'])).toEqual(['connected', 'disconnected']);
  });

  it('is taken from the worker and the generation that the card names alone; what is over is passed over', async () => {
    const { workspace, session, worker_id } = await setUp();
    const other = await seedWorker(backends.database);
    await backends.database.asOwner('update app.whatsapp_sessions set generation = 5 where id = $1', [
      session.session_id,
    ]);
    const now = { ...session, generation: 5 };
    const banned = (generation: number) => statusEvent({ ...session, generation }, { status: 'banned' });
    expect((await tell('session-status', batchOf(worker_id, [banned(4)]))).body).toMatchObject({
      taken: 0,
      ignored: 1,
    });
    expect((await tell('session-status', batchOf(other.worker_id, [banned(5)]))).body).toMatchObject({ ignored: 1 });
    expect(await cardOf(session)).toMatchObject({ status: 'connected' });
    expect(await told(workspace)).toEqual([]);

    const early = batchOf(worker_id, [statusEvent(now, { status: 'pairing' })]);
    const late = batchOf(worker_id, [statusEvent(now, { status: 'failed' })]);
    expect((await tell('session-status', late)).body).toMatchObject({ taken: 1 });
    expect((await tell('session-status', early)).body).toMatchObject({ taken: 0, ignored: 1 });
    expect(await cardOf(session)).toMatchObject({ status: 'failed' });
  });

  it('is taken under a new generation, also when the numbers of events begin anew', async () => {
    const { session, worker_id } = await setUp();
    await tell('session-status', batchOf(worker_id, [statusEvent(session, { status: 'failed' })]));
    await backends.database.asOwner('update app.whatsapp_sessions set generation = 2 where id = $1', [
      session.session_id,
    ]);
    const body = batchOf(worker_id, [statusEvent({ ...session, generation: 2 })]);
    body.items[0]!.seq = 0;
    expect((await tell('session-status', body)).body).toMatchObject({ taken: 1 });
    expect(await cardOf(session)).toMatchObject({ status: 'connected' });
  });

  it('of a generation that never was is to be kept, and of a session that is gone is nobody’s', async () => {
    const { session, worker_id } = await setUp();
    for (const [kind, event] of [
      ['session-status', statusEvent({ ...session, generation: 2 })],
      ['message-inbound', inboundEvent({ ...session, generation: 2 }, 'words')],
    ] as const) {
      const body = batchOf(worker_id, [event]);
      const early = await tell(kind, body);
      expect(early).toMatchObject({ status: 409, body: { code: 'whatsapp.generation_unknown' } });
      // Nothing of it was remembered.
      await backends.database.asOwner('update app.whatsapp_sessions set generation = 2 where id = $1', [
        session.session_id,
      ]);
      expect(await tell(kind, body)).toMatchObject({ status: 200, body: { taken: 1 } });
      await backends.database.asOwner('update app.whatsapp_sessions set generation = 1 where id = $1', [
        session.session_id,
      ]);
    }
    const gone = batchOf(worker_id, [statusEvent({ session_id: randomUUID(), generation: 1 })]);
    expect(await tell('session-status', gone)).toMatchObject({
      status: 200,
      body: { taken: 0, repeated: 0, ignored: 1 },
    });
  });

  it('shows a QR code to the admins who are connected, and keeps it nowhere', async () => {
    const { workspace, session, worker_id } = await setUp();
    const member = await addMember(backends.database.db, workspace, 'member');
    const listener = createRedis({ url: backends.redis.url, timeout_ms: 1_000, role: 'subscriber' });
    await vi.waitFor(() => listener.ping());
    const heard: [string, Record<string, unknown>][] = [];
    listener.on('message', (channel: string, text: string) => {
      const message = decodeBusMessage(text);
      if (message?.kind === 'whatsapp') heard.push([channel, JSON.parse(message.frame) as Record<string, unknown>]);
    });
    listener.on('smessage', (channel: string, text: string) => listener.emit('message', channel, text));
    const channels = [workspace.owner_user_id, member.user_id].map(meChannel);
    await listener.subscribe(...channels);
    await listener.ssubscribe(channels[0]!);
    await listener.ssubscribe(channels[1]!);

    const expires_at = new Date(Date.now() + 60_000).toISOString();
    const text = `2@${randomUUID()},secret`;
    await api.context.live_codes.put('qr', session.session_id, { text, serial: 3, expires_at });
    const body = batchOf(worker_id, [statusEvent(session, { status: 'pairing', qr: { serial: 3, expires_at } })]);
    expect(await tell('session-status', body)).toMatchObject({ status: 200, body: { taken: 1 } });
    await vi.waitFor(() => expect(heard).toHaveLength(1));
    const frame = { type: 'whatsapp.qr', session_id: session.session_id, qr: text, serial: 3, expires_at };
    expect(heard).toEqual([[meChannel(workspace.owner_user_id), frame]]);
    listener.disconnect();

    expect(await cardOf(session)).toMatchObject({ status: 'pairing', qr_serial: 3 });
    const rows = await told(workspace);
    expect(rows).toMatchObject([{ payload: { status: 'pairing', qr: { serial: 3, expires_at } } }]);
    expect(JSON.stringify(rows)).not.toContain(text);
    // It is gone from the card with the status.
    await tell('session-status', batchOf(worker_id, [statusEvent(session)]));
    expect(await cardOf(session)).toMatchObject({ status: 'connected', qr_serial: null });
  });
});
