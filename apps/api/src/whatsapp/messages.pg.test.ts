import { randomUUID } from 'node:crypto';
import { seedSession, seedWorker } from '@potentia/db/testing/seed-whatsapp';
import { handOverSends, sweepSends } from '@potentia/domain/whatsapp/hand-over-sends';
import { outboundMessageId } from '@potentia/domain/whatsapp/rules/message-id';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { person, startApi, type TestApi } from '../testing/api.ts';
import { startWorker, type TestWorker } from '../testing/worker.ts';
import { type Cast, keyFor, makeCast, makeWorld, type World } from '../testing/world.ts';

let backends: Backends;
let api: TestApi;
let cast: Cast;
let world: World;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  cast = await makeCast(api, backends);
  world = await makeWorld(api, backends, cast);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

const BODY = { to: { phone: '6281200000001' }, content: { type: 'text', text: 'a secret word' } };
const textOf = (text: string) => ({ ...BODY, content: { type: 'text', text } });

async function sessionOn(worker: TestWorker | null, overrides: { status?: string; desired_state?: string } = {}) {
  const home = { workspace_id: world.workspace_id, owner_user_id: cast.owner.user_id };
  const held = worker ? { worker_id: worker.worker_id } : {};
  return (await seedSession(backends.database, home, { ...held, ...overrides })).session_id;
}

const at = (session_id: string, rest = ''): string => `/api/v1/whatsapp/sessions/${session_id}/messages${rest}`;
const send = (session_id: string, key?: string, body: object = BODY, who = cast.member) =>
  api.call(who, 'POST', at(session_id), body, key === undefined ? {} : { 'idempotency-key': key });

const jobCtx = () => ({ ...api.context, db: backends.database.job_db });
const waiting = (session_id: string) =>
  backends.database.asOwner<{ message_id: string; status: string; request: string | null; error_code: string | null }>(
    'select message_id, status, request, error_code from app.whatsapp_sends where session_id = $1 order by seq',
    [session_id],
  );
const audited = async (session_id: string): Promise<unknown[]> => {
  const text = `select after from app.audit_logs where target_id = $1 and action = 'whatsapp_message.send'`;
  return (await backends.database.asOwner<{ after: unknown }>(text, [session_id])).map(({ after }) => after);
};

describe('a message', () => {
  it('is handed to the worker with the key, which fixes its id, and audited once by its id alone', async () => {
    const session_id = await sessionOn(world.worker);
    const key = randomUUID();
    const message_id = outboundMessageId(session_id, key);
    const sent = await send(session_id, key);
    expect(sent.status).toBe(202);
    expect(sent.headers['location']).toBe(at(session_id, `/${message_id}`));
    expect(sent.body).toMatchObject({ session_id, message_id, status: 'queued', message: { message_id } });
    const again = await send(session_id, key);
    expect([again.status, again.headers['idempotency-replayed'], again.body]).toEqual([202, 'true', sent.body]);
    const taken = world.worker.sends.filter((each) => each.session_id === session_id);
    expect(taken).toEqual([
      {
        session_id,
        idempotency_key: key,
        requested_by: cast.member.user_id,
        request_id: sent.headers['x-request-id'],
        input: BODY,
      },
    ]);
    expect(await audited(session_id)).toEqual([{ message_id }]);
    expect((await api.call(cast.member, 'GET', at(session_id, `/${message_id}`))).body.message_id).toBe(message_id);
    const reused = await send(session_id, key, textOf('other'));
    expect([reused.status, reused.body.code]).toEqual([409, 'whatsapp.key_reused']);
  });

  it('without a key is a new one each time', async () => {
    const session_id = await sessionOn(world.worker);
    const ids = [await send(session_id), await send(session_id)].map(({ body }) => body.message_id);
    expect(new Set(ids).size).toBe(2);
  });

  it.each([
    [{ ...BODY, to: {} }, '/to'],
    [{ ...BODY, to: { phone: '+62812' } }, '/to/phone'],
    [{ ...BODY, to: { phone: '6281200000001', group_id: '12036300000001' } }, '/to'],
    [textOf(''), '/content/text'],
    [{ ...BODY, content: { type: 'image' } }, '/content/media_id'],
    [{ ...BODY, content: { type: 'location', latitude: 91, longitude: 0 } }, '/content/latitude'],
    [{ ...BODY, content: { type: 'poll', question: 'x', options: ['one'] } }, '/content/options'],
    [{ ...BODY, content: { type: 'contact', contacts: [] } }, '/content/contacts'],
    [{ ...BODY, content: { type: 'spell' } }, '/content/type'],
    [{ ...BODY, text: 'x' }, '/text'],
  ])('that is none is refused by the name of its field: %j', async (body, pointer) => {
    const session_id = await sessionOn(world.worker);
    const refused = await send(session_id, undefined, body);
    expect([refused.status, refused.body.errors?.[0]?.pointer]).toEqual([400, pointer]);
  });

  it.each([
    { status: 'logged_out' },
    { status: 'banned' },
    { status: 'replaced' },
    { desired_state: 'disconnected' },
    { status: 'created' },
  ])('is refused by a session that will send nothing: %j', async (state) => {
    const session_id = await sessionOn(world.worker, state);
    const refused = await send(session_id, 'k');
    expect([refused.status, refused.body.code]).toEqual([409, 'whatsapp.not_connected']);
    expect(refused.body.current).toMatchObject(state);
    expect(await waiting(session_id)).toEqual([]);
  });
});

describe('while the worker of a session gives no answer', () => {
  it.each(['', 'chats', 'contacts'])('its messages are read by another worker: %s', async (list) => {
    const { worker_id } = await seedWorker(backends.database);
    const home = { workspace_id: world.workspace_id, owner_user_id: cast.owner.user_id };
    const { session_id } = await seedSession(backends.database, home, { worker_id });
    await using other = await startWorker(api);
    const path = list === '' ? at(session_id) : `/api/v1/whatsapp/sessions/${session_id}/${list}`;
    const read = await api.call(cast.member, 'GET', path);
    expect([read.status, Array.isArray(read.body.items)]).toEqual([200, true]);
    expect(other.asked.map((line) => line.split('?')[0])).toEqual([
      `GET /sessions/${session_id}/${list || 'messages'}`,
    ]);
    expect((await api.call(cast.stranger, 'GET', path)).status).toBe(404);
  });

  it('a group is not asked of another, which does not hold the session', async () => {
    const { worker_id } = await seedWorker(backends.database);
    const home = { workspace_id: world.workspace_id, owner_user_id: cast.owner.user_id };
    const { session_id } = await seedSession(backends.database, home, { worker_id });
    await using other = await startWorker(api);
    const asked = await api.call(cast.member, 'GET', `/api/v1/whatsapp/sessions/${session_id}/groups`);
    expect([asked.status, asked.body.code, other.asked]).toEqual([503, 'worker.unreachable', []]);
  });
});

describe('while no worker can take it', () => {
  it('a message waits sealed under the same id, once, and is handed over when one can, in the order of asking', async () => {
    await using worker = await startWorker(api);
    const session_id = await sessionOn(worker);
    worker.refuse({ status: 503, code: 'worker.draining', times: 1 });
    const first = await send(session_id, 'first', textOf('a secret word 1'));
    expect(first.status).toBe(202);
    const message_id = outboundMessageId(session_id, 'first');
    expect(first.body).toEqual({ session_id, message_id, status: 'queued', error_code: null, message: null });
    // The worker is there again, but what was asked for later must not overtake.
    const second = await send(session_id, 'second', textOf('a secret word 2'));
    expect(second.body.message).toBeNull();
    expect(worker.sends).toEqual([]);
    const replayed = await send(session_id, 'first', textOf('a secret word 1'));
    expect([replayed.headers['idempotency-replayed'], replayed.body]).toEqual(['true', first.body]);
    expect((await send(session_id, 'first', textOf('x'))).body.code).toBe('whatsapp.key_reused');
    expect((await api.call(cast.member, 'GET', at(session_id, `/${message_id}`))).body).toEqual(first.body);

    const rows = await waiting(session_id);
    expect(rows.map((row) => row.message_id)).toEqual([message_id, outboundMessageId(session_id, 'second')]);
    expect(JSON.stringify(rows)).not.toMatch(/secret|6281200000001/);
    expect(await handOverSends(jobCtx(), { session_id })).toBe(2);
    expect(
      worker.sends.map(({ idempotency_key, input, requested_by }) => [idempotency_key, input, requested_by]),
    ).toEqual([
      ['first', textOf('a secret word 1'), cast.member.user_id],
      ['second', textOf('a secret word 2'), cast.member.user_id],
    ]);
    expect(await waiting(session_id)).toEqual([]);
    expect(await audited(session_id)).toHaveLength(2);
    const third = await send(session_id, 'third');
    expect(third.body.message).not.toBeNull();
    expect((await send(session_id, 'first', textOf('a secret word 1'))).body.message).not.toBeNull();
    expect(worker.sends).toHaveLength(3);
  });

  it('a message of a session that nobody holds waits too, until the sweep finds a worker', async () => {
    await using worker = await startWorker(api);
    const session_id = await sessionOn(null);
    expect((await send(session_id, 'k')).body).toMatchObject({ status: 'queued', message: null });
    expect(await handOverSends(jobCtx(), { session_id })).toBe(0);
    await backends.database.asOwner(
      'update app.whatsapp_sessions set worker_id = $2, generation = generation + 1 where id = $1',
      [session_id, worker.worker_id],
    );
    await sweepSends(jobCtx());
    expect(worker.sends.map((each) => each.idempotency_key)).toEqual(['k']);
    expect(await waiting(session_id)).toEqual([]);
  });

  it('handing over twice at once sends each key once', async () => {
    await using worker = await startWorker(api);
    const session_id = await sessionOn(worker);
    worker.refuse({ status: 503, code: 'worker.draining', times: 1 });
    for (let n = 0; n < 5; n++) await send(session_id, `k${n}`);
    await Promise.all([1, 2, 3].map(() => handOverSends(jobCtx(), { session_id })));
    expect(worker.sends.map((each) => each.idempotency_key)).toEqual(['k0', 'k1', 'k2', 'k3', 'k4']);
  });

  it('what the worker refuses then has failed, keeps nothing of what was to be said, and holds nobody up', async () => {
    await using worker = await startWorker(api);
    const session_id = await sessionOn(worker);
    worker.refuse({ status: 503, code: 'worker.draining', times: 1 });
    await send(session_id, 'bad');
    await send(session_id, 'good');
    worker.refuse({ status: 409, code: 'whatsapp.media_not_uploaded', times: 1 });
    await handOverSends(jobCtx(), { session_id });
    const message_id = outboundMessageId(session_id, 'bad');
    const failed = { message_id, status: 'failed', error_code: 'whatsapp.media_not_uploaded' };
    expect(await waiting(session_id)).toEqual([{ ...failed, request: null }]);
    expect((await api.call(cast.member, 'GET', at(session_id, `/${message_id}`))).body).toMatchObject(failed);
    expect(worker.sends.map((each) => each.idempotency_key)).toEqual(['good']);
  });

  it('what has waited for a day is not sent any more', async () => {
    await using worker = await startWorker(api);
    const session_id = await sessionOn(worker);
    worker.refuse({ status: 503, code: 'worker.draining', times: 1 });
    await send(session_id, 'old');
    const text = `update app.whatsapp_sends set created_at = now() - interval '25 hours' where session_id = $1`;
    await backends.database.asOwner(text, [session_id]);
    await sweepSends(jobCtx());
    expect(worker.sends).toEqual([]);
    expect(await waiting(session_id)).toMatchObject([
      { status: 'failed', error_code: 'whatsapp.expired', request: null },
    ]);
  });
});

describe('who may', () => {
  it('send and read: members; to guests, strangers and former members there is no such session', async () => {
    const session_id = await sessionOn(world.worker);
    const none = randomUUID();
    for (const who of [cast.guest, cast.stranger, cast.viewer, await person(backends.issuer)]) {
      const refused = await send(session_id, 'k', BODY, who);
      expect([refused.status, refused.body.code]).toEqual([404, 'whatsapp.session_not_found']);
      const nothing = await send(none, 'k', BODY, who);
      expect([nothing.status, nothing.body.code, nothing.body.detail]).toEqual([
        404,
        refused.body.code,
        refused.body.detail,
      ]);
      expect((await api.call(who, 'GET', at(session_id))).status).toBe(404);
    }
    expect(world.worker.sends.filter((each) => each.session_id === session_id)).toEqual([]);
    expect((await api.call(null, 'POST', at(session_id), BODY)).status).toBe(401);
  });

  it('send by a key with whatsapp:write; one that only reads does not', async () => {
    const session_id = await sessionOn(world.worker);
    const [writer, reader] = [await keyFor(world, 'whatsapp:write', true), await keyFor(world, 'whatsapp:read', true)];
    expect((await send(session_id, 'w', BODY, writer)).status).toBe(202);
    const refused = await send(session_id, 'r', BODY, reader);
    expect([refused.status, refused.body.code]).toEqual([403, 'api_key.scope_missing']);
    expect((await api.call(reader, 'GET', at(session_id))).status).toBe(200);
  });
});

describe('a file', () => {
  it('is announced, confirmed and found, in one answer or by a redirect', async () => {
    const session_id = await sessionOn(world.worker);
    const media = `/api/v1/whatsapp/sessions/${session_id}/media`;
    const made = await api.call(cast.member, 'POST', media, { kind: 'image', media_type: 'image/png', size: 9 });
    expect([made.status, made.headers['cache-control'], made.body.media.status]).toEqual([201, 'no-store', 'awaited']);
    const done = await api.call(cast.member, 'POST', `${media}/${made.body.media.media_id}/complete`);
    expect([done.status, done.body.media.status]).toEqual([200, 'stored']);
    world.worker.know(session_id, 'ABC');
    const found = await api.call(cast.member, 'GET', at(session_id, '/ABC/media'));
    expect(found.status).toBe(200);
    const led = await api.call(cast.member, 'GET', at(session_id, '/ABC/media?redirect=true'));
    expect([led.status, led.headers['location']]).toEqual([302, found.body.url]);
    expect((await api.call(cast.member, 'POST', media, { kind: 'image', media_type: 'x', size: 0 })).status).toBe(400);
  });
});
