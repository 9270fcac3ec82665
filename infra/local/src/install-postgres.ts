import { run } from './command.ts';
import { installPgvector } from './install-pgvector.ts';
import { aptInstall, aptUpdate, brewInstall, packageManager } from './machine.ts';
import { findPostgres, installations, OLDEST_MAJOR, type PostgresInstallation } from './postgres-installation.ts';
import { Problem } from './problem.ts';

const BREW_FORMULA = 'postgresql@17';

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
