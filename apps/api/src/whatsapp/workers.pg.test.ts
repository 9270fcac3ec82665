import { randomUUID } from 'node:crypto';
import { API_AUDIENCE, WORKER_AUDIENCE } from '@potentia/domain/platform/service-token';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { asService, person, type Person, startApi, type TestApi } from '../testing/api.ts';
import { commandsOf, emptyGateway, type Gateway, startGateway } from '../testing/gateway-kit.ts';
import { mustBe } from '../testing/world.ts';

const SESSIONS = '/api/v1/whatsapp/sessions';
const WORKERS = '/api/admin/workers';

let backends: Backends;
let api: TestApi;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends, { WHATSAPP_HEARTBEAT_MS: '20000' });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

let gateway: Gateway;
let owner: Person;
beforeEach(async () => {
  await emptyGateway(backends);
  gateway = startGateway(api, backends);
  owner = await person(backends.issuer);
  return () => gateway[Symbol.asyncDispose]();
});

const list = async (): Promise<{ id: string; health: string; status: string; placed: number; load: object }[]> =>
  mustBe(200, await api.call(await asService(), 'GET', WORKERS)).items;
const ask = (session_id: string, below: string, body?: object) => gateway.ask(owner, session_id, below, body);
describe('a worker', () => {
  test('registers, beats, and is listed with how it is', async () => {
    const worker = await gateway.addWorker({ name: 'pod-1', capacity: 7 });
    expect(await gateway.beat(worker, { load: { cpu: 0.5, rss: 1e8 } })).toMatchObject({
      status: 200,
      body: { ok: true, lost: [] },
    });
    const [row] = await list();
    expect(row).toMatchObject({
      id: worker.worker_id,
      name: 'pod-1',
      url: worker.url,
      status: 'alive',
      health: 'good',
      capacity: 7,
      placed: 0,
      heartbeat_ms: 20_000,
      load: { cpu: 0.5, rss: 1e8 },
    });
  });

  test('is told to register again when it is not known', async () => {
    const worker = await gateway.addWorker();
    worker.worker_id = randomUUID();
    const answer = await gateway.beat(worker);
    expect([answer.status, answer.body.code]).toEqual([404, 'worker.unknown']);
  });

  test.each([
    ['no name', { name: '' }],
    ['a url that is none', { url: 'not a url' }],
    ['a url of another kind', { url: 'file:///etc/passwd' }],
    ['a url with a user', { url: 'http://user:secret@127.0.0.1:1' }],
    ['a url with a query', { url: 'http://127.0.0.1:1/?x=' }],
    ['no capacity', { capacity: 0 }],
    ['a field that nobody knows', { surprise: 1 }],
  ])('is refused with %s', async (_name, wrong) => {
    const body = { name: 'x', url: 'http://127.0.0.1:1', version: '1', capacity: 1, ...wrong };
    expect((await api.call(await asService(), 'POST', `${WORKERS}/register`, body)).status).toBe(400);
  });
});

describe('doors of services', () => {
  const doors: [string, string, object | undefined][] = [
    ['POST', '/register', { name: 'forged', url: 'http://127.0.0.1:1', version: '1', capacity: 1 }],
    ['PUT', `/${randomUUID()}/heartbeat`, { sessions: 0 }],
    ['GET', '', undefined],
    ['POST', `/${randomUUID()}/drain`, undefined],
    ['GET', '/dead-letters', undefined],
    ['POST', '/dead-letters/redrive', {}],
  ];
  const now = Math.floor(Date.now() / 1_000);
  const forgeries: [string, () => Promise<Person | null>][] = [
    ['nobody', () => Promise.resolve(null)],
    ['a person', () => person(backends.issuer)],
    ['an expired token', () => asService({ now: new Date(Date.now() - 120_000) })],
    ['a token for a worker', () => asService({ audience: WORKER_AUDIENCE })],
    ['a token that another secret signed', () => asService({}, 'x'.repeat(40))],
    [
      'a token that nobody signed',
      () => {
        const claims = { iss: 'api', aud: API_AUDIENCE, jti: 'j', iat: now, exp: now + 30 };
        return Promise.resolve({ user_id: '', email: '', token: new UnsecuredJWT(claims).encode() });
      },
    ],
  ];

  test.each(forgeries)('are shut to %s', async (_name, who) => {
    for (const [method, path, body] of doors) {
      const answer = await api.call(await who(), method, WORKERS + path, body);
      expect([answer.status, answer.headers['www-authenticate']], path).toEqual([
        401,
        expect.stringMatching(/^Bearer /),
      ]);
    }
    expect(await list()).toEqual([]);
  });

  test('open none of a person to a service', async () => {
    expect((await api.call(await asService(), 'GET', SESSIONS)).status).toBe(401);
  });
});

describe('what workers share', () => {
  test('is asked of any that answers, and unavailable where there is none', async () => {
    const path = `${WORKERS}/dead-letters?limit=5`;
    const nobody = await api.call(await asService(), 'GET', path);
    expect([nobody.status, nobody.body.code]).toEqual([503, 'worker.none']);
    const [dead, living] = [await gateway.addWorker({ name: 'a' }), await gateway.addWorker({ name: 'b' })];
    await dead.kill();
    living.answer((_given, response) => void response.writeHead(200).end('{"items": [], "next_cursor": null}'));
    expect(mustBe(200, await api.call(await asService(), 'GET', path))).toEqual({ items: [], next_cursor: null });
    expect(living.commands).toMatchObject([{ command: 'GET /dead-letters', session_id: null, generation: null }]);
  });
});

describe('connecting', () => {
  test('puts a session on the worker that is least full, with the next generation each time', async () => {
    const [big, small] = [await gateway.addWorker({ capacity: 10 }), await gateway.addWorker({ capacity: 2 })];
    const cards = [];
    for (let n = 0; n < 6; n++) cards.push(await gateway.connected(owner));
    // 5 of 10 and 1 of 2.
    expect([big.held.size, small.held.size]).toEqual([5, 1]);
    expect(new Set(cards.map(({ generation }) => generation))).toEqual(new Set([1]));
    const [first] = cards;
    expect(first!.worker_id).toBe(big.worker_id);
    const [put] = big.commands;
    expect(put).toMatchObject({ command: 'PUT', session_id: first!.id, generation: 1 });
    expect(put!.body).toEqual({ settings: {}, login: { by: 'qr' } });
    expect((await list()).map(({ placed }) => placed).toSorted()).toEqual([1, 5]);
  });

  test('prefers, of workers that are equally full, the less busy one', async () => {
    const workers = [await gateway.addWorker(), await gateway.addWorker(), await gateway.addWorker()];
    for (const [n, cpu] of [0.9, 0.1, 0.5].entries()) await gateway.beat(workers[n]!, { load: { cpu } });
    await gateway.connected(owner);
    expect(workers.map(({ held }) => held.size)).toEqual([0, 1, 0]);
  });

  test('gives the way of linking to the worker, and no phone number to the audit log', async () => {
    const worker = await gateway.addWorker();
    const { id } = await gateway.makeSession(owner);
    const login = { by: 'pairing_code', phone: '628111222333' };
    await ask(id, '/connect', { login });
    await gateway.work();
    expect(worker.commands[0]?.body).toMatchObject({ login });
    const audit = await backends.database.asOwner('select * from app.audit_logs where target_id = $1', [id]);
    expect(JSON.stringify(audit)).not.toContain('628111222333');
  });

  test('waits for a worker and says so, and goes on when one registers', async () => {
    const { id } = await gateway.makeSession(owner);
    await ask(id, '/connect', {});
    await gateway.work();
    expect(await gateway.card(owner, id)).toMatchObject({
      status: 'connecting',
      status_reason: 'worker.none_alive',
      worker_id: null,
      generation: 0,
    });
    const worker = await gateway.addWorker();
    await gateway.work();
    expect(await gateway.card(owner, id)).toMatchObject({
      status_reason: null,
      worker_id: worker.worker_id,
      generation: 1,
    });
    expect(worker.held.has(id)).toBe(true);
  });

  test('takes no worker that is full, drained, or silent', async () => {
    const full = await gateway.addWorker({ capacity: 1 });
    await gateway.connected(owner);
    const drained = await gateway.addWorker();
    mustBe(202, await api.call(await asService(), 'POST', `${WORKERS}/${drained.worker_id}/drain`));
    const silent = await gateway.addWorker();
    await gateway.silence(silent);
    const card = await gateway.connected(owner);
    expect(card).toMatchObject({ worker_id: null, status_reason: 'worker.none_alive' });
    expect([full, drained, silent].map(({ held }) => held.size)).toEqual([1, 0, 0]);
  });

  test('is given to another worker when the first does not answer, breaks, or is full, under a higher generation', async () => {
    for (const how of ['dead', 'broken', 'refusing'] as const) {
      const [first, second] = [await gateway.addWorker({ capacity: 10 }), await gateway.addWorker({ capacity: 5 })];
      await gateway.beat(second, { load: { cpu: 1 } });
      if (how === 'dead') await first.kill();
      else
        first.answer((_command, response) => {
          const problem = { code: 'worker.full', detail: 'Full', status: 503 };
          if (how === 'broken') response.writeHead(500).end('oops');
          else response.writeHead(503, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
        });
      const card = await gateway.connected(owner);
      expect(card, how).toMatchObject({ worker_id: second.worker_id, generation: 2 });
      expect(second.held.get(card.id)).toMatchObject({ generation: 2 });
      await backends.database.asOwner('delete from app.whatsapp_sessions');
      await backends.database.asOwner('delete from app.whatsapp_workers');
    }
  });

  test('says why it is not done when no worker answers, and is done once one does', async () => {
    const worker = await gateway.addWorker();
    worker.answer((_command, response) => void response.writeHead(500).end());
    const card = await gateway.connected(owner);
    expect(card).toMatchObject({ worker_id: worker.worker_id, status_reason: 'worker.unreachable' });
    worker.answer(null);
    await backends.database.asOwner('update app.whatsapp_sessions set retry_at = now()');
    await gateway.sweep();
    await gateway.work();
    expect(worker.held.has(card.id)).toBe(true);
    const rows = await backends.database.asOwner('select retry_at from app.whatsapp_sessions');
    expect(rows).toEqual([{ retry_at: null }]);
  });

  test('asked for twice is one placement', async () => {
    const worker = await gateway.addWorker();
    const { id } = await gateway.makeSession(owner);
    await Promise.all([ask(id, '/connect', {}), ask(id, '/connect', {})]);
    await gateway.work({ at_once: true });
    expect(await gateway.card(owner, id)).toMatchObject({ generation: 1 });
    expect(gateway.book.taken).toHaveLength(1);
    const headers = { 'idempotency-key': randomUUID() };
    const path = `${SESSIONS}/${id}/disconnect`;
    const answers = [];
    for (let n = 0; n < 2; n++) answers.push(await api.call(owner, 'POST', path, undefined, headers));
    expect(answers[1]!.headers['idempotency-replayed']).toBe('true');
    await gateway.work();
    expect(commandsOf(worker).filter((command) => command === 'POST /disconnect')).toHaveLength(1);
  });
});
