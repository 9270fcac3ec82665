import type { TestDatabase } from '../src/testing/database.ts';

/** 1,000 workspaces, 10,000 people (three memberships each, and a personal space), 100,000 canvases, 1,000,000 blocks, 300,000 events. */
const STEPS = {
  users: `
    insert into app.users (id, email, name)
    select bench_id('user', i), 'user-' || i || '@example.test', 'User ' || i from generate_series(0, 9999) i`,
  workspaces: `
    insert into app.workspaces (id, name, owner_user_id)
    select bench_id('workspace', i), 'Workspace ' || i, bench_id('user', i) from generate_series(0, 999) i`,
  'personal spaces': `
    insert into app.workspaces (id, name, owner_user_id, is_personal)
    select bench_id('personal', i), 'Personal', bench_id('user', i), true from generate_series(0, 9999) i`,
  members: `
    insert into app.workspace_members (workspace_id, user_id, role)
    select bench_id('workspace', (i * 7 + n * 331) % 1000), bench_id('user', i), (array['member', 'admin', 'guest'])[n]
    from generate_series(0, 9999) i, generate_series(1, 3) n on conflict do nothing`,
  canvases: `
    insert into app.canvases (id, workspace_id, title, created_by, updated_at)
    select bench_id('canvas', i), bench_id('workspace', i % 1000), 'Canvas ' || i, bench_id('user', i % 1000),
      now() - make_interval(secs => (i * 7919) % 100003)
    from generate_series(0, 99999) i`,
  heads: 'insert into app.canvas_heads (canvas_id, workspace_id) select id, workspace_id from app.canvases',
  invitations: `
    insert into app.canvas_access (workspace_id, canvas_id, user_id, role, invited_by)
    select bench_id('workspace', c % 1000), bench_id('canvas', c), bench_id('user', i), 'commenter', bench_id('user', c % 1000)
    from generate_series(0, 9999) i, generate_series(1, 3) n, lateral (select (i * 13 + n * 17389) % 100000 as c) x
    on conflict do nothing`,
  // Every twentieth canvas has 105 blocks of some 220 characters, the others five.
  blocks: `
    insert into app.blocks (workspace_id, canvas_id, id, type, content, rank, created_by, updated_by)
    select bench_id('workspace', i % 1000), bench_id('canvas', i), gen_random_uuid(), 'text',
      jsonb_build_object('text', repeat('word ', 44)), 'a' || lpad(n::text, 3, '0'), u.id, u.id
    from generate_series(0, 99999) i, lateral (select bench_id('user', i % 1000) as id) u,
      generate_series(1, case when i / 1000 % 20 = 0 then 105 else 5 end) n`,
  events: `
    insert into app.canvas_events (workspace_id, canvas_id, seq, type, mutation_id, request_hash, actor_user_id, request_id, payload, created_at)
    select c.workspace_id, c.id, n, 'blocks.mutated', gen_random_uuid(), 'hash', c.created_by, 'request', '{"ops":[]}', now()
    from app.canvases c, generate_series(1, 3) n`,
};

/** Fills a database past all triggers and checks of references, and analyses it. Answers how long each step took, in ms. */
export async function fillBigDatabase(t: TestDatabase): Promise<Record<string, number>> {
  const times: Record<string, number> = {};
  const run = async (name: string, text: string): Promise<void> => {
    const began = performance.now();
    await t.asOwner(text);
    times[name] = Math.round(performance.now() - began);
  };
  await t.asOwner('set session_replication_role = replica');
  await t.asOwner('set synchronous_commit = off');
  await t.asOwner("set maintenance_work_mem = '256MB'");
  await t.asOwner(`create function bench_id(text, int) returns uuid language sql immutable parallel safe
    return md5($1 || $2)::uuid`);
  for (const [name, text] of Object.entries(STEPS)) await run(name, text);
  await run('vacuum analyze', 'vacuum analyze');
  return times;
}
