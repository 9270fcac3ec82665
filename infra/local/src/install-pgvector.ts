import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { run } from './command.ts';
import { hasPgvector, type PostgresInstallation } from './postgres-installation.ts';
import { aptHas, aptInstall, aptUpdate, brewInstall, distribution, runAsRoot, type PackageManager } from './machine.ts';
import { logFile } from './paths.ts';
import { Problem } from './problem.ts';

const log_file = logFile('install');
/** The Debian release whose source package is built where the machine's own release has none. */
const SOURCE_SUITE = 'trixie';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Adds pgvector to a Postgres that lacks it: as a package where there is one, on Debian else from Debian's source. */
export async function installPgvector(postgres: PostgresInstallation, manager: PackageManager): Promise<void> {
  if (await hasPgvector(postgres)) return;
  if (manager === 'brew') {
    await brewInstall(['pgvector']);
  } else {
    await aptUpdate();
    const name = `postgresql-${postgres.major}-pgvector`;
    if (await aptHas(name)) await aptInstall([name]);
    else if (distribution() === 'debian') await buildFromDebianSource(postgres);
  }
  if (await hasPgvector(postgres)) return;
  throw new Problem(
    `Postgres ${postgres.major} in ${postgres.bin_dir} has no pgvector, and there is no package of it for this system. ` +
      'Install it (https://github.com/pgvector/pgvector#installation), or set DATABASE_ADMIN_URL to a Postgres that has it.',
  );
}

async function buildFromDebianSource(postgres: PostgresInstallation): Promise<void> {
  await aptInstall(['gcc', 'make', 'libc6-dev', `postgresql-server-dev-${postgres.major}`]);
  const dir = await mkdtemp(path.join(os.tmpdir(), 'potentia-pgvector-'));
  try {
    const apt = await privateApt(dir);
    await run('apt-get', [...apt, 'update', '-q'], { log_file });
    await run('apt-get', [...apt, 'source', '-q', '--download-only', 'pgvector'], { cwd: dir, log_file });
    const archive = (await readdir(dir)).find((name) => /^pgvector_.*\.orig\.tar\./.test(name));
    if (!archive) throw new Problem(`Debian ${SOURCE_SUITE}'s source package of pgvector holds no archive.`);
    const source = path.join(dir, 'source');
    await mkdir(source);
    await run('tar', ['-xf', path.join(dir, archive), '-C', source, '--strip-components=1'], { log_file });
    // No LLVM bitcode, whose compiler would be half a gigabyte; no -march=native, for images move between machines.
    const options = ['with_llvm=no', 'OPTFLAGS=', `PG_CONFIG=${path.join(postgres.bin_dir, 'pg_config')}`];
    await run('make', ['-j', String(os.availableParallelism()), ...options], { cwd: source, log_file });
    await runAsRoot('make', ['install', ...options], source);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** apt options that read one source list of ours and keep their state in `dir`: the machine's own lists stay untouched. */
async function privateApt(dir: string): Promise<string[]> {
  const uris = await run('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']);
  const mirror = uris.split('\n').find((uri) => /\/debian\/?$/.test(uri));
  if (!mirror)
    throw new Problem("None of this machine's apt sources is a Debian archive to take pgvector's source from.");
  await mkdir(path.join(dir, 'lists/partial'), { recursive: true });
  const signed_by = existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : '';
  await writeFile(path.join(dir, 'sources.list'), `deb-src ${signed_by}${mirror} ${SOURCE_SUITE} main\n`);
  return [
    ...['-o', `Dir::Etc::sourcelist=${path.join(dir, 'sources.list')}`],
    ...['-o', 'Dir::Etc::sourceparts=/dev/null'],
    ...['-o', `Dir::State::lists=${path.join(dir, 'lists')}`],
    ...['-o', `Dir::Cache=${dir}`],
    // apt's own user could not reach a folder of ours.
    ...['-o', 'APT::Sandbox::User=root'],
  ];
}
