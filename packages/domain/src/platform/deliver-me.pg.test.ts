import { randomUUIDv7 } from 'node:crypto';
import { getUserEvents } from '@potentia/db/auth/queries';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedUser } from '@potentia/db/testing/seed';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BusMessage, meChannel } from './bus.ts';
import { deliverMe } from './deliver-me.ts';
import type { OutboxJob } from './outbox.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

function setUp(user_id: string) {
  const published: [string, BusMessage][] = [];
  const ctx = {
    db: database.job_db,
    bus: { publish: (channel: string, message: BusMessage) => void published.push([channel, message]) },
  };
  const job = (n: number): OutboxJob<{ user_id: string; type: string }> => ({
    outbox_id: randomUUIDv7(),
    workspace_id: null,
    user_id,
    payload: { user_id, type: 'test.happened', n } as { user_id: string; type: string },
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    request_id: 'request-1',
    created_at: new Date().toISOString(),
  });
  const events = () => getUserEvents(database.db, { user_id, after_seq: 0, limit: 100 });
  return { ctx, job, events, published };
}

test('the person gets the event that the hubs are told of, in its trace', async () => {
  const { user_id } = await seedUser(database.db);
  const { ctx, job, events, published } = setUp(user_id);
  const sent = job(1);
  expect(await deliverMe(ctx, sent)).toEqual({ seq: 1, is_new: true });
  const [event] = await events();
  expect(JSON.parse(event!.frame)).toMatchObject({ type: 'event', seq: 1, event: 'test.happened', payload: { n: 1 } });
  expect(published).toEqual([
    [meChannel(user_id), { kind: 'event', seq: 1, user_id, traceparent: sent.traceparent, frame: event!.frame }],
  ]);
});

test('a row that is delivered again, also at the same time, stays one event and says the same', async () => {
  const { user_id } = await seedUser(database.db);
  const { ctx, job, events, published } = setUp(user_id);
  const [first, second] = [job(1), job(2)];
  const results = await Promise.all([first, first, first, first].map((sent) => deliverMe(ctx, sent)));
  expect(results.filter(({ is_new }) => is_new)).toHaveLength(1);
  await deliverMe(ctx, second);
  await deliverMe(ctx, first);
  expect((await events()).map(({ seq }) => seq)).toEqual([1, 2]);
  expect(new Set(published.map(([, { frame }]) => frame)).size).toBe(2);
});

test('an event for somebody who does not exist is not_found', async () => {
  const { ctx, job, published } = setUp(randomUUIDv7());
  await expect(deliverMe(ctx, job(1))).rejects.toMatchObject({ kind: 'not_found', code: 'user.not_found' });
  expect(published).toEqual([]);
});
