import { pathToFileURL } from 'node:url';
import postgres from 'postgres';
import { readMigrateConfig } from './config.ts';
import { migrationFiles, repeatableFiles, type SqlFile } from './sql-files.ts';

const LOCK = 7_236_002;

export interface MigrationReport {
  /** Names of the files that ran. */
  applied: string[];
}

/**
 * Brings the schema to what the files say: numbered migrations once each, then the repeatable files whose checksum changed,
 * all in one transaction under a lock. `owner_url` logs in as a member of `potentia_owner` (`potentia_migrator`).
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
      const files = [
        ...pendingMigrations(checksums),
        ...repeatableFiles().filter((file) => checksums.get(file.name) !== file.checksum),
      ];
      for (const file of files) await apply(tx, file);
      if (files.length > 0) await tx.unsafe('select app.secure_tables()');
      return { applied: files.map((file) => file.name) };
    });
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function prepareSchema(tx: postgres.TransactionSql): Promise<void> {
  await tx.unsafe(`
    create schema if not exists app;
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
  const { applied } = await migrate(readMigrateConfig().POSTGRES_OWNER_URL);
  console.log(applied.length === 0 ? 'nothing to apply' : applied.map((name) => `applied ${name}`).join('\n'));
}
