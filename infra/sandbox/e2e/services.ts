import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Service {
  url: string;
  /** Ends it as a deployment would. */
  stop(): Promise<void>;
  /** Starts it again after `stop`, as it was. */
  start(): Promise<void>;
}

const READY_MS = 20_000;
const POLL_MS = 50;

/** Runs `main` (a path from the root of the repository) as a process, once `ready_path` answers 200. */
export async function startService(main: string, env: Record<string, string>, ready_path: string): Promise<Service> {
  const path = fileURLToPath(new URL(`../../../${main}`, import.meta.url));
  const url = `http://127.0.0.1:${env.PORT ?? ''}`;
  let stop = async (): Promise<void> => undefined;

  async function start(): Promise<void> {
    const child = spawn(process.execPath, [path], {
      env: { PATH: process.env.PATH, HOST: '127.0.0.1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = once(child, 'exit');
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    stop = async () => {
      child.kill('SIGTERM');
      await ended;
    };
    const deadline = Date.now() + READY_MS;
    while ((await fetch(url + ready_path).catch(() => null))?.status !== 200) {
      if (child.exitCode !== null || Date.now() > deadline) {
        await stop();
        throw new Error(`${main} did not become ready:\n${output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  await start();
  return { url, start, stop: () => stop() };
}
