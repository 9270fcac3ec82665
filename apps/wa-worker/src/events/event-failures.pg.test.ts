import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { listDeadEvents, redriveEvents } from '@potentia/db/wa/event-queries';
import { describe, expect, test } from 'vitest';
import {
  append,
  drained,
  left,
  makeRelay,
  makeSession,
  range,
  setUp,
  startRelay,
  status,
  toldBy,
  until,
} from '../testing/relay.ts';

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

  test('while the events of many sessions are on their way does not stop the process', async () => {
    const world = await setUp();
    for (let n = 0; n < 8; n++) await append(world, await makeSession(world), 'message-inbound', [0]);
    // Five are refused at once, by which the breaker opens; three hear nothing for a while.
    let asked = 0;
    const late: (() => void)[] = [];
    world.receiver.answer((response) => {
      if (++asked <= 5) status(503)(response);
      else late.push(() => status(200)(response));
    });
    const { registry } = startRelay(world);
    await until(() => expect(late.length).toBeGreaterThanOrEqual(3));
    const breaker = async () => (await registry.getSingleMetric('potentia_wa_event_breaker')!.get()).values[0]!.value;
    await until(async () => expect(await breaker()).toBeGreaterThan(0));
    world.receiver.answer(status(200));
    for (const answer of late) answer();
    await drained(world);
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
