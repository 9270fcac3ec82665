/*
 * What an edit of one block costs Postgres through app.apply_block_mutations, with access, lock, history, search and audit,
 * against the bare statements that change the same rows, in one transaction too, by a role that row security does not hold.
 * Among 1,000,000 blocks, because an empty database has other plans. CPU of the backends, interleaved, median of 7 rounds.
 * Needs TEST_POSTGRES_URL on this host.
 *   node packages/db/bench/mutate.ts
 */
import { randomUUID } from 'node:crypto';
import { applyBlockMutations } from '../src/canvas/queries.ts';
import { createDb, type Db } from '../src/client.ts';
import { createTestDatabase } from '../src/testing/database.ts';
import { seedBlock, seedCanvas } from '../src/testing/seed.ts';
import { fillBigDatabase } from './big-database.ts';
import { compare, median, ratio, type Cost } from './measure.ts';

const ROUNDS = 7;
const CALLS = 1_000;
const BLOCKS = 100;

/** The update of the block, the counter, the event and the audit row, and nothing decided. */
const BARE = `
  with edited as (
    update app.blocks set content = $4, version = version + 1, updated_by = $3, updated_at = now()
    where workspace_id = $1 and canvas_id = $2 and id = $5 and version = $6 returning *
  ), head as (
    update app.canvas_heads set seq = seq + 1 where workspace_id = $1 and canvas_id = $2 returning seq
  ), event as (
    insert into app.canvas_events (workspace_id, canvas_id, seq, type, mutation_id, request_hash, actor_user_id, request_id, payload, created_at)
    select $1, $2, h.seq, 'blocks.mutated', $7, 'hash', $3, 'request', concat('{"ops":[{"op":"edit","block":', app.block_json(e), '}]}')::json, now()
    from edited e, head h
  )
  insert into app.audit_logs (id, workspace_id, actor_type, actor_user_id, action, target_type, target_id, canvas_id, after, request_id)
  select app.uuidv7(), $1, 'user', $3, 'block.mutate', 'canvas', $2::text, $2, jsonb_build_object('seq', h.seq, 'ops', 1), 'request' from head h`;

await using t = await createTestDatabase();
await fillBigDatabase(t);
await t.asOwner('set session_replication_role = origin');
const open = (url: string): Db =>
  createDb({ url, pool_size: 1, timeout_ms: 10_000, prepare: true, application_name: 'bench' });
const [app, bare] = [open(t.app_url), open(t.superuser_url)];
await bare.call('set jit = off');
const variants = { ours: await prepare(app), bare: await prepare(bare), without_search: await prepare(app) };

/** A canvas of its own for each, so that none waits for another's lock. */
async function prepare(db: Db) {
  const canvas = await seedCanvas(t.db);
  const ids: string[] = [];
  for (let n = 0; n < BLOCKS; n++) ids.push((await seedBlock(t.db, canvas)).id);
  const pid = (await db.call<{ pid: number }>('select pg_backend_pid() as pid'))[0]?.pid ?? 0;
  return { canvas, ids, pid, calls: 0 };
}

/** The next edit of a canvas: its blocks in turn, each with new words. */
function nextEdit(variant: (typeof variants)['ours']) {
  const { ids, calls } = variant;
  variant.calls += 1;
  const content = { text: `${'some words of a person '.repeat(9)}${calls}` };
  return { block_id: ids[calls % BLOCKS]!, version: 1 + Math.floor(calls / BLOCKS), content };
}

const throughFunction = async (variant: (typeof variants)['ours']): Promise<void> => {
  const ops = [{ op: 'edit', ...nextEdit(variant) }];
  await applyBlockMutations(app, {
    ...variant.canvas,
    mutation_id: randomUUID(),
    request_hash: 'hash',
    ops,
    request_id: 'request',
  });
};
const throughBare = async (variant: (typeof variants)['ours']): Promise<void> => {
  const { canvas } = variant;
  const { block_id, version, content } = nextEdit(variant);
  await bare.call(BARE, [
    canvas.workspace_id,
    canvas.canvas_id,
    canvas.user_id,
    content,
    block_id,
    version,
    randomUUID(),
  ]);
};

// The triggers of others fire for both; without them the bare statement is what the tables alone cost.
await bare.call('set session_replication_role = replica');
const costs = await compare(
  {
    ours: { pid: variants.ours.pid, call: () => throughFunction(variants.ours) },
    bare: { pid: variants.bare.pid, call: () => throughBare(variants.bare) },
  },
  { rounds: ROUNDS, calls: CALLS },
);
await t.asOwner('alter table app.blocks disable trigger user');
const plain = await compare(
  {
    ours: { pid: variants.without_search.pid, call: () => throughFunction(variants.without_search) },
    bare: { pid: variants.bare.pid, call: () => throughBare(variants.bare) },
  },
  { rounds: ROUNDS, calls: CALLS },
);
report('edit of one block', costs);
report('without the triggers of blocks', plain);
await Promise.all([app.end(), bare.end()]);

function report(name: string, { ours, bare: other }: Record<'ours' | 'bare', Cost[]>): void {
  const us = (list: Cost[], key: keyof Cost): string => median(list.map((cost) => cost[key])).toFixed(0);
  console.log(
    `${name.padEnd(32)} ${us(ours, 'server_us')} us of CPU in Postgres against ${us(other, 'server_us')} us: ${ratio(ours, other).toFixed(2)}; ` +
      `round trip ${us(ours, 'wall_us')} us against ${us(other, 'wall_us')} us`,
  );
}
