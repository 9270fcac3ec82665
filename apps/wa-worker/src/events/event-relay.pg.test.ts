import { randomUUID } from 'node:crypto';
import { claimEvents } from '@potentia/db/wa/event-queries';
import type { Receiver } from '@potentia/domain/webhook/testing/receiver';
import { verifyWebhook } from '@potentia/domain/webhook/rules/signature';
import { describe, expect, test } from 'vitest';
import { createEventSender } from './event-sender.ts';
import {
  SECRETS,
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

describe('a worker that stops', () => {
  test('says what it has left to say, as far as there is time', async () => {
    const world = await setUp();
    const [one, two] = [await makeSession(world), await makeSession(world)];
    await append(world, one, 'message-inbound', range(150));
    await append(world, two, 'message-inbound', [1]);
    const { relay } = makeRelay(world);
    await relay.flush(5_000);
    expect(await left(world)).toEqual([]);

    await append(world, one, 'message-inbound', [1]);
    world.receiver.answer(() => undefined);
    const began = performance.now();
    await relay.flush(100);
    expect(performance.now() - began).toBeLessThan(1_500);
    expect(await left(world)).toEqual([1]);
    // The request that is under way is waited for.
    world.receiver.answer(status(200));
    await relay.stop();
  });
});
