import { existsSync, readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { run, tryRun } from './command.ts';
import { installPgvector } from './install-pgvector.ts';
import { aptInstall, aptUpdate, brewInstall, findProgram, isExecutable, packageManager } from './machine.ts';
import { Problem } from './problem.ts';

/** `unique nulls not distinct` came with this one. */
const OLDEST_MAJOR = 15;
const BREW_FORMULA = 'postgresql@17';

export interface PostgresInstallation {
  bin_dir: string;
  major: number;
}

/** A Postgres 15 or newer with pgvector; with `only_major` of that version, for data that it made. */
export async function findPostgres(only_major?: number): Promise<PostgresInstallation | undefined> {
  const all = await installations(only_major);
  for (const found of all) if (await hasPgvector(found)) return found;
  return undefined;
}

/**
 * Finds Postgres with pgvector, or installs what is missing of it. Undefined when this machine has no package manager
 * that may be used.
 */
export async function ensurePostgres(only_major?: number): Promise<PostgresInstallation | undefined> {
  const complete = await findPostgres(only_major);
  if (complete) return complete;
  const manager = await packageManager();
  if (!manager) return undefined;
  let [found] = await installations(only_major);
  if (!found && manager === 'apt') await aptInstall([await aptPostgres(only_major)]);
  if (!found && manager === 'brew') await brewInstall([only_major ? `postgresql@${only_major}` : BREW_FORMULA]);
  [found] = await installations(only_major);
  if (!found) throw new Problem('Postgres was installed, but its programs are nowhere to be found.');
  await installPgvector(found, manager);
  return found;
}

async function installations(only_major?: number): Promise<PostgresInstallation[]> {
  const postgres_on_path = findProgram('postgres');
  // A link on PATH stands alone; beside the program itself are the others.
  const dirs = [...(postgres_on_path ? [path.dirname(realpathSync(postgres_on_path))] : []), ...usualDirs()];
  const found: PostgresInstallation[] = [];
  for (const bin_dir of new Set(dirs.filter((dir) => isExecutable(path.join(dir, 'initdb'))))) {
    const { output } = await tryRun(path.join(bin_dir, 'postgres'), ['--version']);
    const major = Number(/(\d+)[.\w]*/.exec(output)?.[1] ?? 0);
    if (only_major ? major === only_major : major >= OLDEST_MAJOR) found.push({ bin_dir, major });
  }
  return found;
}

function usualDirs(): string[] {
  const below = (parent: string, pattern: RegExp) =>
    existsSync(parent)
      ? readdirSync(parent)
          .filter((name) => pattern.test(name))
          .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
          .map((name) => path.join(parent, name, 'bin'))
      : [];
  return [
    ...below('/usr/lib/postgresql', /^\d+$/),
    ...below('/opt/homebrew/opt', /^postgresql@\d+$/),
    ...below('/usr/local/opt', /^postgresql@\d+$/),
    '/usr/local/pgsql/bin',
  ];
}

/** True when `create extension vector` would find its files. */
export async function hasPgvector({ bin_dir }: PostgresInstallation): Promise<boolean> {
  const { code, output } = await tryRun(path.join(bin_dir, 'pg_config'), ['--sharedir']);
  return code === 0 && existsSync(path.join(output.trim(), 'extension/vector.control'));
}

async function aptPostgres(only_major?: number): Promise<string> {
  if (only_major) return `postgresql-${only_major}`;
  await aptUpdate();
  const depends = await run('apt-cache', ['depends', 'postgresql']);
  const major = Number(/Depends: postgresql-(\d+)/.exec(depends)?.[1] ?? 0);
  if (major < OLDEST_MAJOR) {
    throw new Problem(
      `This system's packages offer Postgres ${major || 'in no version'}; Potentia needs ${OLDEST_MAJOR} or newer with pgvector. ` +
        'Install one, or set DATABASE_ADMIN_URL to one that runs elsewhere.',
    );
  }
  return `postgresql-${major}`;
}
