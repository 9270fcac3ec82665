import { startBackends } from '@potentia/domain/platform/testing/backends';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { load } from './load.ts';
import { person, startApi } from '../src/testing/api.ts';

/*
 * What the whole stack (token, limit, tenant context, row-level security, validation) costs the server on a hot read: CPU
 * per request of GET …/blocks, 50 blocks in 12 KB, against a bare route with the same SELECT. The two are measured in
 * turns, and the median of the ratios is what counts: clocks on shared machines drift, ratios do not.
 */
const ROUNDS = 7;
const REQUESTS = Number(process.env['BENCH_REQUESTS'] ?? 4_000);
const CONNECTIONS = 8;
const TARGET = 2.2;

interface Server {
  child: ChildProcess;
  url: string;
}

async function start(script: string, env: Record<string, string>): Promise<Server> {
  const child = spawn(process.execPath, [join(import.meta.dirname, script)], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.once('exit', () => child.kill());
  for await (const chunk of child.stdout) {
    const url = /"url":"(http[^"]+)"/.exec(String(chunk))?.[1];
    if (url !== undefined) {
      child.stdout.resume();
      return { child, url };
    }
  }
  throw new Error(`${script} did not start`);
}

/** CPU seconds that a server has used so far. */
type Cpu = () => Promise<number>;

async function cpuPerRequest(url: string, headers: Record<string, string>, cpu: Cpu): Promise<number> {
  const before = await cpu();
  await load(url, { amount: REQUESTS, connections: CONNECTIONS, headers });
  return (((await cpu()) - before) / REQUESTS) * 1e6;
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

const backends = await startBackends();
const owner = await person(backends.issuer, { exp: Math.floor(Date.now() / 1000) + 86_400 });
const setup = await startApi(backends);
const canvas_id = await setup.makeCanvas(owner);
await setup.addBlocks(
  owner,
  canvas_id,
  Array.from({ length: 60 }, (_, i) => `Block ${i}, about as long as a line.`),
);
const { workspace_id } = (await setup.call(owner, 'GET', `/api/v1/canvases/${canvas_id}`)).body;
await setup[Symbol.asyncDispose]();

const bare = await start('bare-server.ts', {
  DATABASE_URL: backends.database.superuser_url,
  WORKSPACE_ID: workspace_id,
});
const api = await start('../src/main.ts', {
  PORT: '0',
  DATABASE_URL: backends.database.app_url,
  REDIS_URL: backends.redis.url,
  SUPABASE_URL: backends.issuer.url,
  SUPABASE_ANON_KEY: 'bench',
  SUPABASE_SERVICE_ROLE_KEY: 'bench',
  IP_RATE_LIMIT: '1000000',
  RATE_LIMITS: '[{"limit":1000000000,"window_ms":60000}]',
});

const bareCpu: Cpu = async () => {
  const { user, system } = (await (await fetch(`${bare.url}/cpu`)).json()) as NodeJS.CpuUsage;
  return (user + system) / 1e6;
};
const apiCpu: Cpu = async () => {
  const text = await (await fetch(`${api.url}/metrics`)).text();
  return Number(/^process_cpu_seconds_total\S* (\S+)/m.exec(text)?.[1]);
};

const page = `canvases/${canvas_id}`;
const paths = {
  rows: `${bare.url}/${page}/rows?limit=50`,
  text: `${bare.url}/${page}/blocks?limit=50`,
  stack: `${api.url}/api/v1/${page}/blocks?limit=50`,
};
const headers = { authorization: `Bearer ${owner.token}` };
const sizes = await Promise.all(
  Object.values(paths).map(async (url) => (await (await fetch(url, { headers })).text()).length),
);
console.log(`a page of 50 blocks, ${sizes.join(', ')} bytes; ${REQUESTS} requests on ${CONNECTIONS} connections`);

const measure = {
  rows: () => cpuPerRequest(paths.rows, {}, bareCpu),
  text: () => cpuPerRequest(paths.text, {}, bareCpu),
  stack: () => cpuPerRequest(paths.stack, headers, apiCpu),
};
// Twice for the compiler.
for (const warmUp of [...Object.values(measure), ...Object.values(measure)]) await warmUp();

const rounds: { to_rows: number; to_text: number }[] = [];
for (let i = 0; i < ROUNDS; i += 1) {
  const [rows, text, stack] = [await measure.rows(), await measure.text(), await measure.stack()];
  rounds.push({ to_rows: stack / rows, to_text: stack / text });
  console.log(
    `  CPU us: bare, rows ${rows.toFixed(0)}; bare, JSON from SQL ${text.toFixed(0)}; whole stack ${stack.toFixed(0)}`,
  );
}
const ratio = median(rounds.map((round) => round.to_rows));
const strict = median(rounds.map((round) => round.to_text));
console.log(`whole stack to a bare route that selects the rows: ${ratio.toFixed(2)} (target at most ${TARGET})`);
console.log(`whole stack to a bare route that passes on the JSON that SQL built: ${strict.toFixed(2)}`);

for (const { child } of [bare, api]) {
  child.kill('SIGTERM');
  await once(child, 'exit');
}
await backends[Symbol.asyncDispose]();
process.exitCode = ratio <= TARGET ? 0 : 1;
