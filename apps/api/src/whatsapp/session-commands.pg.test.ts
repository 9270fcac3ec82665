import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';
import { commandsOf, emptyGateway, type Gateway, startGateway } from '../testing/gateway-kit.ts';
import { mustBe } from '../testing/world.ts';

const SESSIONS = '/api/v1/whatsapp/sessions';

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

const ask = (session_id: string, below: string, body?: object) => gateway.ask(owner, session_id, below, body);
/** What the worker would have told by webhook. */
const say = (session_id: string, status: string, phone: string | null = '628123456789') =>
  backends.database.asOwner(
    'update app.whatsapp_sessions set status = $2, phone = $3, status_reason = null where id = $1',
    [session_id, status, phone],
  );

describe('what is asked of a connected session', () => {
  test('to disconnect lets its worker go, to connect puts it on one again', async () => {
    const worker = await gateway.addWorker();
    const { id } = await gateway.connected(owner);
    await say(id, 'connected');
    await ask(id, '/disconnect');
    await gateway.work();
    expect(await gateway.card(owner, id)).toMatchObject({ status: 'disconnected', worker_id: null, generation: 1 });
    expect(worker.held.size).toBe(0);
    await ask(id, '/connect', {});
    await gateway.work();
    expect(await gateway.card(owner, id)).toMatchObject({ worker_id: worker.worker_id, generation: 2 });
    expect(commandsOf(worker)).toEqual(['PUT', 'POST /disconnect', 'PUT']);
  });

  test('to log out is done by its worker, or by one that takes it for that', async () => {
    const worker = await gateway.addWorker();
    const { id } = await gateway.connected(owner);
    await ask(id, '/logout');
    await gateway.work();
    expect(await gateway.card(owner, id)).toMatchObject({ status: 'logged_out', worker_id: null });
    const other = await gateway.connected(owner);
    await ask(other.id, '/disconnect');
    await gateway.work();
    await ask(other.id, '/logout');
    await gateway.work();
    expect(worker.commands.filter(({ session_id }) => session_id === other.id).map(({ command }) => command)).toEqual([
      'PUT',
      'POST /disconnect',
      'PUT',
      'POST /logout',
    ]);
    expect(worker.commands.at(-2)?.body).toMatchObject({ login: null });
  });

  test('other settings are told to its worker', async () => {
    const worker = await gateway.addWorker();
    const { id } = await gateway.connected(owner);
    mustBe(200, await api.call(owner, 'PATCH', `${SESSIONS}/${id}`, { settings: { cold_per_day: 3 } }));
    mustBe(200, await api.call(owner, 'PATCH', `${SESSIONS}/${id}`, { name: 'No business of the worker' }));
    await gateway.work();
    const patches = worker.commands.filter(({ command }) => command === 'PATCH /settings');
    expect(patches.map(({ body }) => body)).toEqual([{ cold_per_day: 3 }]);
  });

  test('to delete it has its worker delete it before the card goes, and nobody sees it meanwhile', async () => {
    const worker = await gateway.addWorker();
    const { id } = await gateway.connected(owner);
    worker.answer((_command, response) => void response.writeHead(500).end());
    mustBe(204, await api.call(owner, 'DELETE', `${SESSIONS}/${id}`));
    await gateway.work();
    expect((await api.call(owner, 'GET', `${SESSIONS}/${id}`)).status).toBe(404);
    expect(mustBe(200, await api.call(owner, 'GET', SESSIONS)).items).toEqual([]);
    const rows = () => backends.database.asOwner('select 1 from app.whatsapp_sessions where id = $1', [id]);
    expect(await rows()).toHaveLength(1);
    worker.answer(null);
    await backends.database.asOwner('update app.whatsapp_sessions set retry_at = now()');
    await gateway.sweep();
    await gateway.work();
    expect(commandsOf(worker).at(-1)).toBe('DELETE');
    expect(await rows()).toEqual([]);
  });

  test('changes of mind end as the last of them, in whichever order they are carried out', async () => {
    const worker = await gateway.addWorker();
    const { id } = await gateway.makeSession(owner);
    for (let round = 0; round < 5; round++) {
      await Promise.all([ask(id, '/connect', {}), ask(id, '/disconnect'), ask(id, '/connect', {})]);
      await ask(id, round % 2 === 0 ? '/disconnect' : '/connect', round % 2 === 0 ? undefined : {});
      await gateway.work({ at_once: true });
      expect(worker.held.has(id), `round ${round}`).toBe(round % 2 === 1);
      expect((await gateway.card(owner, id)).worker_id).toBe(round % 2 === 1 ? worker.worker_id : null);
    }
  });

  test.each(['/logout', '/disconnect'])(
    '%s that arrives late ends nothing that was asked for after it',
    async (below) => {
      const worker = await gateway.addWorker();
      const { id } = await gateway.connected(owner);
      await say(id, 'connected');
      const arrived = Promise.withResolvers<() => Promise<void>>();
      worker.answer(({ generation }, response) =>
        arrived.resolve(async () => {
          const ends = worker.held.get(id)?.generation === generation;
          if (ends) worker.held.delete(id);
          if (ends) await say(id, below === '/logout' ? 'logged_out' : 'disconnected', null);
          const body = ends ? {} : { code: 'worker.generation_stale', detail: 'Another', status: 409 };
          response.writeHead(ends ? 200 : 409, { 'content-type': 'application/json' }).end(JSON.stringify(body));
        }),
      );
      await ask(id, below);
      const ending = gateway.work();
      const arrive = await arrived.promise;
      worker.answer(null);
      await ask(id, '/connect', {});
      await gateway.work();
      await arrive();
      await ending;
      const card = await gateway.card(owner, id);
      expect(card).toMatchObject({ desired_state: 'connected', worker_id: worker.worker_id });
      expect(worker.held.get(id)).toMatchObject({ generation: card.generation });
    },
  );

  test('a late word of the worker that let go takes back nothing that was asked for since', async () => {
    const worker = await gateway.addWorker();
    const { id } = await gateway.connected(owner);
    await ask(id, '/disconnect');
    await gateway.work();
    await ask(id, '/connect', {});
    await say(id, 'disconnected', null);
    await gateway.work();
    expect(worker.held.get(id)).toMatchObject({ generation: 2 });
  });

  test('a restore goes to the worker that holds it, and its refusal is told', async () => {
    const worker = await gateway.addWorker();
    const { id } = await gateway.connected(owner);
    await say(id, 'connected');
    const refused = await api.call(owner, 'POST', `${SESSIONS}/${id}/restore`);
    expect([refused.status, refused.body.code]).toEqual([409, 'whatsapp.connected']);
    await say(id, 'logged_out');
    await ask(id, '/restore');
    await gateway.work();
    expect(commandsOf(worker).slice(-2)).toEqual(['PUT', 'POST /restore']);
    worker.answer(({ command }, response) => {
      const problem = { code: 'whatsapp.no_backup', detail: 'None', status: 404 };
      const ok = command === 'PUT';
      response.writeHead(ok ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(ok ? {} : problem));
    });
    await say(id, 'logged_out');
    await ask(id, '/restore');
    await gateway.work();
    expect((await gateway.card(owner, id)).status_reason).toBe('whatsapp.no_backup');
  });
});
