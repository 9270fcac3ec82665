import path from 'node:path';
import { hasDocker, startContainer } from './compose.ts';
import { ensurePostgres } from './install-postgres.ts';
import { ensureRedis } from './install-redis.ts';
import { checkout_id, local_dir, logFile } from './paths.ts';
import type { Ports } from './ports.ts';
import { chooseDataDir, dataMajor, postgresAccount, startPostgres } from './postgres.ts';
import { Problem } from './problem.ts';
import type { Processes } from './processes.ts';
import { startRedis } from './redis.ts';
import type { Secrets } from './secrets.ts';

/** In the checkout, or beside the system's own data where the postgres user cannot come into the checkout. */
export const data_dirs = [path.join(local_dir, 'postgres'), `/var/lib/potentia-${checkout_id}`];

/** Postgres for `npm start`: found or installed on this machine, else in a container. Answers a superuser's URL. */
export async function startLocalPostgres(processes: Processes, ports: Ports, secrets: Secrets): Promise<string> {
  const installation = await ensurePostgres(data_dirs.map(dataMajor).find(Boolean));
  if (!installation) {
    if (await hasDocker()) return startContainer(processes, 'postgres', ports, secrets);
    throw new Problem(
      'Potentia needs Postgres 15 or newer with pgvector. This machine has neither it, nor a way to install it that works ' +
        'without asking (apt as root or with sudo, Homebrew), nor a Docker engine.\nInstall Postgres and pgvector, or set ' +
        'DATABASE_ADMIN_URL to a superuser of one that runs elsewhere.',
    );
  }
  const account = postgresAccount();
  const dir = await chooseDataDir(data_dirs, account);
  const where = { dir, port: ports.postgres, log_file: logFile('postgres') };
  return (await startPostgres({ processes, installation, account, ...where })).url;
}

/** Redis for `npm start`: found or installed on this machine, else in a container. Answers its URL. */
export async function startLocalRedis(processes: Processes, ports: Ports, secrets: Secrets): Promise<string> {
  const program = await ensureRedis();
  if (!program) {
    if (await hasDocker()) return startContainer(processes, 'redis', ports, secrets);
    throw new Problem(
      'Potentia needs Redis 7 or newer. This machine has neither redis-server on its PATH, nor a way to install it that ' +
        'works without asking (apt as root or with sudo, Homebrew), nor a Docker engine.\nInstall Redis, or set REDIS_URL.',
    );
  }
  const dir = path.join(local_dir, 'redis');
  return (await startRedis({ processes, program, dir, port: ports.redis, log_file: logFile('redis') })).url;
}
