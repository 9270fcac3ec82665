import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { NO_OBJECTS } from '@potentia/config/testing/object-env';
import { startBackends } from '@potentia/domain/platform/testing/backends';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { load } from './load.ts';
import { person, startApi } from '../src/testing/api.ts';

/*
 * What the whole stack (token, limit, tenant context, row-level security, validation) costs the server on a hot read: CPU
 * per request of GET …/blocks, 50 blocks, against bare routes with the same SELECT. Each server is a process of its own and
 * they are measured in turns; the median of the ratios is what counts: clocks on shared machines drift, ratios do not.
 *
 * The gate is the stricter ratio: to a bare route that passes on the JSON that the same SELECT builds. The other bare route
 * selects the rows and lets Fastify serialise them, as one would write it. The blocks are short lines, because a block is at
 * least 360 bytes of ids and times and a page of 50 so never as small as 12 KB.
 */
const ROUNDS = 7;
/** Rounds that are not counted: so long the compiler is at work. */
const WARM_UP = 3;
const REQUESTS = Number(process.env['BENCH_REQUESTS'] ?? 4_000);
const CONNECTIONS = 8;
const TARGET = 2.2;

interface Server {
  child: ChildProcess;
  url: string;
}

function start(script: string, env: Record<string, string>): Promise<Server> {
  const child = spawn(process.execPath, ['--import', './report-cpu.ts', script], {
    cwd: import.meta.dirname,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  process.once('exit', () => child.kill());
  return new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error(`${script} did not start`)));
    child.stdout?.on('data', (chunk) => {
      const url = /"url":"(http[^"]+)"/.exec(String(chunk))?.[1];
      if (url !== undefined) resolve({ child, url });
    });
  });
}

/** Microseconds of CPU that a server has used so far. */
async function cpuOf({ child }: Server): Promise<number> {
  const answer = once(child, 'message');
  child.send('cpu');
  const [{ user, system }] = (await answer) as [NodeJS.CpuUsage];
  return user + system;
}

async function cpuPerRequest(server: Server, path: string, headers: Record<string, string>): Promise<number> {
  const before = await cpuOf(server);
  await load(server.url + path, { amount: REQUESTS, connections: CONNECTIONS, headers });
  return ((await cpuOf(server)) - before) / REQUESTS;
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

const backends = await startBackends();
const owner = await person(backends.issuer, { exp: Math.floor(Date.now() / 1000) + 86_400 });
const setup = await startApi(backends);
const canvas_id = await setup.makeCanvas(owner);
await setup.addBlocks(
  owner,
  canvas_id,
  Array.from({ length: 60 }, (_, i) => `Task ${i}`),
);
const { workspace_id } = (await setup.call(owner, 'GET', `/api/v1/canvases/${canvas_id}`)).body;
await setup[Symbol.asyncDispose]();

const bare_env = { DATABASE_URL: backends.database.superuser_url, WORKSPACE_ID: workspace_id };
const rows_server = await start('./bare-server.ts', bare_env);
const text_server = await start('./bare-server.ts', bare_env);
const api = await start('../src/main.ts', {
  PORT: '0',
  DATABASE_URL: backends.database.app_url,
  REDIS_URL: backends.redis.url,
  SUPABASE_URL: backends.issuer.url,
  SUPABASE_ANON_KEY: 'bench',
  SUPABASE_SERVICE_ROLE_KEY: 'bench',
  ENCRYPTION_KEYS: `bench:${Buffer.alloc(32).toString('base64')}`,
  ...GATEWAY_SECRETS,
  ...NO_OBJECTS,
  IP_RATE_LIMIT: '1000000',
  RATE_LIMITS: '[{"limit":1000000000,"window_ms":60000}]',
});

const headers = { authorization: `Bearer ${owner.token}` };
const subjects = [
  { server: rows_server, path: `/canvases/${canvas_id}/rows?limit=50`, headers: {} },
  { server: text_server, path: `/canvases/${canvas_id}/blocks?limit=50`, headers: {} },
  { server: api, path: `/api/v1/canvases/${canvas_id}/blocks?limit=50`, headers },
] as const;
const sizes = await Promise.all(
  subjects.map(async ({ server, path }) => (await (await fetch(server.url + path, { headers })).text()).length),
);
console.log(`a page of 50 blocks, ${sizes.join(', ')} bytes; ${REQUESTS} requests on ${CONNECTIONS} connections`);

const to_rows: number[] = [];
const to_text: number[] = [];
for (let round = -WARM_UP; round < ROUNDS; round += 1) {
  const costs: number[] = [];
  // There and back, so that none is always measured after the same neighbour.
  const order = round % 2 === 0 ? [...subjects.entries()] : [...subjects.entries()].reverse();
  for (const [i, { server, path, headers }] of order) costs[i] = await cpuPerRequest(server, path, headers);
  if (round < 0) continue;
  const [rows = NaN, text = NaN, stack = NaN] = costs;
  to_rows.push(stack / rows);
  to_text.push(stack / text);
  console.log(
    `  CPU us: bare, rows ${rows.toFixed(0)}; bare, JSON from SQL ${text.toFixed(0)}; whole stack ${stack.toFixed(0)}`,
  );
}
const ratio = median(to_text);
console.log(`whole stack to a bare route that selects the rows: ${median(to_rows).toFixed(2)}`);
console.log(
  `whole stack to a bare route that passes on the JSON that SQL built: ${ratio.toFixed(2)} (at most ${TARGET})`,
);

for (const { child } of [rows_server, text_server, api]) {
  child.kill('SIGTERM');
  await once(child, 'exit');
}
await backends[Symbol.asyncDispose]();
process.exitCode = ratio <= TARGET ? 0 : 1;
