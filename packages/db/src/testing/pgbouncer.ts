import { execFile, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './redis.ts';

export interface TestPgBouncer extends AsyncDisposable {
  /** `target_url` through the pooler. */
  url(target_url: string): string;
  /** Whether it carries prepared statements over transactions (1.21 and later). */
  prepares: boolean;
}

/** The version of the installed pgbouncer, or undefined without one. */
async function findVersion(): Promise<[number, number] | undefined> {
  const found = await promisify(execFile)('pgbouncer', ['--version']).catch(() => undefined);
  const match = /PgBouncer (\d+)\.(\d+)/.exec(found?.stdout ?? '');
  return match ? [Number(match[1]), Number(match[2])] : undefined;
}

/** A PgBouncer in transaction mode with few server connections. Undefined where none is installed. */
export async function startPgBouncer(target_url: string, pool_size: number): Promise<TestPgBouncer | undefined> {
  const version = await findVersion();
  if (!version) return undefined;
  const prepares = version[0] > 1 || version[1] >= 21;
  const folder = mkdtempSync(join(tmpdir(), 'potentia-pgbouncer-'));
  chmodSync(folder, 0o755);
  const target = new URL(target_url);
  const port = await freePort();
  writeFileSync(join(folder, 'users.txt'), `"${target.username}" "${target.password}"\n`);
  writeFileSync(
    join(folder, 'pgbouncer.ini'),
    [
      '[databases]',
      `* = host=${target.hostname} port=${target.port || '5432'}`,
      '[pgbouncer]',
      `listen_addr = 127.0.0.1`,
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'pool_mode = transaction',
      'auth_type = scram-sha-256',
      `auth_file = ${join(folder, 'users.txt')}`,
      `default_pool_size = ${pool_size}`,
      'max_client_conn = 200',
      ...(prepares ? ['max_prepared_statements = 200'] : []),
    ].join('\n'),
  );
  // It refuses to run as root.
  const as_user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const server = spawn('pgbouncer', [...as_user, join(folder, 'pgbouncer.ini')], { stdio: 'ignore' });
  const killIt = (): void => void server.kill('SIGKILL');
  process.once('exit', killIt);
  await untilListening(port);
  return {
    prepares,
    url: (url) => {
      const through = new URL(url);
      Object.assign(through, { hostname: '127.0.0.1', port: String(port) });
      return through.href;
    },
    [Symbol.asyncDispose]: async () => {
      process.off('exit', killIt);
      const gone = once(server, 'exit');
      server.kill('SIGTERM');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilListening(port: number): Promise<void> {
  for (const deadline = Date.now() + 5_000; ;) {
    const socket = net.connect(port, '127.0.0.1');
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (connected) return;
    if (Date.now() > deadline) throw new Error('pgbouncer does not listen');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
