import { afterAll, beforeAll, expect, test } from 'vitest';
import { withContext } from '../context.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { seedCanvas, type SeededCanvas } from '../testing/seed.ts';
import { getBlockGaps } from './queries.ts';

/*
 * Plans that every request depends on, as the planner makes them for a database with many canvases of some history: each must
 * reach its row by all that is known of it, and not read whatever else there is of the canvas or the person.
 */

let t: TestDatabase;
let canvas: SeededCanvas;
beforeAll(async () => {
  t = await createTestDatabase();
  await t.asOwner('set session_replication_role = replica');
  await t.asOwner(`insert into app.canvas_events
      (workspace_id, canvas_id, seq, type, mutation_id, request_hash, actor_user_id, request_id, payload, created_at)
    select md5('w' || i % 100)::uuid, md5('c' || i)::uuid, n, 'blocks.mutated', gen_random_uuid(), 'h', md5('u')::uuid, 'r', '{}', now()
    from generate_series(1, 2000) i, generate_series(1, 10) n`);
  await t.asOwner(`insert into app.canvas_access (workspace_id, canvas_id, user_id, role, invited_by)
    select md5('w' || i % 100)::uuid, md5('c' || i)::uuid, md5('u' || (i * 13 + n * 173) % 2000)::uuid, 'viewer', md5('u')::uuid
    from generate_series(1, 2000) i, generate_series(1, 10) n`);
  await t.asOwner(`insert into app.blocks (workspace_id, canvas_id, id, type, content, rank, created_by, updated_by)
    select md5('w' || i % 100)::uuid, md5('c' || i)::uuid, gen_random_uuid(), 'x', '{}', 'a' || n, md5('u')::uuid, md5('u')::uuid
    from generate_series(1, 1000) i, generate_series(1, 40) n`);
  await t.asOwner('set session_replication_role = origin');
  canvas = await seedCanvas(t.db);
  await t.asOwner(
    `insert into app.blocks (workspace_id, canvas_id, id, type, content, rank, created_by, updated_by)
     select $1, $2, gen_random_uuid(), 'x', '{}', 'a' || lpad(n::text, 4, '0'), $3, $3 from generate_series(1, 5000) n`,
    [canvas.workspace_id, canvas.canvas_id, canvas.user_id],
  );
  await t.asOwner('analyze');
  await t.asOwner('set plan_cache_mode = force_generic_plan');
});
afterAll(() => t.drop());

async function conditionOf(name: string, types: string, query: string): Promise<string | undefined> {
  await t.asOwner(`prepare ${name} (${types}) as ${query}`);
  const nulls = types.replaceAll(/\w+/g, 'null');
  const lines = await t.asOwner<{ 'QUERY PLAN': string }>(`explain (costs off) execute ${name} (${nulls})`);
  return lines.map((line) => line['QUERY PLAN'].trim()).find((line) => line.startsWith('Index Cond:'));
}

test('a mutation is looked for by its id, not among all events of its canvas', async () => {
  const query = 'select * from app.canvas_events where workspace_id = $1 and canvas_id = $2 and mutation_id = $3';
  expect(await conditionOf('mutation', 'uuid, uuid, uuid', query)).toBe(
    'Index Cond: ((workspace_id = $1) AND (canvas_id = $2) AND (mutation_id = $3))',
  );
});

test('an invitation is looked for by its canvas and its person, not among all of the person', async () => {
  const query = 'select role from app.canvas_access where workspace_id = $1 and canvas_id = $2 and user_id = $3';
  const found = await conditionOf('invitation', 'uuid, uuid, uuid', query);
  for (const column of ['workspace_id = $1', 'canvas_id = $2', 'user_id = $3']) expect(found).toContain(column);
});

test('the place at the end of thousands of siblings is found without reading them', async () => {
  await withContext(t.db, { ...canvas, needed_role: 'editor' }, async (tx) => {
    // More often than the planner makes a plan for each call.
    for (let n = 0; n < 10; n++) await getBlockGaps(tx, { ...canvas, gaps: [{ parent_id: null }] });
    const [read] = await tx.call<{ rows: number }>(
      `select sum(pg_stat_get_xact_tuples_returned(i.indexrelid))::int as rows from pg_index i where i.indrelid = 'app.blocks'::regclass`,
    );
    expect(read!.rows).toBeLessThan(100);
  });
});
