import { randomUUIDv7 } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedUser } from '@potentia/db/testing/seed';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { forgetRecords, inBatches } from './forget-records.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

test('keys go after their day and mails after 90 of them, and nothing before', async () => {
  const { user_id } = await seedUser(t.db);
  await t.asOwner(
    `insert into app.idempotency_keys (user_id, key, operation, request_hash, expires_at)
     select $1, 'key-' || n, 'o', 'h', now() + (n - 3.5) * interval '1 hour' from generate_series(1, 5) n`,
    [user_id],
  );
  const [old, fresh] = [randomUUIDv7(), randomUUIDv7()];
  await t.asOwner(
    `insert into app.mail_deliveries (outbox_id, template, reference, status, updated_at)
     values ($1, 'x', 'x', 'sent', now() - interval '91 days'), ($2, 'x', 'x', 'sent', now() - interval '89 days')`,
    [old, fresh],
  );
  expect(await forgetRecords({ db: t.job_db, clock: () => new Date() })).toEqual({ keys: 3, mails: 1 });
  const keys = await t.asOwner('select key from app.idempotency_keys where user_id = $1 order by key', [user_id]);
  expect(keys).toEqual([{ key: 'key-4' }, { key: 'key-5' }]);
  expect(await t.asOwner('select outbox_id from app.mail_deliveries')).toEqual([{ outbox_id: fresh }]);
});

test('much is done in many small steps, and not without end', async () => {
  let left = 2_500;
  const steps: number[] = [];
  const count = await inBatches((limit) => {
    steps.push(Math.min(left, limit));
    left -= steps.at(-1) ?? 0;
    return Promise.resolve(steps.at(-1) ?? 0);
  });
  expect([count, steps]).toEqual([2_500, [1_000, 1_000, 500]]);
  let calls = 0;
  await inBatches((limit) => {
    calls += 1;
    return Promise.resolve(limit);
  });
  expect(calls).toBe(50);
});
