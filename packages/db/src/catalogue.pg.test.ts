import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertDatabase, UnsafeDatabaseError } from './assert-database.ts';
import { createDb } from './client.ts';
import { createTestDatabase, type TestDatabase } from './testing/database.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

test('the database of the migrations is safe to serve from, for each role', async () => {
  await assertDatabase(t.db);
  await assertDatabase(t.job_db);
  const wa_db = createDb({ url: t.wa_url, pool_size: 1, timeout_ms: 5_000, prepare: true, application_name: 'test' });
  await assertDatabase(wa_db);
  await wa_db.end();
});

test('a superuser, an unforced table, a view of its owner, a loose function: each is found at start', async () => {
  await using broken = await createTestDatabase();
  await broken.asOwner('create table app.loose (id int)');
  await broken.asOwner('create view app.window as select 1 as n');
  await broken.asOwner(`create function app.wide() returns int language plpgsql as 'begin return 1; end'`);
  const found = await assertDatabase(broken.db).catch((error: unknown) => error);
  expect(found).toBeInstanceOf(UnsafeDatabaseError);
  expect((found as UnsafeDatabaseError).problems.toSorted()).toEqual([
    'row security of the table loose is not enabled and forced',
    'the function wide does not pin its search_path',
    'the function wide is granted to everybody',
    'the view window does not run as its caller',
  ]);
  const superuser = createDb({
    url: t.superuser_url,
    pool_size: 1,
    timeout_ms: 5_000,
    prepare: true,
    application_name: 'test',
  });
  await expect(assertDatabase(superuser)).rejects.toThrow('is a superuser or bypasses row security');
  await superuser.end();
});

test('a database without a schema is told apart from an unsafe one', async () => {
  await using empty = await createTestDatabase();
  await empty.asOwner('drop schema app, wa cascade');
  await expect(assertDatabase(empty.db)).rejects.toEqual(
    new UnsafeDatabaseError(['there is no schema app: migrate first']),
  );
});

test('every foreign key can be followed backwards by an index, which leads with workspace_id where the row has one', async () => {
  const bad = await t.asOwner<{ key: string }>(`
    select conrelid::regclass || ' ' || conname as key from pg_constraint c
    where contype = 'f' and connamespace in ('app'::regnamespace, 'wa'::regnamespace) and not exists (
      select from pg_index i
      where i.indrelid = c.conrelid
        and (select array_agg(x order by x) from unnest(i.indkey[0 : cardinality(c.conkey) - 1]) x)
          = (select array_agg(x order by x) from unnest(c.conkey) x)
        and (i.indkey[0] = (select attnum from pg_attribute a where a.attrelid = c.conrelid and a.attname = 'workspace_id')
          or not exists (select from pg_attribute a
            where a.attrelid = c.conrelid and a.attname = 'workspace_id' and a.attnum = any (c.conkey))))`);
  expect(bad).toEqual([]);
});

test('the columns that policies compare are led by an index, workspace_id first', async () => {
  const bad = await t.asOwner<{ table_name: string; family: string }>(`
    with tables as (
      select c.oid, c.relname, substring(obj_description(c.oid, 'pg_class') from 'family: (\\w+)') as family,
        coalesce(substring(obj_description(c.oid, 'pg_class') from 'workspace_id: (\\w+)'), 'workspace_id') as workspace_column,
        coalesce(substring(obj_description(c.oid, 'pg_class') from 'canvas_id: (\\w+)'), 'canvas_id') as canvas_column,
        coalesce(substring(obj_description(c.oid, 'pg_class') from 'calendar_id: (\\w+)'), 'calendar_id') as calendar_column,
        coalesce(substring(obj_description(c.oid, 'pg_class') from 'user_id: (\\w+)'), 'user_id') as user_column
      from pg_class c where c.relnamespace = 'app'::regnamespace and c.relkind = 'r'
    ), wanted as (
      select oid, relname, family, case family when 'canvas' then array[workspace_column, canvas_column]
        when 'calendar' then array[workspace_column, calendar_column]
        when 'workspace' then array[workspace_column] when 'person' then array[user_column] end as columns
      from tables where family in ('canvas', 'calendar', 'workspace', 'person')
    )
    select w.relname as table_name, w.family from wanted w where not exists (
      select from pg_index i where i.indrelid = w.oid and (
        select array_agg(a.attname::text order by k.n)
        from unnest(i.indkey[0 : cardinality(w.columns) - 1]) with ordinality as k (attnum, n)
        join pg_attribute a on a.attrelid = w.oid and a.attnum = k.attnum) = w.columns)`);
  expect(bad).toEqual([]);
});

test('every service role is an ordinary login with a time limit, and owns nothing', async () => {
  const roles = await t.asOwner(`
    select rolname as name, rolcanlogin as login, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb as mighty,
      array_to_string(rolconfig, ',') like '%statement_timeout%' as limited, 'jit=off' = any (rolconfig) as interprets
    from pg_roles where rolname in ('app_user', 'job_user', 'wa_user', 'potentia_owner') order by rolname`);
  expect(roles).toEqual([
    { name: 'app_user', login: true, mighty: false, limited: true, interprets: true },
    { name: 'job_user', login: true, mighty: false, limited: true, interprets: true },
    { name: 'potentia_owner', login: false, mighty: true, limited: null, interprets: null },
    { name: 'wa_user', login: true, mighty: false, limited: true, interprets: true },
  ]);
});
