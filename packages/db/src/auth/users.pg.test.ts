import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { ensureUser } from './queries.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

test('the first token makes the user, a personal workspace and an event head, once, also twenty at the same time', async () => {
  const user_id = randomUUID();
  const user = { user_id, email: 'ada@example.test', name: 'Ada' };
  const rows = await Promise.all(Array.from({ length: 20 }, () => ensureUser(t.db, user)));
  expect(new Set(rows.map((row) => JSON.stringify(row))).size).toBe(1);
  expect(rows[0]).toMatchObject(user);
  const counts = await t.asOwner(
    `select (select count(*)::int from app.workspaces where owner_user_id = $1 and is_personal) as spaces,
       (select count(*)::int from app.user_heads where user_id = $1) as heads`,
    [user_id],
  );
  expect(counts).toEqual([{ spaces: 1, heads: 1 }]);
});

test('a changed e-mail address is taken over; a name is, only while there is none', async () => {
  const user_id = randomUUID();
  await ensureUser(t.db, { user_id, email: 'old@example.test', name: null });
  expect(await ensureUser(t.db, { user_id, email: 'new@example.test', name: 'Ada' })).toMatchObject({
    email: 'new@example.test',
    name: 'Ada',
  });
  expect(await ensureUser(t.db, { user_id, email: null, name: 'Grace' })).toMatchObject({ email: null, name: 'Ada' });
});

test('the personal workspace, its calendar and a change of the address are audited, once', async () => {
  const user_id = randomUUID();
  const [older, newer] = [
    { user_id, email: 'old@example.test', name: 'Ada' },
    { user_id, email: 'new@example.test', name: 'Ada' },
  ];
  const { personal_workspace_id } = await ensureUser(t.db, older);
  for (const user of [older, newer, newer]) await ensureUser(t.db, user);
  const rows = await t.asOwner<{ action: string }>(
    `select action, target_id, before, after from app.audit_logs where workspace_id = $1 and actor_user_id = $2`,
    [personal_workspace_id, user_id],
  );
  // Ids of one millisecond have no order.
  const byAction = rows.toSorted((a, b) => a.action.localeCompare(b.action));
  expect(byAction).toEqual([
    {
      action: 'calendar.create',
      target_id: expect.any(String),
      before: null,
      after: { name: 'Calendar', time_zone: 'UTC', color: null, is_exclusive: false, owner_user_id: user_id },
    },
    { action: 'user.update', target_id: user_id, before: { email: older.email }, after: { email: newer.email } },
    {
      action: 'workspace.create',
      target_id: personal_workspace_id,
      before: null,
      after: { name: 'Personal', is_personal: true },
    },
  ]);
});

test('an address can pass from one account to another', async () => {
  const email = 'shared@example.test';
  await ensureUser(t.db, { user_id: randomUUID(), email, name: 'First' });
  await expect(ensureUser(t.db, { user_id: randomUUID(), email, name: 'Second' })).resolves.toMatchObject({ email });
});
