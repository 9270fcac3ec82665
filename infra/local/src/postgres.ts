import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run, tailFile, tryRun } from './command.ts';
import type { PostgresInstallation } from './postgres-installation.ts';
import { isRoot } from './machine.ts';
import { Problem } from './problem.ts';
import { waitUntil, type Processes, type RunningProcess } from './processes.ts';

const START_TIMEOUT_MS = 60_000;
/** What the data are for: to be kept; to be thrown away after tests, so that nothing waits for the disk; or after benches, which do. */
export type Purpose = 'kept' | 'tests' | 'benches';
const SETTINGS: Record<Purpose, string[]> = {
  kept: ['max_connections=200'],
  tests: [
    ...['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'autovacuum=off'],
    ...['max_connections=400', 'shared_buffers=256MB'],
  ],
  benches: ['autovacuum=off', 'max_connections=400', 'shared_buffers=256MB'],
};

/** Whom Postgres runs as; nothing to say unless we are root, which it refuses. */
export interface Account {
  uid?: number;
  gid?: number;
}

export interface LocalPostgres {
  process: RunningProcess;
  /** A superuser's URL. */
  url: string;
}

/** The account that Postgres runs under: ours, or the system's `postgres` when we are root. */
export function postgresAccount(): Account {
  if (!isRoot()) return {};
  const entry = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
  if (entry) return { uid: Number(entry[1]), gid: Number(entry[2]) };
  throw new Problem(
    'Postgres refuses to run as root, and this system has no user "postgres" to run it as. Make one ' +
      '(useradd --system postgres), or run this as another user.',
  );
}

/**
 * The first of `candidates` in which that account can keep files, before all one that has data already. The folder
 * exists then and is its own.
 */
export async function chooseDataDir(candidates: string[], account: Account): Promise<string> {
  const used = candidates.filter((dir) => dataMajor(dir) !== undefined);
  for (const dir of new Set([...used, ...candidates])) {
    try {
      const is_new = !existsSync(dir);
      await mkdir(dir, { recursive: true });
      if (account.uid !== undefined && account.gid !== undefined) await chown(dir, account.uid, account.gid);
      if ((await tryRun('test', ['-w', dir], account)).code === 0) {
        await chmod(dir, 0o700);
        return dir;
      }
      if (is_new) await rm(dir, { recursive: true });
    } catch {
      // Not here, then.
    }
  }
  throw new Problem(`Postgres can keep its data in none of: ${candidates.join(', ')}`);
}

/** The version that made the data in `dir`; undefined when there is none yet. */
export function dataMajor(dir: string): number | undefined {
  const file = path.join(dir, 'data/PG_VERSION');
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined;
}

/**
 * Starts Postgres on the loopback port, making its data first where there is none. The superuser's password lies beside
 * the data, so that neither outlives the other; there is no socket file, and nobody gets in without a password.
 */
export async function startPostgres(options: {
  processes: Processes;
  installation: PostgresInstallation;
  dir: string;
  account: Account;
  port: number;
  log_file: string;
  purpose?: Purpose;
}): Promise<LocalPostgres> {
  const { processes, installation, dir, account, port, log_file, purpose = 'kept' } = options;
  const program = (name: string) => path.join(installation.bin_dir, name);
  const data = path.join(dir, 'data');
  const password_file = path.join(dir, 'password');
  if (dataMajor(dir) === undefined) await makeData(program('initdb'), data, password_file, account, log_file);
  const settings = [
    ...['listen_addresses=127.0.0.1', `port=${port}`, 'unix_socket_directories=', 'timezone=UTC', 'log_timezone=UTC'],
    ...SETTINGS[purpose],
  ];
  const postgres = await processes.start({
    name: 'postgres',
    file: program('postgres'),
    args: ['-D', data, ...settings.flatMap((setting) => ['-c', setting])],
    log_file,
    cwd: dir,
    ...account,
    // Ends the connections that are left, in good order; SIGTERM would wait for the clients to go.
    stop_signal: 'SIGINT',
  });
  const ready = ['-q', '-h', '127.0.0.1', '-p', String(port)];
  const answers = async () => (await tryRun(program('pg_isready'), ready)).code === 0;
  if (!(await waitUntil(answers, START_TIMEOUT_MS, postgres.exited))) {
    await postgres.stop();
    throw new Problem(`Postgres does not start. The end of ${log_file}:\n${tailFile(log_file, 15)}`);
  }
  const password = readFileSync(password_file, 'utf8').trim();
  return { process: postgres, url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres` };
}

async function makeData(initdb: string, data: string, password_file: string, account: Account, log_file: string) {
  // What an interrupted attempt left has no version file and cannot be used.
  await rm(data, { recursive: true, force: true });
  await writeFile(password_file, `${randomBytes(18).toString('hex')}\n`, { mode: 0o600 });
  if (account.uid !== undefined && account.gid !== undefined) await chown(password_file, account.uid, account.gid);
  const locale = process.platform === 'darwin' ? 'en_US.UTF-8' : 'C.UTF-8';
  const access = ['--auth=scram-sha-256', `--pwfile=${password_file}`, '--username=postgres'];
  const text = ['--encoding=UTF8', `--locale=${locale}`];
  const cwd = path.dirname(data);
  await run(initdb, ['-D', data, '--no-instructions', ...access, ...text], { ...account, cwd, log_file });
}
