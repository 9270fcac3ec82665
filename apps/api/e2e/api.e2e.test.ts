import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { NO_OBJECTS } from '@potentia/config/testing/object-env';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { person } from '../src/testing/api.ts';

const MAIN = join(import.meta.dirname, '../src/main.ts');
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Running {
  child: ChildProcess;
  output: () => string;
  exited: Promise<number | null>;
}

function run(env: Record<string, string>): Running {
  const child = spawn(process.execPath, [MAIN], { env: { PATH: process.env['PATH'] ?? '', ...env } });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  return { child, output: () => output, exited };
}

const environment = (backends: Backends): Record<string, string> => ({
  PORT: '0',
  DATABASE_URL: backends.database.app_url,
  REDIS_URL: backends.redis.url,
  SUPABASE_URL: backends.issuer.url,
  SUPABASE_ANON_KEY: 'anon-key-that-nobody-may-see',
  SUPABASE_SERVICE_KEY: 'service-key-that-nobody-may-see',
  ENCRYPTION_KEYS: `test:${Buffer.alloc(32).toString('base64')}`,
  ...GATEWAY_SECRETS,
  ...NO_OBJECTS,
});

async function listening(api: Running): Promise<string> {
  await expect.poll(api.output, { timeout: 20_000 }).toMatch(/"url":"http/);
  return /"url":"(http[^"]+)"/.exec(api.output())?.[1] ?? '';
}

describe('the API as a process', () => {
  it('without its environment exits 1 and names every variable that is missing', async () => {
    const api = run({ PORT: 'many' });
    expect(await api.exited).toBe(1);
    for (const name of [
      'DATABASE_URL',
      'REDIS_URL',
      'SUPABASE_URL',
      'SUPABASE_ANON_KEY',
      'SUPABASE_SERVICE_ROLE_KEY',
      'PORT',
    ]) {
      expect(api.output()).toContain(name);
    }
    expect(api.output()).toContain('SUPABASE_SERVICE_KEY');
  });

  it('becomes ready, logs its configuration without secrets, writes its health, and on SIGTERM finishes what it took', async () => {
    await using backends = await startBackends();
    const api = run(environment(backends));
    const url = await listening(api);
    await expect.poll(async () => (await fetch(`${url}/ready`)).status).toBe(200);
    expect(api.output()).not.toContain('that-nobody-may-see');
    expect(api.output()).toMatch(/SUPABASE_ANON_KEY":"sha256:[0-9a-f]{8}"/);
    const rows = () =>
      backends.database.asOwner<{ status: string }>(`select status from app.system_health where service = 'api'`);
    await expect.poll(rows).toHaveLength(1);

    const who = await person(backends.issuer);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const lock = await backends.database.asOwner('select 1');
    expect(lock).toHaveLength(1);
    const answered = new Promise<{ status: number; connection: string }>((resolve, reject) => {
      const body = JSON.stringify({ title: 'just in time' });
      const outgoing = request(
        `${url}/canvas`,
        {
          agent,
          method: 'POST',
          headers: {
            authorization: `Bearer ${who.token}`,
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
          },
        },
        (incoming) => {
          incoming.resume();
          resolve({ status: incoming.statusCode ?? 0, connection: incoming.headers.connection ?? '' });
        },
      );
      outgoing.on('error', reject);
      outgoing.write(body.slice(0, 5));
      // The rest of the body arrives when the service has been told to stop.
      void expect
        .poll(api.output, { timeout: 10_000 })
        .toMatch('api is stopping')
        .then(() => outgoing.end(body.slice(5)), reject);
    });
    await expect.poll(async () => (await (await fetch(`${url}/metrics`)).text()).includes('potentia_')).toBe(true);
    api.child.kill('SIGTERM');
    expect(await answered).toEqual({ status: 201, connection: 'close' });
    expect(await api.exited).toBe(0);
    agent.destroy();
  });
});
