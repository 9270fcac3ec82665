import { existsSync, readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { tryRun } from './command.ts';
import { findProgram, isExecutable } from './machine.ts';

/** `unique nulls not distinct` came with this one. */
export const OLDEST_MAJOR = 15;

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

/** Every Postgres here that is new enough, the one on PATH first. */
export async function installations(only_major?: number): Promise<PostgresInstallation[]> {
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
