import { pathToFileURL } from 'node:url';
import postgres from 'postgres';
import { readBootstrapConfig } from './config.ts';

/** Logins of the services. Their rights come from grants in `platform/sql`, never from here. */
const SERVICE_ROLES = ['app_user', 'job_user', 'wa_user'] as const;
const LOGINS = [...SERVICE_ROLES, 'potentia_migrator'] as const;

export type LoginRole = (typeof LOGINS)[number];

export interface BootstrapOptions {
  /** The database to make. */
  database: string;
  passwords: Record<LoginRole, string>;
}

// One bootstrap at a time in a cluster: `create role` has no `if not exists`.
const LOCK = 7_236_001;

/**
 * Makes what belongs to the whole cluster: roles, the database and its extensions. Needs a superuser (or, on hosted Postgres, a
 * role that may create roles with BYPASSRLS). Safe to run again, and by several at once; passwords are set to those given.
 */
export async function bootstrap(superuser_url: string, options: BootstrapOptions): Promise<void> {
  await bootstrapRoles(superuser_url, options.passwords);
  await bootstrapDatabase(superuser_url, options.database);
}

/** The roles alone. */
export async function bootstrapRoles(superuser_url: string, passwords: Record<LoginRole, string>): Promise<void> {
  await withClient(superuser_url, async (sql) => {
    await sql.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock(${LOCK})`;
      // BYPASSRLS, because a plain owner under FORCE would see nothing in its own functions and backfills.
      await createRole(tx, 'potentia_owner', 'nologin bypassrls');
      for (const role of LOGINS)
        await createRole(tx, role, `login nobypassrls noinherit password ${literal(passwords[role])}`);
      await tx.unsafe('grant potentia_owner to potentia_migrator');
      for (const role of SERVICE_ROLES) {
        // Far above the client's deadline: they end what a client that went away has left behind.
        await tx.unsafe(`alter role ${role} set statement_timeout = '10s'`);
        await tx.unsafe(`alter role ${role} set idle_in_transaction_session_timeout = '10s'`);
        await tx.unsafe(`alter role ${role} set client_connection_check_interval = '1s'`);
        // Compiling a plan takes a few hundred milliseconds, and every statement of a service is short.
        await tx.unsafe(`alter role ${role} set jit = off`);
      }
    });
  });
}

/** The database and its extensions; the roles must exist. */
export async function bootstrapDatabase(superuser_url: string, database: string): Promise<void> {
  await withClient(superuser_url, async (sql) => {
    const [found] = await sql`select 1 from pg_database where datname = ${database}`;
    if (!found)
      await sql.unsafe(
        `create database ${identifier(database)} owner potentia_owner encoding 'UTF8' template template0`,
      );
    await sql.unsafe(`revoke all on database ${identifier(database)} from public`);
    await sql.unsafe(`grant connect on database ${identifier(database)} to ${LOGINS.join(', ')}`);
  });
  const url = new URL(superuser_url);
  url.pathname = `/${database}`;
  await withClient(url.href, async (sql) => {
    const [vector] = await sql`select 1 from pg_available_extensions where name = 'vector'`;
    if (vector) await sql.unsafe('create extension if not exists vector schema public');
    await sql.unsafe('create extension if not exists btree_gist schema public');
  });
}

async function createRole(tx: postgres.TransactionSql, role: string, options: string): Promise<void> {
  const [found] = await tx`select 1 from pg_roles where rolname = ${role}`;
  await tx.unsafe(`${found ? 'alter' : 'create'} role ${role} ${options}`);
}

async function withClient(url: string, fn: (sql: postgres.Sql) => Promise<void>): Promise<void> {
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => undefined });
  try {
    await fn(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await main();

async function main(): Promise<void> {
  const config = readBootstrapConfig();
  const database = config.POSTGRES_DATABASE;
  const passwords = {
    app_user: config.APP_USER_PASSWORD,
    job_user: config.JOB_USER_PASSWORD,
    wa_user: config.WA_USER_PASSWORD,
    potentia_migrator: config.POTENTIA_MIGRATOR_PASSWORD,
  };
  await bootstrap(config.POSTGRES_SUPERUSER_URL, { database, passwords });
  console.log(`roles and database ${database} are ready`);
}
