import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { tailFile } from './command.ts';
import { ensurePostgres } from './install-postgres.ts';
import { logFile } from './paths.ts';
import { freePort } from './ports.ts';
import { chooseDataDir, postgresAccount, type Purpose, startPostgres } from './postgres.ts';
import { Problem } from './problem.ts';
import type { Processes } from './processes.ts';

/** Starts a Postgres whose data go when `processes` are stopped; answers a superuser's URL. */
export async function startThrowAwayPostgres(processes: Processes, purpose: Purpose = 'tests'): Promise<string> {
  const installation = await ensurePostgres();
  if (!installation) {
    throw new Problem(
      'The tests need Postgres 15 or newer with pgvector, and this machine has neither it nor a way to install it ' +
        '(apt as root, or Homebrew). Install it, or set TEST_POSTGRES_URL to a superuser of one that may be played with.',
    );
  }
  const account = postgresAccount();
  const parents = [os.tmpdir(), '/tmp', '/var/tmp'].filter((dir) => existsSync(dir));
  const made = await Promise.all(parents.map((parent) => mkdtemp(path.join(parent, 'potentia-test-'))));
  processes.afterwards(async () => {
    for (const dir of made) await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  });
  const dir = await chooseDataDir(made, account);
  const log_file = logFile('test-postgres');
  const port = await freePort();
  const postgres = await startPostgres({ processes, installation, account, dir, port, log_file, purpose });
  void postgres.process.exited.then(({ code }) => {
    if (code !== 0) process.stderr.write(`\nPostgres ended with code ${code}:\n${tailFile(log_file, 15)}\n`);
  });
  return postgres.url;
}
