import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestRedis extends AsyncDisposable {
  url: string;
  port: number;
  readonly pid: number;
  /** Ends it politely. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGSTOP: it keeps its connections and answers nothing. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same port; empty, unless `args` said otherwise. */
  restart(): Promise<void>;
}

/**
 * A redis-server of its own on a free port, without persistence. Needs `redis-server` on PATH. `args` come on top and win:
 * with `['--appendonly', 'yes']` a restart finds what was there.
 */
export async function startRedis({ args = [] }: { args?: string[] } = {}): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'potentia-redis-'));
  const first = await launchOnFreePort(folder, args);
  const { port } = first;
  let { server } = first;

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, 'exit');
    server.kill('SIGCONT');
    server.kill(signal);
    await gone;
  };
  const stop = async (): Promise<void> => {
    await end('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return server.pid ?? 0;
    },
    stop,
    kill: () => end('SIGKILL'),
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    restart: async () => {
      await end('SIGKILL');
      server = await launch(folder, port, args);
    },
    [Symbol.asyncDispose]: stop,
  };
}

async function launchOnFreePort(folder: string, args: string[]): Promise<{ server: ChildProcess; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    try {
      return { server: await launch(folder, port, args), port };
    } catch (error) {
      // Between asking for the port and taking it, another process may have been faster.
      if (attempt === 5) throw error;
    }
  }
}

async function launch(folder: string, port: number, extra: string[]): Promise<ChildProcess> {
  const args = [
    '--port',
    port,
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    folder,
    ...extra,
  ].map(String);
  // Not inherited: whoever waits for the end of this process' output would wait for one that outlives it.
  const server = spawn('redis-server', [...args, ...extra], { stdio: ['ignore', 'pipe', 'pipe'] });
  server.stderr.pipe(process.stderr);
  // So that a test process that dies does not leave it behind.
  const killIt = (): void => void server.kill('SIGKILL');
  process.once('exit', killIt);
  server.once('exit', () => process.off('exit', killIt));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`redis-server exited with ${code}`)));
    server.stdout.on('data', (chunk: Buffer) => {
      if (chunk.includes('Ready to accept connections')) resolve();
    });
  });
  return server;
}

/** A TCP port on loopback that nobody listens on right now. */
export async function freePort(): Promise<number> {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as net.AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
