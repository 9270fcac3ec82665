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

it('a database that is away is unavailable, and is asked again the next time', async () => {
  const user = { user_id: randomUUID(), email: 'ada@example.com', name: 'Ada' };
  const ensureUser = createEnsureUser();
  const options = { pool_size: 1, timeout_ms: 300, prepare: true, application_name: 'test' };
  const away = createDb({ ...options, url: 'postgres://nobody@127.0.0.1:1/none' });
  await expect(ensureUser(away, user)).rejects.toMatchObject({ kind: 'unavailable' });
  await away.end();
  expect((await ensureUser(test_db.db, user)).user_id).toBe(user.user_id);
});
