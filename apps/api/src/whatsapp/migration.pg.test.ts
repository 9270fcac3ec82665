import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { asService, person, type Person, startApi, type TestApi } from '../testing/api.ts';
import { commandsOf, emptyGateway, type Gateway, startGateway } from '../testing/gateway-kit.ts';
import { mustBe } from '../testing/world.ts';

const SESSIONS = '/api/v1/whatsapp/sessions';

let backends: Backends;
let api: TestApi;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
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
const say = (status: string, phone: string | null = '628123456789') =>
  backends.database.asOwner('update app.whatsapp_sessions set status = $1, phone = $2', [status, phone]);

describe('moving a session', () => {
  test('has the old worker let go before the new one is given a higher generation, and the old is refused after', async () => {
    const [from, to] = [await gateway.addWorker({ capacity: 100 }), await gateway.addWorker({ capacity: 10 })];
    await gateway.beat(to, { load: { cpu: 1 } });
    const [id = ''] = await gateway.several(owner, 1);
    await say('connected');
    expect(from.held.has(id)).toBe(true);
    const order: string[] = [];
    for (const [name, worker] of Object.entries({ from, to })) {
      const { push } = worker.commands;
      worker.commands.push = function (given) {
        order.push(`${name} ${given.command} ${given.generation}`);
        return push.call(this, given);
      };
    }
    const headers = { 'idempotency-key': 'move-once' };
    for (let n = 0; n < 2; n++)
      mustBe(202, await api.call(owner, 'POST', `${SESSIONS}/${id}/migrate`, { worker_id: to.worker_id }, headers));
    await gateway.work();
    expect(order).toEqual(['from POST /release 1', 'to PUT 2']);
    expect(await gateway.card(owner, id)).toMatchObject({ worker_id: to.worker_id, generation: 2 });
    const route = { session_id: id, worker_id: to.worker_id, url: to.url, generation: 1 };
    const stale = api.context.worker.send({ route, method: 'POST', path: '/messages', request_id: 'r', body: {} });
    await expect(stale).rejects.toMatchObject({ code: 'worker.generation_stale', kind: 'conflict' });
    expect(gateway.job_ctx.outcomes).toContain('moved');
  });

  test('goes on without the old worker when that one cannot be reached', async () => {
    const [from, to] = [await gateway.addWorker(), await gateway.addWorker({ capacity: 10 })];
    await gateway.beat(to, { load: { cpu: 1 } });
    const [id = ''] = await gateway.several(owner, 1);
    await say('connected');
    await from.kill();
    await ask(id, '/migrate', {});
    await gateway.work();
    expect(await gateway.card(owner, id)).toMatchObject({ worker_id: to.worker_id, generation: 2 });
  });

  test('is not begun when no other can take it, and refused when nobody holds it or the worker is not there', async () => {
    const only = await gateway.addWorker();
    const [id = ''] = await gateway.several(owner, 1);
    await ask(id, '/migrate', {});
    await gateway.work();
    expect(commandsOf(only, id)).toEqual(['PUT']);
    const strange = await api.call(owner, 'POST', `${SESSIONS}/${id}/migrate`, { worker_id: crypto.randomUUID() });
    expect([strange.status, strange.body.code]).toEqual([409, 'worker.not_alive']);
    const { id: idle } = await gateway.makeSession(owner);
    const nowhere = await api.call(owner, 'POST', `${SESSIONS}/${idle}/migrate`, {});
    expect([nowhere.status, nowhere.body.code]).toEqual([409, 'whatsapp.not_placed']);
  });

  test('happens once, however many ask', async () => {
    await gateway.addWorker();
    const [id = ''] = await gateway.several(owner, 1);
    await say('connected');
    await gateway.addWorker();
    await gateway.addWorker();
    for (let n = 0; n < 5; n++) await ask(id, '/migrate', {});
    await gateway.work({ at_once: true });
    expect((await gateway.card(owner, id)).generation).toBe(2);
  });

  test('empties a worker that is drained, by an operator or by itself, and stops where there is no room', async () => {
    for (const by of ['operator', 'itself'] as const) {
      await emptyGateway(backends);
      const from = await gateway.addWorker();
      const ids = await gateway.several(owner, 3);
      await say('connected');
      const to = await gateway.addWorker({ capacity: 2 });
      if (by === 'operator')
        mustBe(202, await api.call(await asService(), 'POST', `/api/admin/workers/${from.worker_id}/drain`));
      else await gateway.beat(from, { status: 'draining' });
      await gateway.work();
      expect([from.held.size, to.held.size], by).toEqual([1, 2]);
      expect(await gateway.statusOf(from)).toBe('draining');
      const last = await gateway.addWorker();
      await gateway.work();
      expect([from.held.size, to.held.size, last.held.size], by).toEqual([0, 2, 1]);
      for (const id of ids) expect((await gateway.card(owner, id)).generation).toBe(2);
    }
  });
});

describe('balance', () => {
  const age = () =>
    backends.database.asOwner(
      `update app.whatsapp_sessions set placed_at = now() - interval '1 hour', status_at = now() - interval '1 hour'`,
    );

  test('idle sessions go from the fullest worker to the emptiest, a few at a time, until they are alike', async () => {
    const full = await gateway.addWorker({ capacity: 20 });
    const ids = await gateway.several(owner, 10);
    await say('connected');
    await age();
    // Something has gone through this one lately.
    const [busy = ''] = ids;
    await backends.database.asOwner(
      `insert into app.whatsapp_usage (workspace_id, session_id, day) select workspace_id, id, current_date from app.whatsapp_sessions where id = $1`,
      [busy],
    );
    const empty = await gateway.addWorker({ capacity: 20 });
    const sizes = async () => {
      await gateway.rebalance();
      await gateway.work();
      return [full.held.size, empty.held.size];
    };
    expect(await sizes()).toEqual([5, 5]);
    expect(await sizes()).toEqual([5, 5]);
    expect(full.held.has(busy)).toBe(true);
  });

  test('nothing moves when it would be worth little, nor what is busy, new, or being linked', async () => {
    const full = await gateway.addWorker({ capacity: 10 });
    await gateway.several(owner, 5);
    await say('connected');
    const other = await gateway.addWorker({ capacity: 10 });
    const moved = async () => {
      await gateway.rebalance();
      await gateway.work();
      return other.held.size;
    };
    expect(await moved()).toBe(0);
    await age();
    await say('pairing', null);
    expect(await moved()).toBe(0);
    await say('connected');
    await backends.database.asOwner(
      `insert into app.whatsapp_usage (workspace_id, session_id, day) select workspace_id, id, current_date from app.whatsapp_sessions`,
    );
    expect(await moved()).toBe(0);
    await backends.database.asOwner('delete from app.whatsapp_usage');
    await backends.database.asOwner('update app.whatsapp_workers set capacity = 100');
    expect(await moved()).toBe(0);
    expect(full.held.size).toBe(5);
  });
});
