import { randomUUIDv7 } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedCanvas, seedInvitation, seedUser, seedWorkspace } from '@potentia/db/testing/seed';
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
  expect(await forgetRecords({ db: t.job_db })).toMatchObject({ idempotency_keys: 3, mails: 1 });
  const keys = await t.asOwner('select key from app.idempotency_keys where user_id = $1 order by key', [user_id]);
  expect(keys).toEqual([{ key: 'key-4' }, { key: 'key-5' }]);
  expect(await t.asOwner('select outbox_id from app.mail_deliveries')).toEqual([{ outbox_id: fresh }]);
});

test('what is kept for a time goes after it, and nothing before', async () => {
  const workspace = await seedWorkspace(t.db);
  const { workspace_id, owner_user_id } = workspace;
  const { canvas_id } = await seedCanvas(t.db, workspace);
  const days = [29, 31, 89, 91];
  for (const age of days) {
    await t.asOwner(
      `insert into app.whatsapp_event_receipts (event_id, received_at) values (gen_random_uuid(), now() - make_interval(days => $1))`,
      [age],
    );
    await t.asOwner(
      `insert into app.user_events (user_id, seq, outbox_id, type, payload, created_at)
       values ($1, $2::int, gen_random_uuid(), 'x', '{}', now() - make_interval(days => $2::int))`,
      [owner_user_id, age],
    );
    for (const status of ['pending', 'revoked']) {
      const { id } = await seedInvitation(t.db, workspace, { user_id: (await seedUser(t.db)).user_id });
      await t.asOwner(
        `update app.invitations set status = $2, updated_at = now() - make_interval(days => $3) where id = $1`,
        [id, status, age],
      );
    }
    await t.asOwner(
      `insert into app.share_links (workspace_id, canvas_id, id, token_hash, last_four, created_by, expires_at)
       select $1, $2, gen_random_uuid(), sha256(gen_random_uuid()::text::bytea), 'abcd', $3, e
       from (values (now() - make_interval(days => $4)), (now() + make_interval(days => $4)), (null)) as ends (e)`,
      [workspace_id, canvas_id, owner_user_id, age],
    );
    await t.asOwner(
      `insert into app.transfers (id, workspace_id, kind, status, object_key, created_by, updated_at, expires_at)
       select gen_random_uuid(), $1, 'import', status, case when kept then repeat('k', 16) end, $2,
         now() - make_interval(days => $3), now() - make_interval(days => $3)
       from (values ('finished', false), ('failed', false), ('finished', true), ('awaiting_upload', false)) as rows (status, kept)`,
      [workspace_id, owner_user_id, age],
    );
    await t.asOwner(
      `insert into app.system_health (service, instance_id, version, status, checks, started_at, reported_at)
       values ('api', 'silent', '1', 'ok', '{}', now(), now() - interval '8 days'), ('api', 'alive', '1', 'ok', '{}', now(), now())
       on conflict do nothing`,
    );
  }
  const forgotten = await forgetRecords({ db: t.job_db });
  expect(forgotten).toMatchObject({
    user_events: 3,
    invitations: 1,
    share_links: 3,
    transfers: 2,
    system_health: 1,
    whatsapp_event_receipts: 3,
  });
  expect(await t.asOwner('select seq::int from app.user_events where user_id = $1', [owner_user_id])).toEqual([
    { seq: 29 },
  ]);
  expect(await t.asOwner('select instance_id from app.system_health')).toEqual([{ instance_id: 'alive' }]);
  const again = await forgetRecords({ db: t.job_db });
  expect(Object.values(again).every((count) => count === 0)).toBe(true);
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
