import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getUserEvents, getUserHeads } from '../auth/queries.ts';
import { asSystem, withContext } from '../context.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { seedUser } from '../testing/seed.ts';
import * as platform from './queries.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

const gate = () => {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
};

/** Does `work` once under a key, as the verbs do. */
function once(user_id: string, key: string, work: () => Promise<unknown>, request_hash = 'h') {
  return withContext(t.db, { user_id }, async (tx) => {
    const known = await platform.claimIdempotencyKey(tx, { user_id, key, operation: 'test', request_hash });
    if (known) return { known };
    const result = await work();
    await platform.storeIdempotentResult(tx, { user_id, key, result });
    return { result };
  });
}

test('a key is claimed by one; who comes at the same time waits, and learns the result', async () => {
  const { user_id } = await seedUser(t.db);
  const { open, opened } = gate();
  let runs = 0;
  const work = async (): Promise<unknown> => {
    runs++;
    await opened;
    return { made: 1 };
  };
  const first = once(user_id, 'k', work);
  const others = Array.from({ length: 5 }, () => once(user_id, 'k', work));
  open();
  const answers = await Promise.all([first, ...others]);
  expect(runs).toBe(1);
  expect(answers.filter((answer) => 'result' in answer)).toEqual([{ result: { made: 1 } }]);
  const known = { operation: 'test', request_hash: 'h', result: { made: 1 } };
  expect(answers.filter((answer) => 'known' in answer)).toEqual(Array(5).fill({ known }));
});

test('a claim goes with its transaction, is one of a person, and expires', async () => {
  const { user_id } = await seedUser(t.db);
  const other = await seedUser(t.db);
  await expect(once(user_id, 'k', () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(await once(user_id, 'k', async () => 'text')).toEqual({ result: 'text' });
  expect(await once(user_id, 'k', async () => 'never')).toMatchObject({ known: { result: 'text' } });
  expect(await once(other.user_id, 'k', async () => null)).toEqual({ result: null });
  await t.asOwner(`update app.idempotency_keys set expires_at = now() - interval '1 s' where user_id = $1`, [user_id]);
  expect(await once(user_id, 'k', async () => 'again', 'h2')).toEqual({ result: 'again' });
  expect(await once(user_id, 'k', async () => 'never')).toMatchObject({
    known: { request_hash: 'h2', result: 'again' },
  });
});

test('two relays never take the same row; what a relay could not hand on is taken again', async () => {
  await t.asOwner(
    `insert into app.outbox (id, topic, payload, available_at)
     select gen_random_uuid(), case when n > 10 then 'other' else 'me.deliver' end, '{}', now() + case when n = 10 then interval '1 h' else interval '0' end
     from generate_series(1, 12) n`,
  );
  const topics = ['me.deliver'];
  const relay = (hand_on: (ids: string[]) => Promise<void>) =>
    asSystem(t.job_db, 'outbox.relay', async (tx) => {
      const ids = (await platform.takeOutbox(tx, { topics, limit: 6 })).map((row) => row.id);
      await hand_on(ids);
      await platform.deleteOutbox(tx, ids);
      return ids;
    });
  expect((await platform.getOutboxStats(t.job_db)).rows).toBe(11);
  await expect(relay(() => Promise.reject(new Error('Redis is away')))).rejects.toThrow('away');
  const { open, opened } = gate();
  const first = relay(() => opened);
  const second = relay(async () => open());
  const taken = (await Promise.all([first, second])).flat();
  expect(taken).toHaveLength(9);
  expect(new Set(taken).size).toBe(9);
  const stats = await platform.getOutboxStats(t.job_db);
  expect(stats.rows).toBe(2);
  expect(stats.oldest_age_ms).toBeGreaterThanOrEqual(0);
});

test("a person's events are numbered without gaps, once per outbox row, however many deliver at once", async () => {
  const { user_id } = await seedUser(t.db);
  const ids = Array.from({ length: 10 }, () => randomUUID());
  const append = (outbox_id: string) =>
    platform.appendUserEvent(t.job_db, { user_id, outbox_id, type: 'test.happened', payload: { outbox_id } });
  const made = await Promise.all([...ids, ...ids].map(append));
  expect(made.filter((event) => event.is_new)).toHaveLength(10);
  const events = await getUserEvents(t.db, { user_id, after_seq: 0, limit: 100 });
  expect(events.map((event) => event.seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(new Set(made.map((event) => event.frame))).toEqual(new Set(events.map((event) => event.frame)));
  expect(JSON.parse(events[0]!.frame)).toMatchObject({
    type: 'event',
    seq: 1,
    event: 'test.happened',
    epoch: made[0]!.epoch,
  });
  expect(await getUserHeads(t.db, [user_id, randomUUID()])).toEqual([{ user_id, epoch: made[0]!.epoch, seq: 10 }]);
  expect(await getUserEvents(t.db, { user_id, after_seq: 8, limit: 1 })).toMatchObject([{ seq: 9 }]);
  const stranger = await seedUser(t.db);
  expect(await getUserEvents(t.db, { user_id: stranger.user_id, after_seq: 0, limit: 9 })).toEqual([]);
  const nobody = platform.appendUserEvent(t.job_db, {
    user_id: randomUUID(),
    outbox_id: randomUUID(),
    type: 'x',
    payload: {},
  });
  await expect(nobody).rejects.toMatchObject({ code: 'user.not_found' });
});

test('a replica reports its health again and again in one row', async () => {
  const row = {
    service: 'api',
    instance_id: randomUUID(),
    version: '1',
    checks: {},
    started_at: new Date().toISOString(),
  };
  const report = (status: 'ok' | 'degraded') =>
    platform.writeSystemHealth(t.db, { ...row, status, reported_at: new Date().toISOString() });
  await report('ok');
  await report('degraded');
  const rows = await t.asOwner('select status from app.system_health where instance_id = $1', [row.instance_id]);
  expect(rows).toEqual([{ status: 'degraded' }]);
});
