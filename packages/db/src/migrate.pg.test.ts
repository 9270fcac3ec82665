import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertDatabase } from './assert-database.ts';
import { migrate } from './migrate.ts';
import { migrationFiles, repeatableFiles } from './sql-files.ts';
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
  expect(reports).toEqual(Array(3).fill({ applied: [], dropped: [] }));
});

test('a repeatable file that changed is applied again, and policies are made anew', async () => {
  const name = 'canvas/sql/30_reads.sql';
  await t.asOwner(`update app.migrations set checksum = 'of another text' where name = $1`, [name]);
  await t.asOwner('drop policy family on app.blocks');
  expect(await migrate(t.owner_url)).toEqual({ applied: [name], dropped: [] });
  const policies = await t.asOwner(`select polname from pg_policy where polrelid = 'app.blocks'::regclass`);
  expect(policies).toEqual([{ polname: 'family' }]);
});

test('a function of a changed file is made anew, whatever it returned and however often it was overloaded', async () => {
  await using other = await createTestDatabase();
  const signatures = () =>
    other.asOwner<{ signature: string; returns: string }>(
      `select oid::regprocedure::text as signature, prorettype::regtype::text as returns
       from pg_proc where pronamespace = 'app'::regnamespace order by 1`,
    );
  const before = await signatures();
  await other.asOwner('drop function app.get_canvas_role');
  await other.asOwner(`create function app.get_canvas_role(p_user_id uuid, p_canvas_id uuid) returns int return 1`);
  await other.asOwner(`create function app.get_canvas_role(p_canvas_id uuid) returns text return ''`);
  const name = 'platform/sql/10_context.sql';
  await other.asOwner(`update app.migrations set checksum = 'of another text' where name = $1`, [name]);
  expect(await migrate(other.owner_url)).toEqual({ applied: [name], dropped: [] });
  expect(await signatures()).toEqual(before);
  await assertDatabase(other.db);
});

test('functions that are bound to one of a changed file are made anew with it', async () => {
  await using other = await createTestDatabase();
  const name = 'platform/sql/00_base.sql';
  await other.asOwner(`update app.migrations set checksum = 'of another text' where name = $1`, [name]);
  expect((await migrate(other.owner_url)).applied).toEqual(
    expect.arrayContaining([name, 'canvas/sql/20_json.sql', 'auth/sql/20_user_events.sql']),
  );
  await assertDatabase(other.db);
  const executable = await other.db.call(`select 'app.block_json(app.blocks)'::regprocedure::text as name
    where has_function_privilege('app.block_json(app.blocks)', 'execute')`);
  expect(executable).toHaveLength(1);
});

test('every repeatable file can run on what it has made already, all twice in a row', async () => {
  await using other = await createTestDatabase();
  await other.asOwner('set role potentia_owner');
  for (const { name, text } of [...repeatableFiles(), ...repeatableFiles()]) {
    await expect(other.asOwner(text), name).resolves.toBeDefined();
  }
  await other.asOwner('reset role');
  await assertDatabase(other.db);
});

test('the triggers of a changed file are made anew with their functions', async () => {
  await using other = await createTestDatabase();
  const triggers = () =>
    other.asOwner<{ name: string }>(
      `select tgrelid::regclass || ' ' || tgname as name from pg_trigger where not tgisinternal order by 1`,
    );
  const before = await triggers();
  expect(before).toContainEqual({ name: 'app.blocks blocks_search' });
  const name = 'search/sql/62_search_index.sql';
  await other.asOwner(`update app.migrations set checksum = 'of another text' where name = $1`, [name]);
  expect((await migrate(other.owner_url)).applied).toEqual([name, 'search/sql/64_search.sql']);
  expect(await triggers()).toEqual(before);
});

test('a function that no file creates any more is dropped', async () => {
  await using other = await createTestDatabase();
  await other.asOwner(`create function app.former_verb(p_user_id uuid) returns int return 1`);
  expect(await migrate(other.owner_url)).toEqual({ applied: [], dropped: ['app.former_verb(uuid)'] });
  expect(await migrate(other.owner_url)).toEqual({ applied: [], dropped: [] });
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

test('no later migration brings a column with its default, which Postgres refuses where a function is bound to the row', () => {
  // Until then no function was there when they ran.
  const later = migrationFiles().filter(({ name }) => name > 'migrations/0017');
  expect(later.length).toBeGreaterThan(0);
  for (const { name, text } of later) expect(text, name).not.toMatch(/add column[^;]*\bdefault\b/i);
});
