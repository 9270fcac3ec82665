import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import path from 'node:path';
import { tailFile } from './command.ts';
import { Problem } from './problem.ts';
import { waitUntil, type Processes, type RunningProcess } from './processes.ts';

const START_TIMEOUT_MS = 30_000;

export interface LocalRedis {
  process: RunningProcess;
  url: string;
}

/** Starts Redis on the loopback port, as BullMQ needs it: append-only, and nothing evicted. */
export async function startRedis(options: {
  processes: Processes;
  program: string;
  dir: string;
  port: number;
  log_file: string;
}): Promise<LocalRedis> {
  const { processes, program, dir, port, log_file } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const password = await readOrMakePassword(path.join(dir, 'password'));
  const config = path.join(dir, 'redis.conf');
  const lines = [
    ...['bind 127.0.0.1', `port ${port}`, `requirepass ${password}`, `dir "${dir}"`],
    ...['appendonly yes', 'save ""', 'maxmemory-policy noeviction'],
  ];
  await writeFile(config, `${lines.join('\n')}\n`, { mode: 0o600 });
  const redis = await processes.start({ name: 'redis', file: program, args: [config], log_file, cwd: dir });
  const url = `redis://:${password}@127.0.0.1:${port}`;
  if (!(await waitUntil(() => pingRedis(url), START_TIMEOUT_MS, redis.exited))) {
    await redis.stop();
    throw new Problem(`Redis does not start. The end of ${log_file}:\n${tailFile(log_file, 15)}`);
  }
  return { process: redis, url };
}

async function readOrMakePassword(file: string): Promise<string> {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const password = randomBytes(18).toString('hex');
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  return password;
}

/** True when the Redis behind a `redis://` URL lets us in and answers PING. */
export async function pingRedis(url: string): Promise<boolean> {
  const { hostname, port, username, password } = new URL(url);
  const login = password ? `AUTH ${username ? `${username} ` : ''}${decodeURIComponent(password)}\r\n` : '';
  return new Promise((resolve) => {
    const socket = new Socket().setTimeout(1000);
    let answer = '';
    const end = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
    socket.once('connect', () => socket.write(`${login}PING\r\n`));
    socket.on('data', (chunk) => {
      answer += chunk.toString('utf8');
      if (answer.includes('+PONG')) end(true);
      if (answer.includes('-')) end(false);
    });
    socket.connect(Number(port || 6379), hostname);
  });
}
