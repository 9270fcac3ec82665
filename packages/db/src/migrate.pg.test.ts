import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from './migrate.ts';
import { createTestDatabase, type TestDatabase } from './testing/database.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

const run = promisify(execFile);
const script = (name: string): string => join(import.meta.dirname, name);

test('a migrated database needs nothing, also asked by several at once', async () => {
  const reports = await Promise.all([migrate(t.owner_url), migrate(t.owner_url), migrate(t.owner_url)]);
  expect(reports).toEqual(Array(3).fill({ applied: [] }));
});

test('a repeatable file that changed is applied again, and policies are made anew', async () => {
  const name = 'canvas/sql/30_reads.sql';
  await t.asOwner(`update app.migrations set checksum = 'of another text' where name = $1`, [name]);
  await t.asOwner('drop policy family on app.blocks');
  expect(await migrate(t.owner_url)).toEqual({ applied: [name] });
  const policies = await t.asOwner(`select polname from pg_policy where polrelid = 'app.blocks'::regclass`);
  expect(policies).toEqual([{ polname: 'family' }]);
});

test('a migration that was edited after it ran is refused, and nothing happens', async () => {
  const name = 'migrations/0001_foundation.sql';
  const [row] = await t.asOwner<{ checksum: string }>('select checksum from app.migrations where name = $1', [name]);
  await t.asOwner(`update app.migrations set checksum = 'of another text' where name = $1`, [name]);
  await expect(migrate(t.owner_url)).rejects.toThrow('was edited since');
  await t.asOwner('update app.migrations set checksum = $2 where name = $1', [name, row?.checksum]);
});

test('a table whose comment names no family cannot be secured', async () => {
  await using other = await createTestDatabase();
  await other.asOwner('create table app.orphan (id int)');
  await expect(other.asOwner('select app.secure_tables()')).rejects.toThrow('app.orphan names no known family');
});

test('node src/migrate.ts and src/bootstrap.ts run by themselves', async () => {
  const env = { PATH: process.env['PATH'], POSTGRES_OWNER_URL: t.owner_url };
  expect((await run(process.execPath, [script('migrate.ts')], { env })).stdout).toBe('nothing to apply\n');
  const failed = await run(process.execPath, [script('bootstrap.ts')], { env: { PATH: process.env['PATH'] } }).catch(
    (error: unknown) => error as { code: number; stderr: string },
  );
  expect(failed).toMatchObject({ code: 1 });
  expect(failed.stderr).toContain('POSTGRES_SUPERUSER_URL');
});
