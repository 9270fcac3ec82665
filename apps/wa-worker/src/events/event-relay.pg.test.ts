import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { createLogger } from '@potentia/config/logger';
import { createDb, type Db } from '@potentia/db/client';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { claimEvents, listDeadEvents, redriveEvents } from '@potentia/db/wa/event-queries';
import { type Receiver, startReceiver } from '@potentia/domain/webhook/testing/receiver';
import { verifyWebhook } from '@potentia/domain/webhook/rules/signature';
import { sessionStatusEvent, sessionUsageEvent } from '@potentia/domain/whatsapp/worker-events';
import { Registry } from 'prom-client';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { observeEvents } from './event-metrics.ts';
import { EventRelay, type RelayTimes } from './event-relay.ts';
import { createEventSender } from './event-sender.ts';
import { startEventUpkeep } from './event-upkeep.ts';

const SECRETS: [string, string] = [
  `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
  `whsec_${Buffer.alloc(32, 2).toString('base64')}`,
];
const log = createLogger({ service: 'test', level: 'silent' });
const QUICK: Partial<RelayTimes> = {
  poll: 20,
  linger: 1,
  hold: 5_000,
  retry: 10,
  longest_away: 40,
  longest_retry: 40,
  breaker_rest: 30,
  breaker_longest_rest: 60,
};

/** A database of its own, since a relay takes whatever is due. */
interface World {
  t: TestDatabase;
  db: Db;
  receiver: Receiver;
}
async function setUp(): Promise<World> {
  const t = await createTestDatabase();
  const db = createDb({ url: t.wa_url, pool_size: 4, timeout_ms: 5_000, prepare: true, application_name: 'test' });
  const receiver = await startReceiver();
  onTestFinished(async () => {
    await receiver[Symbol.asyncDispose]();
    await db.end();
    await t.drop();
  });
  return { t, db, receiver };
}

interface Holder {
  worker_id: string;
  registry: Registry;
  relay: EventRelay;
}
function makeRelay({ db, receiver }: World, times: Partial<RelayTimes> = {}, timeout_ms = 2_000): Holder {
  const worker_id = randomUUID();
  const registry = new Registry();
  const sender = createEventSender({ api_url: receiver.url.replace('/hook', ''), secrets: SECRETS, timeout_ms });
  const metrics = observeEvents({ registry, db });
  const relay = new EventRelay({ db, sender, metrics, log, workerId: () => worker_id, times: { ...QUICK, ...times } });
  onTestFinished(() => relay.stop());
  return { worker_id, registry, relay };
}
const startRelay = (world: World, times: Partial<RelayTimes> = {}): Holder => {
  const holder = makeRelay(world, times);
  holder.relay.start();
  return holder;
};

/** A session under generation 1; held by nobody unless a worker is named, whose lease is good for `lease_s`. */
async function makeSession({ t }: World, worker_id: string | null = null, lease_s = 60): Promise<string> {
  const session_id = randomUUID();
  await t.asOwner(
    `insert into wa.sessions (session_id, generation, worker_id, lease_until) values ($1, 1, $2, now() + make_interval(secs => $3))`,
    [session_id, worker_id, lease_s],
  );
  return session_id;
}

async function append({ t }: World, session_id: string, kind: string, numbers: number[]): Promise<void> {
  for (const n of numbers) await t.asOwner('select wa.append_event($1, $2, $3)', [session_id, kind, { n }]);
}
const range = (count: number, from = 0): number[] => Array.from({ length: count }, (_, n) => from + n);

interface Told {
  kind: string;
  worker_id: string;
  session_id: string;
  numbers: number[];
  ids: string[];
}
const toldBy = ({ receiver }: World): Told[] =>
  receiver.requests.map(({ body, path }) => {
    const { worker_id, items } = JSON.parse(body) as {
      worker_id: string;
      items: { event_id: string; data: { n: number; session_id: string } }[];
    };
    return {
      kind: path.split('/').at(-1) ?? '',
      worker_id,
      session_id: items[0]?.data.session_id ?? '',
      numbers: items.map((item) => item.data.n),
      ids: items.map((item) => item.event_id),
    };
  });
const left = async ({ t }: World) =>
  (
    await t.asOwner<{ n: number }>(
      'select (payload ->> $1)::int as n from wa.events where dead_at is null order by seq',
      ['n'],
    )
  ).map((row) => row.n);
const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 5_000, interval: 10 });
const drained = (world: World) => until(async () => expect(await left(world)).toEqual([]));
const status =
  (code: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse): void =>
    void response.writeHead(code, headers).end();

describe('what happened in a session', () => {
  test('is told in order, in requests of one kind and at most a hundred, signed by every secret', async () => {
    const world = await setUp();
    const session_id = await makeSession(world);
    await append(world, session_id, 'message-inbound', range(120));
    await append(world, session_id, 'message-status', range(2, 120));
    await append(world, session_id, 'message-inbound', range(1, 122));
    const { worker_id } = startRelay(world);
    await drained(world);
    const told = toldBy(world);
    expect(told.map(({ kind, numbers }) => [kind, numbers.length])).toEqual([
      ['message-inbound', 100],
      ['message-inbound', 20],
      ['message-status', 2],
      ['message-inbound', 1],
    ]);
    expect(told.flatMap(({ numbers }) => numbers)).toEqual(range(123));
    expect(told[0]).toMatchObject({ worker_id, session_id });
    const [{ headers, body }] = world.receiver.requests as [Receiver['requests'][number]];
    expect(headers['content-type']).toBe('application/json');
    for (const secret of SECRETS) {
      expect(verifyWebhook({ headers, body, secrets: [secret], now: new Date() })).toEqual({ valid: true });
    }
  });

  test('carries who held it then, its generation, and the request that it came of', async () => {
    const world = await setUp();
    const before = randomUUID();
    const session_id = await makeSession(world, before);
    const request_id = 'request-of-the-call';
    await world.t.asOwner(`select wa.append_event($1, 'message-status', $2, $3, $4)`, [
      session_id,
      { n: 1 },
      request_id,
      null,
    ]);
    await world.t.asOwner('update wa.sessions set worker_id = $2, generation = 2 where session_id = $1', [
      session_id,
      randomUUID(),
    ]);
    await append(world, session_id, 'message-status', [2]);
    await world.t.asOwner('update wa.sessions set worker_id = null where session_id = $1', [session_id]);
    startRelay(world);
    await drained(world);
    const bodies = world.receiver.requests.map(
      ({ body }) => JSON.parse(body) as { worker_id: string; items: object[] },
    );
    expect(bodies).toMatchObject([
      { worker_id: before, items: [{ request_id, data: { session_id, generation: 1, n: 1 } }] },
      { items: [{ request_id: null, data: { session_id, generation: 2, n: 2 } }] },
    ]);
    expect(world.receiver.requests[0]!.headers['x-request-id']).toBe(request_id);
  });

  test('is told by one process at a time, whichever of several finds it', async () => {
    const world = await setUp();
    const sessions = [await makeSession(world), await makeSession(world), await makeSession(world)];
    const under_way = new Map<string, number>();
    let overlaps = 0;
    world.receiver.answer((response, { body }) => {
      const { items } = JSON.parse(body) as { items: { data: { session_id: string } }[] };
      const { session_id } = items[0]!.data;
      under_way.set(session_id, (under_way.get(session_id) ?? 0) + 1);
      if (under_way.get(session_id) !== 1) overlaps += 1;
      setTimeout(() => {
        under_way.set(session_id, 0);
        response.writeHead(200).end('{}');
      }, 3);
    });
    for (let n = 0; n < 3; n += 1) startRelay(world, { poll: 3 });
    for (const n of range(30))
      for (const session_id of sessions)
        await append(world, session_id, n % 2 ? 'message-status' : 'message-inbound', [n]);
    await drained(world);
    const told = toldBy(world);
    for (const session_id of sessions) {
      const numbers = told.filter((request) => request.session_id === session_id).flatMap((request) => request.numbers);
      expect(numbers).toEqual(range(30));
    }
    expect(overlaps).toBe(0);
  });

  test('is left to the worker that holds the session for as long as it lives', async () => {
    const world = await setUp();
    const { relay, worker_id } = makeRelay(world);
    const [own, others, dead, gone] = [
      await makeSession(world, worker_id),
      await makeSession(world, randomUUID()),
      await makeSession(world, randomUUID(), -1),
      randomUUID(),
    ];
    for (const [n, session_id] of [own, others, dead, gone].entries())
      await append(world, session_id, 'message-inbound', [n]);
    relay.start();
    await until(async () => expect(await left(world)).toEqual([1]));
    expect(new Set(toldBy(world).map(({ session_id }) => session_id))).toEqual(new Set([own, dead, gone]));
    await world.t.asOwner('update wa.sessions set lease_until = now() where session_id = $1', [others]);
    await drained(world);
  });

  test('is told again, under the same ids and in its order, by the next process when one dies before it could note the answer', async () => {
    const world = await setUp();
    const session_id = await makeSession(world);
    await append(world, session_id, 'message-inbound', range(3));
    const sender = createEventSender({
      api_url: world.receiver.url.replace('/hook', ''),
      secrets: SECRETS,
      timeout_ms: 1_000,
    });
    const [claim] = await claimEvents(world.db, {
      ...{ worker_id: randomUUID(), holder: randomUUID(), sessions: 1 },
      ...{ batch: 100, bytes: 1_000_000, hold_ms: 300 },
    });
    await sender.send(claim!);
    await append(world, session_id, 'message-inbound', [3]);
    startRelay(world);
    await drained(world);
    const [first, second] = toldBy(world);
    expect(first!.numbers).toEqual([0, 1, 2]);
    expect(second!.numbers).toEqual([0, 1, 2, 3]);
    expect(second!.ids.slice(0, 3)).toEqual(first!.ids);
  });

  test('is told soon after its process is woken, long before the next poll', async () => {
    const world = await setUp();
    const session_id = await makeSession(world);
    const { relay } = startRelay(world, { poll: 60_000 });
    await append(world, session_id, 'message-inbound', [1]);
    relay.wake();
    await drained(world);
  });
});

describe('an API that does not take it', () => {
  test('because it is away is left alone by a breaker, and gets all of it in order when it is back', async () => {
    const world = await setUp();
    const sessions = [await makeSession(world), await makeSession(world)];
    for (const session_id of sessions) await append(world, session_id, 'message-inbound', range(5));
    world.receiver.answer(status(503));
    const { registry } = startRelay(world);
    const breaker = async () => (await registry.getSingleMetric('potentia_wa_event_breaker')!.get()).values[0]!.value;
    await until(async () => expect(await breaker()).toBe(2));
    expect(await left(world)).toHaveLength(10);
    const dead = 'select 1 from wa.events where dead_at is not null or refused > 0';
    expect(await world.t.asOwner(dead)).toEqual([]);
    const metrics = await registry.metrics();
    expect(metrics).toContain('potentia_wa_events_waiting 10');
    expect(metrics).toMatch(/potentia_wa_event_failures_total\{kind="message-inbound",failure="away"\} [5-9]/);
    expect(metrics).toMatch(/potentia_wa_events_oldest_seconds [\d.]*[1-9]/);

    const asked = world.receiver.requests.length;
    world.receiver.answer(status(200));
    await drained(world);
    const told = toldBy(world).slice(asked);
    for (const session_id of sessions)
      expect(told.filter((each) => each.session_id === session_id).flatMap(({ numbers }) => numbers)).toEqual(range(5));
    expect(await breaker()).toBe(0);
  });

  test.each([[401], [404], [408], [409], [302], [500]])(
    'by %i gets it again, and nothing is given up',
    async (code) => {
      const world = await setUp();
      await append(world, await makeSession(world), 'message-inbound', range(2));
      world.receiver.answer(status(code));
      startRelay(world);
      await until(() => expect(world.receiver.requests.length).toBeGreaterThan(3));
      world.receiver.answer(status(200));
      await drained(world);
      expect(toldBy(world).at(-1)!.numbers).toEqual([0, 1]);
      expect(await listDeadEvents(world.db, { after: null, limit: 10 })).toEqual([]);
    },
  );

  test('in time, or at all, gets it again', async () => {
    const world = await setUp();
    await append(world, await makeSession(world), 'message-inbound', [1]);
    world.receiver.answer(() => undefined);
    const { relay } = makeRelay(world, {}, 50);
    relay.start();
    const error = 'select last_error from wa.events';
    await until(async () =>
      expect(await world.t.asOwner(error)).toEqual([{ last_error: 'the API did not answer in time' }]),
    );
    world.receiver.answer((response) => response.socket?.destroy());
    await until(async () =>
      expect(await world.t.asOwner(error)).toEqual([{ last_error: 'the API cannot be reached' }]),
    );
    world.receiver.answer(status(200));
    await drained(world);
  });

  test('because it wants to be asked later is asked later', async () => {
    const world = await setUp();
    await append(world, await makeSession(world), 'message-inbound', [1]);
    world.receiver.answer(status(429, { 'retry-after': '1' }));
    const { registry } = startRelay(world, { longest_away: 300 });
    await until(() => expect(world.receiver.requests).toHaveLength(1));
    world.receiver.answer(status(200));
    await drained(world);
    expect(world.receiver.requests).toHaveLength(2);
    expect(world.receiver.requests[1]!.at - world.receiver.requests[0]!.at).toBeGreaterThanOrEqual(290);
    expect((await registry.getSingleMetric('potentia_wa_event_breaker')!.get()).values[0]!.value).toBe(0);
  });
});

describe('an event that the API refuses', () => {
  /** Refuses every request in which this number is. */
  const refuse =
    (n: number) =>
    (response: ServerResponse, { body }: { body: string }) => {
      const { items } = JSON.parse(body) as { items: { data: { n: number } }[] };
      const problem = JSON.stringify({ code: 'request.invalid', detail: 'secret words' });
      if (items.some(({ data }) => data.n === n))
        response.writeHead(400, { 'content-type': 'application/problem+json' }).end(problem);
      else response.writeHead(200).end('{}');
    };

  test('is given up after it was refused three times by itself, and all others go on in their order', async () => {
    const world = await setUp();
    const session_id = await makeSession(world);
    await append(world, session_id, 'message-inbound', range(6));
    world.receiver.answer(refuse(2));
    const { registry } = startRelay(world);
    await drained(world);
    expect(toldBy(world).map(({ numbers }) => numbers)).toEqual([
      [0, 1, 2, 3, 4, 5],
      ...[[0], [1], [2]],
      ...[[2], [2]],
      [3, 4, 5],
    ]);
    const dead = await listDeadEvents(world.db, { after: null, limit: 10 });
    expect(dead).toMatchObject([
      { session_id, kind: 'message-inbound', refused: 3, last_error: 'the API answered 400 (request.invalid)' },
    ]);
    expect(await registry.metrics()).toContain('potentia_wa_events_died_total{kind="message-inbound"} 1');
  });

  test('is sent again when somebody asks for it, before what waits', async () => {
    const world = await setUp();
    const session_id = await makeSession(world);
    await append(world, session_id, 'message-inbound', [1]);
    world.receiver.answer(refuse(1));
    const { relay } = startRelay(world);
    await until(async () => expect(await listDeadEvents(world.db, { after: null, limit: 10 })).toHaveLength(1));
    await relay.stop();
    await append(world, session_id, 'message-inbound', [2]);
    const event_id = (await listDeadEvents(world.db, { after: null, limit: 10 }))[0]?.event_id ?? '';
    expect(await redriveEvents(world.db, { event_ids: [randomUUID()], limit: 10 })).toBe(0);
    expect(await redriveEvents(world.db, { event_ids: [event_id], limit: 10 })).toBe(1);
    world.receiver.answer(status(200));
    startRelay(world);
    await drained(world);
    expect(toldBy(world).at(-1)!.numbers).toEqual([1, 2]);
    expect(await redriveEvents(world.db, { event_ids: null, limit: 10 })).toBe(0);
  });

  test('or that nobody took for three days is dead, and the next one is told', async () => {
    const world = await setUp();
    await append(world, await makeSession(world), 'message-inbound', [1, 2]);
    await world.t.asOwner(`update wa.events set expires_at = now() where payload @> '{"n": 1}'`);
    startRelay(world);
    await drained(world);
    expect(toldBy(world).map(({ numbers }) => numbers)).toEqual([[2]]);
    expect(await listDeadEvents(world.db, { after: null, limit: 10 })).toMatchObject([{ last_error: 'expired' }]);
    expect(await redriveEvents(world.db, { event_ids: null, limit: 10 })).toBe(1);
    await drained(world);
    expect(toldBy(world).at(-1)!.numbers).toEqual([1]);
  });
});

describe('of a session', () => {
  test('a change of its status is an event of the declared shape; the QR code is in it by its number alone', async () => {
    const world = await setUp();
    const session_id = await makeSession(world);
    const qr = { serial: 2, expires_at: '2026-03-02T09:00:20.000Z' };
    for (const changes of [
      { status: 'pairing', qr },
      { status: 'connected', phone: '6281200000001', lid: '12', profile_name: 'Ada', qr },
      { status: 'logged_out', reason: 'unlinked', close_code: 401 },
      { linked_at: null },
    ])
      await world.t.asOwner('select wa.take_session_changes($1, $2)', [session_id, changes]);
    const rows = await world.t.asOwner<{ payload: unknown }>('select payload from wa.events order by seq');
    const events = rows.map(({ payload }) => sessionStatusEvent.parse(payload));
    expect(events).toMatchObject([
      { session_id, generation: 1, status: 'pairing', qr },
      { status: 'connected', phone: '6281200000001', lid: '12', profile_name: 'Ada', qr: null },
      { status: 'logged_out', reason: 'unlinked', close_code: 401, profile_name: null, qr: null },
    ]);
    expect(events).toHaveLength(3);
  });

  test('what it sent and received is told as totals, once until they change', async () => {
    const world = await setUp();
    const session_id = await makeSession(world);
    const count = () => world.t.asOwner('select wa.count_usage($1, 1, 2, 30, 0)', [session_id]);
    await count();
    await count();
    const wake = vi.fn();
    const upkeep = startEventUpkeep({ db: world.db, log, wake, every_ms: 10 });
    onTestFinished(() => upkeep.stop());
    const totals = async () =>
      (await world.t.asOwner<{ payload: unknown }>('select payload from wa.events order by seq')).map(({ payload }) =>
        sessionUsageEvent.parse(payload),
      );
    await until(async () => expect(await totals()).toHaveLength(1));
    expect(await totals()).toMatchObject([{ session_id, sent: 2, received: 4, media_bytes: 60 }]);
    expect(wake).toHaveBeenCalledTimes(1);
    await count();
    await until(async () => expect(await totals()).toHaveLength(2));
    expect((await totals())[1]).toMatchObject({ sent: 3, received: 6, media_bytes: 90 });
  });

  test('dead events that nobody wanted in two weeks go, others stay', async () => {
    const world = await setUp();
    const session_id = await makeSession(world);
    await append(world, session_id, 'message-inbound', [1, 2, 3]);
    await world.t.asOwner(
      `update wa.events set dead_at = now() - make_interval(days => 15 - (payload ->> 'n')::int * 2) where payload ->> 'n' <> '3'`,
    );
    const upkeep = startEventUpkeep({ db: world.db, log, wake: () => undefined, every_ms: 10 });
    onTestFinished(() => upkeep.stop());
    await world.t.asOwner(`update wa.events set dead_at = now() - interval '15 days' where payload ->> 'n' = '1'`);
    const numbers = () => world.t.asOwner(`select payload ->> 'n' as n from wa.events order by seq`);
    await until(async () => expect(await numbers()).toEqual([{ n: '2' }, { n: '3' }]));
  });
});
