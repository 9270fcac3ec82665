import path from 'node:path';
import { run, tryRun } from './command.ts';
import { checkout_id, logFile, root } from './paths.ts';
import type { Ports } from './ports.ts';
import type { Processes } from './processes.ts';
import type { Secrets } from './secrets.ts';

const log_file = logFile('compose');
const compose = ['compose', '-p', `potentia-${checkout_id}`, '-f', path.join(root, 'infra/local/compose.yaml')];

/** True when a Docker engine answers (the client alone is no help). */
export async function hasDocker(): Promise<boolean> {
  return (await tryRun('docker', ['info', '--format', '{{.ServerVersion}}'])).code === 0;
}

/** Runs Postgres or Redis in a container until `processes` are stopped; its data stay in a volume. Answers its URL. */
export async function startContainer(
  processes: Processes,
  service: 'postgres' | 'redis',
  ports: Ports,
  secrets: Secrets,
): Promise<string> {
  const env = {
    ...process.env,
    POSTGRES_PORT: String(ports.postgres),
    REDIS_PORT: String(ports.redis),
    CONTAINER_PASSWORD: secrets.container_password,
  };
  processes.afterwards(async () => {
    await tryRun('docker', [...compose, 'stop', service], { env, log_file });
  });
  await run('docker', [...compose, 'up', '-d', '--wait', service], { env, log_file });
  return service === 'postgres'
    ? `postgres://postgres:${secrets.container_password}@127.0.0.1:${ports.postgres}/postgres`
    : `redis://:${secrets.container_password}@127.0.0.1:${ports.redis}`;
}
