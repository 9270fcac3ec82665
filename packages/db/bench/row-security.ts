/*
 * What row security and the decision of access cost Postgres, on 1,000 workspaces, 10,000 people, 100,000 canvases and
 * 1,000,000 blocks: each function against the same SELECT, which builds the same JSON, prepared, with the ids of workspace
 * and canvas given in its WHERE, by a role that row security does not hold, without a context. CPU of the backends,
 * interleaved, median of 7 rounds. Needs TEST_POSTGRES_URL on this host; the database is its own and dropped at the end.
 * The page of five blocks has no target: it shows what every call pays, however small (access looked up in four tables, the
 * context, a function and its settings), which the bare SELECT is told.
 *   node packages/db/bench/row-security.ts
 */
import assert from 'node:assert/strict';
import { getBlocksPage, listCanvases } from '../src/canvas/queries.ts';
import { createDb, type Db } from '../src/client.ts';
import { createTestDatabase } from '../src/testing/database.ts';
import { fillBigDatabase } from './big-database.ts';
import { compare, median, ratio, type Contestant, type Cost } from './measure.ts';

const ROUNDS = 7;
const CALLS = 2_000;
const PEOPLE = 200;
const TARGET = 1.5;

const PAGE = String.raw`
  select concat('{"items":[', string_agg(app.block_json(b), ','), '],"next_cursor":', case when count(*) = 50
    then '"' || translate(encode(convert_to(concat(null::uuid, '.', max(b.rank)), 'UTF8'), 'base64'), E'+/=\n', '-_') || '"'
    else 'null' end, '}') as page
  from (
    select * from app.blocks b
    where b.workspace_id = $1 and b.canvas_id = $2 and b.parent_id is null and b.rank > '' and b.deleted_at is null
    order by b.parent_id, b.rank limit $3
  ) b`;
const LIST = `
  with homes as (select * from unnest($1::uuid[], $2::boolean[], $3::int[]) as h (id, is_personal, rank)),
  found as (
    select c.id, h.rank from homes h cross join lateral (
      select c.id from app.canvases c where c.workspace_id = h.id and c.archived_at is null
      order by c.updated_at desc, c.id desc limit $6
    ) c
    union all
    select * from unnest($4::uuid[], $5::int[])
  )
  select app.canvas_json(c, w.is_personal) || jsonb_build_object('role', app.rank_role(f.rank)) as canvas
  from (select f.id, max(f.rank) as rank from found f group by f.id) f
  join app.canvases c on c.id = f.id
  join app.workspaces w on w.id = c.workspace_id and w.deleted_at is null
  where c.archived_at is null
  order by c.updated_at desc, c.id desc limit $6`;

const FIRST_PAGE = { include_archived: false, cursor_updated_at: null, cursor_id: null, limit: 50 };

interface Contest {
  target?: number;
  ours(c: Case): Promise<unknown>;
  bare(c: Case): Promise<unknown>;
}

interface Case {
  user_id: string;
  /** The canvas of 105 blocks, and one of five. */
  big: { workspace_id: string; canvas_id: string };
  small: { workspace_id: string; canvas_id: string };
  homes: { ids: string[]; personal: boolean[]; ranks: number[] };
  invitations: { ids: string[]; ranks: number[] };
}

await using t = await createTestDatabase();
const times = await fillBigDatabase(t);
console.log(
  `1,000,000 blocks on 100,000 canvases, seeded in ${(Object.values(times).reduce((sum, ms) => sum + ms, 0) / 1000).toFixed(1)} s`,
);
const cases = await readCases();

const open = (url: string): Db =>
  createDb({ url, pool_size: 1, timeout_ms: 10_000, prepare: true, application_name: 'bench' });
const [app, bare] = [open(t.app_url), open(t.superuser_url)];
// Neither may save the planning of a plan that the other has to make.
await bare.call('set plan_cache_mode = force_generic_plan');
await bare.call('set jit = off');
const pids = { app: await pidOf(app), bare: await pidOf(bare) };

await run('list of my canvases, 50', {
  target: TARGET,
  ours: ({ user_id }) => listCanvases(app, { ...FIRST_PAGE, user_id }),
  bare: ({ homes, invitations }) =>
    rowsOf(LIST, [...[homes.ids, homes.personal, homes.ranks, invitations.ids, invitations.ranks].map(arrayText), 50]),
});
const pageOf = (size: 'big' | 'small'): Pick<Contest, 'ours' | 'bare'> => ({
  ours: (c) => getBlocksPage(app, { user_id: c.user_id, canvas_id: c[size].canvas_id, limit: 50 }),
  bare: async (c) => (await rowsOf(PAGE, [c[size].workspace_id, c[size].canvas_id, 50]))[0],
});
await run('page of 50 blocks', { target: TARGET, ...pageOf('big') });
await run('page of 5 blocks', pageOf('small'));
await Promise.all([app.end(), bare.end()]);

async function readCases(): Promise<Case[]> {
  return t.asOwner<Case>(
    `
    select bench_id('user', i) as user_id,
      (select jsonb_build_object('workspace_id', c.workspace_id, 'canvas_id', c.id) from app.canvases c join app.workspace_members m
        on m.workspace_id = c.workspace_id and m.user_id = bench_id('user', i) and m.role = 'member'
        order by (select count(*) from app.blocks b where b.workspace_id = c.workspace_id and b.canvas_id = c.id) desc, c.id limit 1) as big,
      (select jsonb_build_object('workspace_id', c.workspace_id, 'canvas_id', c.id) from app.canvases c join app.workspace_members m
        on m.workspace_id = c.workspace_id and m.user_id = bench_id('user', i) and m.role = 'member'
        order by (select count(*) from app.blocks b where b.workspace_id = c.workspace_id and b.canvas_id = c.id), c.id limit 1) as small,
      (select jsonb_build_object('ids', json_agg(w.id), 'personal', json_agg(w.is_personal), 'ranks', json_agg(w.rank)) from (
        select w.id, w.is_personal, 5 as rank from app.workspaces w where w.owner_user_id = bench_id('user', i)
        union all
        select w.id, w.is_personal, app.workspace_role_rank(m.role) from app.workspace_members m join app.workspaces w on w.id = m.workspace_id
        where m.user_id = bench_id('user', i) and m.role <> 'guest' and w.owner_user_id <> m.user_id) w) as homes,
      (select jsonb_build_object('ids', json_agg(a.canvas_id), 'ranks', json_agg(app.role_rank(a.role)))
        from app.canvas_access a where a.user_id = bench_id('user', i)) as invitations
    from generate_series(2000, 1999 + $1::int) i`,
    [PEOPLE],
  );
}

/** The first column of each row. */
async function rowsOf(text: string, params: unknown[]): Promise<unknown[]> {
  return (await bare.call<object>(text, params)).map((row) => Object.values(row)[0] as unknown);
}

function arrayText(values: unknown[]): string {
  return `{${values.join(',')}}`;
}

async function pidOf(db: Db): Promise<number> {
  return (await db.call<{ pid: number }>('select pg_backend_pid() as pid'))[0]?.pid ?? 0;
}

async function run(name: string, { target, ours, bare: plain }: Contest): Promise<void> {
  for (const c of cases.slice(0, 20)) assert.deepEqual(await ours(c), await plain(c), 'both answer the same');
  const contestant = (pid: number, call: Contest['ours']): Contestant => ({
    pid,
    call: (n) => call(cases[n % cases.length]!),
  });
  const costs = await compare(
    { ours: contestant(pids.app, ours), bare: contestant(pids.bare, plain) },
    { rounds: ROUNDS, calls: CALLS },
  );
  const us = (list: Cost[]): string =>
    median(list.map(({ server_us }) => server_us))
      .toFixed(0)
      .padStart(4);
  const found = ratio(costs.ours, costs.bare);
  const verdict = target === undefined ? '' : ` (target ${target}${found > target ? ', MISSED' : ''})`;
  console.log(
    `${name.padEnd(24)} ${us(costs.ours)} us of CPU in Postgres against ${us(costs.bare)} us: ${found.toFixed(2)}${verdict}`,
  );
}
