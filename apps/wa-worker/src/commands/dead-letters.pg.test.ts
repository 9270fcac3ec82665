import { randomUUID } from 'node:crypto';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import {
  API_AUDIENCE,
  type NewServiceToken,
  signServiceToken,
  WORKER_AUDIENCE,
} from '@potentia/domain/platform/service-token';
import { deadLetterPage } from '@potentia/domain/whatsapp/dead-letter-schemas';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startWorker, startWorkerWorld, type TestWorker, type WorkerWorld } from '../testing/worker.ts';

let world: WorkerWorld;
let worker: TestWorker;
beforeAll(async () => {
  world = await startWorkerWorld();
  worker = await startWorker(world);
});
afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
});

const token = (overrides: Partial<NewServiceToken> = {}, secret = GATEWAY_SECRETS.SERVICE_JWT_SECRETS) =>
  signServiceToken([secret], { issuer: 'api', audience: WORKER_AUDIENCE, ...overrides });

async function ask(method: string, path: string, { bearer, body }: { bearer?: string; body?: object } = {}) {
  const response = await fetch(`${worker.url}${path}`, {
    method,
    headers: {
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  return {
    status: response.status,
    body: (await response.json()) as Record<string, unknown> & { items: { event_id: string }[] },
  };
}

/** Events that are dead, the first one for the longest time. */
async function makeDead(count: number): Promise<string[]> {
  const session_id = randomUUID();
  const ids = Array.from({ length: count }, () => randomUUID());
  for (const [n, event_id] of ids.entries()) {
    await world.database.asOwner(
      `insert into wa.events (id, session_id, kind, payload, refused, attempts, last_error, dead_at)
       values ($1, $2, 'message-inbound', '{"message": "private words"}', 3, 4, 'the API answered 400', now() - make_interval(mins => $3))`,
      [event_id, session_id, 60 - n],
    );
  }
  return ids;
}

describe('dead letters', () => {
  test('are listed newest first, page by page, without what they say', async () => {
    const ids = await makeDead(3);
    const bearer = await token();
    const first = await ask('GET', '/dead-letters?limit=2', { bearer });
    expect(first.status).toBe(200);
    expect(JSON.stringify(first.body)).not.toContain('private');
    const page = deadLetterPage.parse(first.body);
    expect(page.items.map(({ event_id }) => event_id)).toEqual([ids[2], ids[1]]);
    const rest = await ask('GET', `/dead-letters?limit=2&cursor=${page.next_cursor}`, { bearer });
    expect(rest.body.items.map(({ event_id }) => event_id)).toContain(ids[0]);
    expect(await ask('GET', '/dead-letters?cursor=x', { bearer })).toMatchObject({ status: 400 });
    expect(await ask('GET', '/dead-letters?surprise=1', { bearer })).toMatchObject({ status: 400 });
  });

  test('are sent again when they are named, or all of them, and then they are dead no more', async () => {
    const [one = '', two = ''] = await makeDead(2);
    const bearer = await token();
    const again = await ask('POST', '/dead-letters/redrive', { bearer, body: { event_ids: [one, randomUUID()] } });
    expect(again).toMatchObject({ status: 200, body: { count: 1 } });
    const left = async () => (await ask('GET', '/dead-letters', { bearer })).body.items.map(({ event_id }) => event_id);
    expect(await left()).not.toContain(one);
    expect(await left()).toContain(two);
    expect((await ask('POST', '/dead-letters/redrive', { bearer })).status).toBe(200);
    expect(await left()).toEqual([]);
    expect(await ask('POST', '/dead-letters/redrive', { bearer, body: { event_ids: ['x'] } })).toMatchObject({
      status: 400,
    });
    // The API of these tests takes none: they wait again.
    await vi.waitFor(async () => {
      const text = 'select attempts from wa.events where id = $1 and dead_at is null and attempts > 0';
      expect(await world.database.asOwner(text, [one])).toHaveLength(1);
    });
  });

  test('are nobody’s but the services’', async () => {
    await makeDead(1);
    const refused = [
      undefined,
      'nonsense',
      await token({}, 'another-secret-of-32-characters-or-more'),
      await token({ audience: API_AUDIENCE }),
      await token({ now: new Date(Date.now() - 120_000) }),
      await token({ session: { session_id: randomUUID(), generation: 1 } }),
    ];
    for (const bearer of refused) {
      const given = bearer === undefined ? {} : { bearer };
      expect(await ask('GET', '/dead-letters', given)).toMatchObject({ status: 401 });
      expect(await ask('POST', '/dead-letters/redrive', given)).toMatchObject({ status: 401 });
    }
  });
});
