import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import type { FakeWorker } from '@potentia/domain/whatsapp/testing/fake-worker';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { asService, person, type Person, startApi, type TestApi } from '../testing/api.ts';
import { emptyGateway, type Gateway, startGateway } from '../testing/gateway-kit.ts';
import fc from 'fast-check';

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
describe('whatever happens at once', () => {
  test('each card ends with one worker, and each generation was one worker’s alone', async () => {
    const step = fc.record({
      what: fc.constantFrom(
        'connect',
        'migrate',
        'disconnect',
        'die',
        'revive',
        'sweep',
        'work',
        'rename',
        'drain',
        'beat',
      ),
      session: fc.nat(9),
      worker: fc.nat(4),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 8 }), { minLength: 3, maxLength: 6 }), run),
      { numRuns: 12 },
    );
  }, 120_000);

  test('50 sessions that connect while their workers die are each held once, under generations that only grow', async () => {
    const cards = await Promise.all(Array.from({ length: 50 }, () => gateway.makeSession(owner)));
    const workers = await Promise.all(Array.from({ length: 4 }, () => gateway.addWorker({ capacity: 60 })));
    const connects = Promise.all(cards.map(({ id }) => ask(id, '/connect', {})));
    const deaths = (async () => {
      for (const worker of workers.slice(0, 3)) {
        await gateway.work({ at_once: true });
        await worker.kill();
        await gateway.silence(worker);
        await gateway.sweep();
      }
    })();
    await Promise.all([connects, deaths]);
    await settle([workers[3]!]);
    await checkEnd(cards.map(({ id }) => id));
    expect(workers[3]!.held.size).toBe(50);
  }, 60_000);

  type Step = { what: string; session: number; worker: number };
  async function run(rounds: Step[][]): Promise<void> {
    await emptyGateway(backends);
    await using own = startGateway(api, backends);
    gateway = own;
    const workers: FakeWorker[] = [];
    for (let n = 0; n < 5; n++) workers.push(await own.addWorker({ name: `w${n}`, capacity: 8 }));
    const ids = (await Promise.all(Array.from({ length: 10 }, () => own.makeSession(owner)))).map(({ id }) => id);
    for (const round of rounds) await Promise.all(round.map((one) => take(one, workers, ids)));
    await settle(workers);
    await checkEnd(ids);
  }

  async function take({ what, session, worker: at }: Step, workers: FakeWorker[], ids: string[]): Promise<void> {
    const [id, worker] = [ids[session]!, workers[at]!];
    const path = `${SESSIONS}/${id}`;
    if (what === 'connect') await api.call(owner, 'POST', `${path}/connect`, {});
    if (what === 'migrate') await api.call(owner, 'POST', `${path}/migrate`, {});
    if (what === 'disconnect') await api.call(owner, 'POST', `${path}/disconnect`);
    if (what === 'die') await gateway.silence(worker);
    if (what === 'revive' || what === 'beat') await gateway.beat(worker);
    if (what === 'sweep') await gateway.sweep();
    if (what === 'work') await gateway.work({ at_once: true });
    if (what === 'drain') await api.call(await asService(), 'POST', `/api/admin/workers/${worker.worker_id}/drain`);
    if (what === 'rename') {
      worker.held.clear();
      await gateway.register(worker, { name: `w${at}`, capacity: 8 });
    }
  }

  /** Lets everything come to rest: the given workers live and beat, the jobs see to what is due. */
  async function settle(alive: FakeWorker[]): Promise<void> {
    for (let round = 0; round < 12; round++) {
      for (const worker of alive) if ((await gateway.beat(worker)).status === 404) await gateway.register(worker);
      await backends.database.asOwner(
        `update app.whatsapp_sessions set retry_at = now(), placed_at = placed_at - interval '1 minute' where retry_at is not null`,
      );
      await gateway.sweep();
      await gateway.work({ at_once: true });
      const due = await backends.database.asOwner('select 1 from app.whatsapp_sessions where retry_at is not null');
      if (due.length === 0 && round > 1) return;
    }
  }

  async function checkEnd(ids: string[]): Promise<void> {
    const cards = await Promise.all(ids.map((id) => gateway.card(owner, id)));
    const by_generation = new Map<string, string>();
    const last = new Map<string, number>();
    for (const { session_id, generation, worker } of gateway.book.taken) {
      const key = `${session_id} ${generation}`;
      expect(by_generation.get(key) ?? worker).toBe(worker);
      by_generation.set(key, worker);
      expect(generation).toBeGreaterThan(last.get(session_id) ?? 0);
      last.set(session_id, generation);
    }
    for (const { id, desired_state, worker_id, generation } of cards) {
      expect(worker_id === null, `${id} is to be ${desired_state}`).toBe(desired_state === 'disconnected');
      if (worker_id !== null) expect(gateway.book.holderOf(id)?.generation).toBe(generation);
    }
  }
});
