/*
 * What a page of 50 blocks (some 12 KB of content) costs through app.get_blocks_page, with access decided and row security
 * on, against the bare SELECT of the same rows made into JSON. Interleaved, median of 7 rounds; needs TEST_POSTGRES_URL.
 *   node packages/db/bench/blocks-page.ts
 */
import { readFileSync } from 'node:fs';
import postgres from 'postgres';
import { getBlocksPage } from '../src/canvas/queries.ts';
import { createDb, type Db } from '../src/client.ts';
import { createTestDatabase } from '../src/testing/database.ts';
import { seedCanvas } from '../src/testing/seed.ts';

const ROUNDS = 7;
const CALLS = 1_500;
const SELECT = `select id, canvas_id, parent_id, type, content, rank, version, created_by, updated_by, created_at, updated_at
  from app.blocks
  where workspace_id = $1 and canvas_id = $2 and parent_id is null and deleted_at is null
  order by parent_id, rank limit 50`;

interface Cost {
  wall_us: number;
  client_cpu_us: number;
  /** Of the Postgres backend; NaN where /proc cannot be read. */
  server_cpu_us: number;
}

await using t = await createTestDatabase();
for (let n = 0; n < 40; n++) await fill(n);
const canvas = await fill(40);
await t.asOwner('vacuum analyze');

const db: Db = createDb({ url: t.app_url, pool_size: 1, timeout_ms: 10_000, prepare: true, application_name: 'bench' });
const bare = postgres(t.superuser_url, { max: 1 });
const pids = {
  page: (await db.call<{ pid: number }>('select pg_backend_pid() as pid'))[0]?.pid ?? 0,
  bare: Number((await bare.unsafe<{ pid: number }[]>('select pg_backend_pid() as pid'))[0]?.pid),
};
const bytes = { page: 0, bare: 0 };
const variants = {
  bare: async () => {
    const rows = await bare.unsafe(SELECT, [canvas.workspace_id, canvas.canvas_id], { prepare: true });
    bytes.bare = JSON.stringify({ items: rows, next_cursor: null }).length;
  },
  page: async () => {
    bytes.page = (await getBlocksPage(db, { ...canvas, limit: 50 })).length;
  },
};

const costs: Record<keyof typeof variants, Cost[]> = { bare: [], page: [] };
for (let round = 0; round <= ROUNDS; round++) {
  for (const name of ['bare', 'page'] as const) {
    const cost = await measure(variants[name], pids[name]);
    // The first round warms up.
    if (round > 0) costs[name].push(cost);
  }
}
await Promise.all([db.end(), bare.end()]);
report();

async function fill(n: number) {
  const made = await seedCanvas(t.db);
  await t.asOwner(
    `insert into app.blocks (workspace_id, canvas_id, id, parent_id, type, content, rank, created_by, updated_by)
     select $1, $2, gen_random_uuid(), null, 'text', jsonb_build_object('text', repeat('word ', 44)), 'a' || lpad(i::text, 4, '0'), $3, $3
     from generate_series(1, 50 + $4::int) i`,
    [made.workspace_id, made.canvas_id, made.user_id, n],
  );
  return made;
}

async function measure(call: () => Promise<void>, pid: number): Promise<Cost> {
  const server = backendCpu(pid);
  const client = process.cpuUsage();
  const began = performance.now();
  for (let n = 0; n < CALLS; n++) await call();
  const wall_us = ((performance.now() - began) * 1_000) / CALLS;
  const { user, system } = process.cpuUsage(client);
  return {
    wall_us,
    client_cpu_us: (user + system) / CALLS,
    server_cpu_us: ((backendCpu(pid) - server) * 1_000_000) / CALLS,
  };
}

/** Seconds of CPU that a process has used; ticks of 10 ms, so only many calls tell something. */
function backendCpu(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return NaN;
  }
}

function report(): void {
  const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
  console.log(`50 blocks: ${bytes.page} bytes of JSON by the function, ${bytes.bare} by the bare SELECT`);
  for (const key of ['wall_us', 'client_cpu_us', 'server_cpu_us'] as const) {
    const [page, plain] = [costs.page, costs.bare].map((list) => list.map((cost) => cost[key]));
    const ratios = (page ?? []).map((value, round) => value / (plain?.[round] ?? NaN));
    const name = { wall_us: 'round trip', client_cpu_us: 'CPU in Node', server_cpu_us: 'CPU in Postgres' }[key];
    console.log(
      `${name.padEnd(16)} ${median(page ?? [])
        .toFixed(0)
        .padStart(5)} us against ${median(plain ?? [])
        .toFixed(0)
        .padStart(5)} us: ${median(ratios).toFixed(2)}`,
    );
  }
}
