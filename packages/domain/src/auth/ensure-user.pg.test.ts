import { randomUUID } from 'node:crypto';
import { createDb } from '@potentia/db/client';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEnsureUser } from './ensure-user.ts';

let test_db: TestDatabase;
beforeAll(async () => {
  test_db = await createTestDatabase();
});
afterAll(() => test_db.drop());

const rowsOf = (user_id: string) =>
  test_db.asOwner<{ email: string | null; name: string; spaces: number }>(
    `select u.email, u.name, (select count(*)::int from app.workspaces w where w.owner_user_id = u.id) as spaces
     from app.users u where u.id = $1`,
    [user_id],
  );

describe('the first sight of a person', () => {
  it('makes their row and one personal space, also when many requests come at once on several replicas', async () => {
    const user = { user_id: randomUUID(), email: 'ada@example.com', name: 'Ada' };
    const replicas = [createEnsureUser(), createEnsureUser()];
    const rows = await Promise.all(Array.from({ length: 10 }, (_, i) => replicas[i % 2]!(test_db.db, user)));
    expect(new Set(rows.map((row) => row.personal_workspace_id)).size).toBe(1);
    expect(rows[0]).toMatchObject(user);
    expect(await rowsOf(user.user_id)).toEqual([{ email: 'ada@example.com', name: 'Ada', spaces: 1 }]);
  });

  it('asks Postgres once, and again when the token carries another address', async () => {
    const user = { user_id: randomUUID(), email: 'old@example.com', name: null };
    const ensureUser = createEnsureUser();
    await ensureUser(test_db.db, user);
    await test_db.asOwner('update app.users set email = null where id = $1', [user.user_id]);
    await ensureUser(test_db.db, user);
    expect(await rowsOf(user.user_id)).toMatchObject([{ email: null }]);
    await ensureUser(test_db.db, { ...user, email: 'new@example.com' });
    expect(await rowsOf(user.user_id)).toEqual([{ email: 'new@example.com', name: '', spaces: 1 }]);
  });
});

describe('an address that changes', () => {
  const emailOf = async (user_id: string) => (await rowsOf(user_id))[0]?.email;
  const at = (n: number) => Date.parse('2026-01-01T00:00:00Z') + n * 1000;

  it('and changes back is the one it changed back to, whichever replicas saw the change', async () => {
    const user = { user_id: randomUUID(), email: 'first@example.com', name: 'Ada' };
    const [one, other] = [createEnsureUser(), createEnsureUser()];
    await one(test_db.db, { ...user, issued_at: at(1) });
    await other(test_db.db, { ...user, email: 'second@example.com', issued_at: at(2) });
    expect(await emailOf(user.user_id)).toBe('second@example.com');
    expect(await one(test_db.db, { ...user, issued_at: at(3) })).toMatchObject({ email: 'first@example.com' });
    expect(await emailOf(user.user_id)).toBe('first@example.com');
  });

  it('and changes back is so, too, where tokens do not say when they were made', async () => {
    const user = { user_id: randomUUID(), email: 'first@example.com', name: 'Ada' };
    const ensureUser = createEnsureUser();
    for (const email of ['first@example.com', 'second@example.com', 'first@example.com'])
      await ensureUser(test_db.db, { ...user, email });
    expect(await emailOf(user.user_id)).toBe('first@example.com');
  });

  it('is not changed by an older token that is still good, on no replica', async () => {
    const user = { user_id: randomUUID(), email: 'new@example.com', name: 'Ada' };
    const older = { ...user, email: 'old@example.com', issued_at: at(1) };
    const [one, other] = [createEnsureUser(), createEnsureUser()];
    await one(test_db.db, { ...user, issued_at: at(2) });
    for (const ensureUser of [one, other])
      expect(await ensureUser(test_db.db, older)).toMatchObject({ email: 'new@example.com' });
    expect(await emailOf(user.user_id)).toBe('new@example.com');
  });
});

it('a database that is away is unavailable, and is asked again the next time', async () => {
  const user = { user_id: randomUUID(), email: 'ada@example.com', name: 'Ada' };
  const ensureUser = createEnsureUser();
  const options = { pool_size: 1, timeout_ms: 300, prepare: true, application_name: 'test' };
  const away = createDb({ ...options, url: 'postgres://nobody@127.0.0.1:1/none' });
  await expect(ensureUser(away, user)).rejects.toMatchObject({ kind: 'unavailable' });
  await away.end();
  expect((await ensureUser(test_db.db, user)).user_id).toBe(user.user_id);
});
