import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { bootstrapDatabase, bootstrapRoles, type LoginRole } from '../bootstrap.ts';
import { createDb, type Db } from '../client.ts';
import { DbUnavailableError } from '../errors.ts';
import { migrate } from '../migrate.ts';
import { migrationFiles, repeatableFiles } from '../sql-files.ts';

/** The passwords of the roles on a server of tests: such a server belongs to tests alone. */
const PASSWORDS: Record<LoginRole, string> = {
  app_user: 'app_user',
  job_user: 'job_user',
  wa_user: 'wa_user',
  potentia_migrator: 'potentia_migrator',
};
const LOCK = 7_236_003;
const DAY_MS = 86_400_000;
// Generous, because a test machine is busy; tests of deadlines make their own Db.
const TIMEOUT_MS = 10_000;

export interface TestDatabase extends AsyncDisposable {
  name: string;
  app_url: string;
  job_url: string;
  wa_url: string;
  /** Logs in as potentia_migrator; `set role potentia_owner` sees all rows. */
  owner_url: string;
  superuser_url: string;
  /** As app_user. */
  db: Db;
  /** As job_user. */
  job_db: Db;
  /** Runs SQL as the owner, past every policy: for looking at what happened. */
  asOwner<T>(text: string, params?: unknown[]): Promise<T[]>;
  drop(): Promise<void>;
}

/**
 * A database of its own, cloned in some 50 ms from a template that holds the migrated schema. The template's name holds the
 * hash of all SQL, so it is built once, by whoever comes first. Needs TEST_POSTGRES_URL, a superuser.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const superuser_url = process.env['TEST_POSTGRES_URL'];
  if (!superuser_url) throw new Error('TEST_POSTGRES_URL is not set');
  const name = `potentia_test_${Date.now().toString(36)}_${randomBytes(4).toString('hex')}`;
  const admin = adminClient(superuser_url);
  try {
    const template = await ensureTemplate(admin, superuser_url);
    await admin.unsafe(`create database ${name} template ${template} owner potentia_owner`);
    await grantConnect(admin, name);
  } finally {
    await admin.end();
  }
  const t = openTestDatabase(superuser_url, name);
  try {
    await t.db.ping();
  } catch (error) {
    if (!(error instanceof DbUnavailableError && error.reason === '28P01')) throw error;
    // Somebody else has bootstrapped this server since the template was made.
    await bootstrapRoles(superuser_url, PASSWORDS);
  }
  return t;
}

function openTestDatabase(superuser_url: string, name: string): TestDatabase {
  const urlOf = (role?: LoginRole): string => {
    const url = new URL(superuser_url);
    url.pathname = `/${name}`;
    if (role) Object.assign(url, { username: role, password: PASSWORDS[role] });
    return url.href;
  };
  const open = (role: LoginRole): Db =>
    createDb({ url: urlOf(role), pool_size: 10, timeout_ms: TIMEOUT_MS, prepare: true, application_name: 'test' });
  const db = open('app_user');
  const job_db = open('job_user');
  const owner = postgres(urlOf(), { max: 1, onnotice: () => undefined });
  const drop = async (): Promise<void> => {
    await Promise.all([db.end(), job_db.end(), owner.end({ timeout: 1 })]);
    const admin = adminClient(superuser_url);
    await admin.unsafe(`drop database if exists ${name} with (force)`);
    await admin.end();
  };
  return {
    name,
    app_url: urlOf('app_user'),
    job_url: urlOf('job_user'),
    wa_url: urlOf('wa_user'),
    owner_url: urlOf('potentia_migrator'),
    superuser_url: urlOf(),
    db,
    job_db,
    asOwner: async <T>(text: string, params: unknown[] = []) =>
      [...(await owner.unsafe(text, params as never[]))] as T[],
    drop,
    [Symbol.asyncDispose]: drop,
  };
}

const adminClient = (url: string): postgres.Sql =>
  postgres(url, { max: 1, fetch_types: false, onnotice: () => undefined });

async function grantConnect(admin: postgres.Sql, name: string): Promise<void> {
  await admin.unsafe(`revoke all on database ${name} from public`);
  await admin.unsafe(`grant connect on database ${name} to ${Object.keys(PASSWORDS).join(', ')}`);
}

async function ensureTemplate(admin: postgres.Sql, superuser_url: string): Promise<string> {
  const template = `potentia_template_${schemaHash()}`;
  const exists = async (): Promise<boolean> =>
    (await admin`select 1 from pg_database where datname = ${template}`).length > 0;
  if (await exists()) return template;
  await admin`select pg_advisory_lock(${LOCK})`;
  try {
    if (await exists()) return template;
    await dropStale(admin);
    const building = `${template}_building`;
    await admin.unsafe(`drop database if exists ${building} with (force)`);
    await bootstrapRoles(superuser_url, PASSWORDS);
    await bootstrapDatabase(superuser_url, building);
    const url = new URL(superuser_url);
    Object.assign(url, {
      pathname: `/${building}`,
      username: 'potentia_migrator',
      password: PASSWORDS.potentia_migrator,
    });
    await migrate(url.href);
    // The name appears only when the template is whole.
    await admin.unsafe(`alter database ${building} rename to ${template}`);
    await admin.unsafe(`comment on database ${template} is '${Date.now()}'`);
  } finally {
    await admin`select pg_advisory_unlock(${LOCK})`;
  }
  return template;
}

function schemaHash(): string {
  const hash = createHash('sha256');
  for (const file of [...migrationFiles(), ...repeatableFiles()]) hash.update(file.name).update(file.checksum);
  for (const file of ['bootstrap.ts', 'migrate.ts']) hash.update(readFileSync(join(import.meta.dirname, '..', file)));
  return hash.digest('hex').slice(0, 16);
}

/** Templates of older schemas, and databases of tests that were killed. */
async function dropStale(admin: postgres.Sql): Promise<void> {
  const rows = await admin<{ name: string; comment: string | null }[]>`
    select datname as name, shobj_description(oid, 'pg_database') as comment from pg_database where datname like 'potentia\\_te%'`;
  for (const { name, comment } of rows) {
    const made_at = name.startsWith('potentia_test_')
      ? parseInt(name.split('_')[2] ?? '', 36)
      : Number(comment ?? Date.now());
    if (Date.now() - made_at > DAY_MS) await admin.unsafe(`drop database if exists ${name} with (force)`);
  }
}
