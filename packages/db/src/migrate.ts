import { pathToFileURL } from 'node:url';
import postgres from 'postgres';
import { readMigrateConfig } from './config.ts';
import { migrationFiles, repeatableFiles, type SqlFile } from './sql-files.ts';

const LOCK = 7_236_002;

export interface MigrationReport {
  /** Names of the files that ran. */
  applied: string[];
  /** Functions that no file creates any more. */
  dropped: string[];
}

/**
 * Brings the schema to what the files say: numbered migrations once each, then the repeatable files whose checksum changed,
 * all in one transaction under a lock. The functions of a changed file are dropped before (`create or replace` can neither
 * change what a function returns nor take away an overload), and so is every function in `app` and `wa` that no file creates. `owner_url` logs in as a member of `potentia_owner` (`potentia_migrator`).
 * Throws when a migration that ran has been edited since.
 */
export async function migrate(owner_url: string): Promise<MigrationReport> {
  const sql = postgres(owner_url, { max: 1, fetch_types: false, onnotice: () => undefined });
  try {
    return await sql.begin(async (tx) => {
      await tx.unsafe('set local role potentia_owner');
      await tx`select pg_advisory_xact_lock(${LOCK})`;
      await prepareSchema(tx);
      const known = await tx<{ name: string; checksum: string }[]>`select name, checksum from app.migrations`;
      const checksums = new Map(known.map((row) => [row.name, row.checksum]));
      const migrations = pendingMigrations(checksums);
      for (const file of migrations) await apply(tx, file);
      const changed = repeatableFiles().filter((file) => checksums.get(file.name) !== file.checksum);
      const { due, dropped } = await dropFunctions(tx, changed);
      for (const file of due) await apply(tx, file);
      const applied = [...migrations, ...due].map((file) => file.name);
      if (applied.length > 0) await tx.unsafe('select app.secure_tables(), wa.secure_tables()');
      return { applied, dropped };
    });
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function prepareSchema(tx: postgres.TransactionSql): Promise<void> {
  await tx.unsafe(`
    create schema if not exists app;
    create schema if not exists wa;
    alter default privileges revoke execute on functions from public;
    create table if not exists app.migrations (
      name text primary key, checksum text not null, applied_at timestamptz not null default now());
    comment on table app.migrations is 'family: private. Files that ran, and their SHA-256.';
  `);
}

function pendingMigrations(checksums: Map<string, string>): SqlFile[] {
  const files = migrationFiles();
  const edited = files.find((file) => checksums.has(file.name) && checksums.get(file.name) !== file.checksum);
  if (edited) throw new Error(`${edited.name} has run and was edited since; write a new migration instead`);
  return files.filter((file) => !checksums.has(file.name));
}

/**
 * Drops the functions of the changed files with all their overloads, those bound to them, and those that no file creates.
 * Answers the files that are due now, the changed ones and those whose functions went with others, and the names of the
 * last. Their triggers go with them. What else is no function but needs one (a policy, a default) makes it fail: that needs
 * a migration.
 */
async function dropFunctions(
  tx: postgres.TransactionSql,
  changed: SqlFile[],
): Promise<{ due: SqlFile[]; dropped: string[] }> {
  const files = repeatableFiles();
  const known = new Set(files.flatMap(functionNames));
  const doomed = await tx<{ name: string; signature: string }[]>`
    with recursive doomed (oid) as (
      select p.oid from pg_proc p
      cross join lateral (select p.pronamespace::regnamespace::text || '.' || p.proname as name) f
      where p.pronamespace in ('app'::regnamespace, 'wa'::regnamespace)
        and (f.name = any(string_to_array(${changed.flatMap(functionNames).join()}, ',')) or f.name <> all(string_to_array(${[...known].join()}, ',')))
      union
      select d.objid from doomed join pg_depend d
        on d.refclassid = 'pg_proc'::regclass and d.refobjid = doomed.oid and d.classid = 'pg_proc'::regclass
    )
    select p.pronamespace::regnamespace::text || '.' || p.proname as name, p.oid::regprocedure::text as signature from doomed join pg_proc p using (oid)`;
  await dropTriggers(
    tx,
    doomed.map(({ signature }) => signature),
  );
  if (doomed.length > 0) await tx.unsafe(`drop routine ${doomed.map(({ signature }) => signature).join(', ')}`);
  const gone = new Set(doomed.map(({ name }) => name));
  const due = new Set(changed.map(({ name }) => name));
  return {
    due: files.filter((file) => due.has(file.name) || functionNames(file).some((name) => gone.has(name))),
    dropped: doomed.filter(({ name }) => !known.has(name)).map(({ signature }) => signature),
  };
}

/** A trigger stands in the file of its function, which makes it again. */
async function dropTriggers(tx: postgres.TransactionSql, signatures: string[]): Promise<void> {
  const triggers = await tx<{ statement: string }[]>`
    select format('drop trigger %I on %s', t.tgname, t.tgrelid::regclass) as statement from pg_trigger t
    where not t.tgisinternal and t.tgfoid::regprocedure::text = any(string_to_array(${signatures.join(';')}, ';'))`;
  for (const { statement } of triggers) await tx.unsafe(statement);
}

const functionNames = ({ text }: SqlFile): string[] =>
  [...text.matchAll(/^create (?:or replace )?function ((?:app|wa)\.\w+)/gim)].map(([, name = '']) => name);

async function apply(tx: postgres.TransactionSql, file: SqlFile): Promise<void> {
  try {
    await tx.unsafe(file.text);
  } catch (error) {
    throw new Error(`${file.name}: ${(error as Error).message}${position(file.text, error)}`, { cause: error });
  }
  await tx`
    insert into app.migrations (name, checksum) values (${file.name}, ${file.checksum})
    on conflict (name) do update set checksum = excluded.checksum, applied_at = now()`;
}

function position(text: string, error: unknown): string {
  const offset = Number((error as { position?: string }).position);
  return offset ? ` (line ${text.slice(0, offset).split('\n').length})` : '';
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await main();

async function main(): Promise<void> {
  const { applied, dropped } = await migrate(readMigrateConfig().POSTGRES_OWNER_URL);
  const lines = [...applied.map((name) => `applied ${name}`), ...dropped.map((name) => `dropped ${name}`)];
  console.log(lines.length === 0 ? 'nothing to apply' : lines.join('\n'));
}
