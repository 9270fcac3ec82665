import { randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { users } from './auth/tables.ts';
import { blocks } from './canvas/tables.ts';
import { createDb, type Db } from './client.ts';
import { asSystem, withContext } from './context.ts';
import { DbError, DbUnavailableError } from './errors.ts';
import { createTestDatabase, type TestDatabase } from './testing/database.ts';
import { startFaultProxy, type FaultProxy } from './testing/fault-proxy.ts';
import { addCanvasAccess, seedBlock, seedCanvas, seedUser, seedWorkspace } from './testing/seed.ts';

let t: TestDatabase;
let proxy: FaultProxy;
/** One connection, through a proxy that counts round trips. */
let one: Db;
beforeAll(async () => {
  t = await createTestDatabase();
  const target = new URL(t.app_url);
  proxy = await startFaultProxy({ target_host: target.hostname, target_port: Number(target.port || 5432) });
  one = createDb({
    url: proxy.url(t.app_url),
    pool_size: 1,
    timeout_ms: 5_000,
    prepare: true,
    application_name: 'test',
  });
});
afterAll(async () => {
  await one.end();
  await proxy.close();
  await t.drop();
});

const count = 'select count(*) as n from app.blocks';

test('a transaction of one statement takes two round trips once its statements are known', async () => {
  const canvas = await seedCanvas(t.db);
  const read = () => withContext(one, canvas, (tx) => tx.call(count));
  await read();
  await read();
  proxy.reset_flights();
  await read();
  expect(proxy.flights()).toBe(2);
});

test('a query of drizzle costs one round trip in it, as any other', async () => {
  const user = await seedUser(t.db);
  const read = () => withContext(one, user, (tx) => tx.orm.select().from(users).where(eq(users.id, user.user_id)));
  await read();
  proxy.reset_flights();
  expect((await read())[0]?.email).toBe(user.email);
  expect(proxy.flights()).toBe(2);
});

test('drizzle reads and writes JSON and times as everybody else does, and leaves the driver as it was', async () => {
  const canvas = await seedCanvas(t.db);
  const { id } = await seedBlock(t.db, canvas, { content: { text: 'before' } });
  const content = { text: 'a "quoted" \\ word', nested: [1, { deep: true }] };
  const rows = await withContext(one, canvas, async (tx) => {
    await tx.orm.update(blocks).set({ content }).where(eq(blocks.id, id));
    return tx.orm.select().from(blocks).where(eq(blocks.id, id));
  });
  expect(rows[0]?.content).toEqual(content);
  expect(rows[0]?.created_at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  const [row] = await one.call<{ content: unknown; at: string }>('select $1::jsonb as content, now() as at', [content]);
  expect(row?.content).toEqual(content);
  expect(row?.at).toMatch(/Z$/);
});

test('a refused context is what the caller hears, not the failed transaction after it', async () => {
  const canvas = await seedCanvas(t.db);
  const stranger = await seedUser(t.db);
  const scope = { user_id: stranger.user_id, canvas_id: canvas.canvas_id };
  const refused = { name: 'DbError', kind: 'not_found', code: 'canvas.not_found' };
  await expect(withContext(one, scope, (tx) => tx.call(count))).rejects.toMatchObject(refused);
  await expect(withContext(one, scope, () => Promise.resolve('no statement'))).rejects.toMatchObject(refused);
  await expect(withContext(one, scope, (tx) => tx.call(count).catch(() => []))).rejects.toMatchObject(refused);
  await expect(
    withContext(one, scope, () => Promise.reject(new Error('something else went wrong first'))),
  ).rejects.toMatchObject(refused);
  // Vitest fails the run on an unhandled rejection, which is how the driver would have reported it.
  expect(await one.call('select 1 as ok')).toEqual([{ ok: 1 }]);
});

test('a role that is too low is forbidden, and says what it takes', async () => {
  const canvas = await seedCanvas(t.db);
  const viewer = await addCanvasAccess(t.db, canvas, 'viewer');
  const scope = { user_id: viewer.user_id, canvas_id: canvas.canvas_id, needed_role: 'editor' };
  await expect(withContext(one, scope, (tx) => tx.call(count))).rejects.toMatchObject({
    kind: 'forbidden',
    code: 'canvas.forbidden',
    meta: { needed_role: 'editor', role: 'viewer' },
  });
});

test('an id that is no UUID is invalid input', async () => {
  await expect(withContext(one, { user_id: 'nobody' }, (tx) => tx.call(count))).rejects.toMatchObject({
    kind: 'invalid',
  });
});

const edit = `update app.blocks set content = '{"text": "after"}' where id = $1 returning id`;
async function somethingToEdit() {
  const canvas = await seedCanvas(t.db);
  const { id: block_id } = await seedBlock(t.db, canvas, { content: { text: 'before' } });
  const content = async () =>
    (await t.asOwner<{ content: unknown }>('select content from app.blocks where id = $1', [block_id]))[0]?.content;
  return { canvas, block_id, content };
}

test('nothing is committed when the work throws', async () => {
  const { canvas, block_id, content } = await somethingToEdit();
  const work = withContext(one, canvas, async (tx) => {
    expect(await tx.call(edit, [block_id])).toHaveLength(1);
    throw new Error('changed my mind');
  });
  await expect(work).rejects.toThrow('changed my mind');
  expect(await content()).toEqual({ text: 'before' });
});

test('a swallowed failure cannot be committed', async () => {
  const { canvas, block_id, content } = await somethingToEdit();
  const work = withContext(one, canvas, async (tx) => {
    expect(await tx.call(edit, [block_id])).toHaveLength(1);
    await tx.call('select 1 / 0').catch(() => undefined);
  });
  await expect(work).rejects.toThrow('swallowed');
  expect(await content()).toEqual({ text: 'before' });
});

test('a context ends with its transaction: the next statement on the connection sees nothing', async () => {
  const canvas = await seedCanvas(t.db);
  await seedBlock(t.db, canvas);
  expect(await withContext(one, canvas, (tx) => tx.call(count))).toEqual([{ n: 1 }]);
  expect(await one.call(count)).toEqual([{ n: 0 }]);
  await expect(
    one.call('select app.set_canvas_context($1, $2)', [canvas.user_id, canvas.canvas_id]),
  ).resolves.toBeDefined();
  expect(await one.call(count)).toEqual([{ n: 0 }]);
});

test('a deadline within a transaction ends it, and the connection is not used again', async () => {
  const { canvas, block_id, content } = await somethingToEdit();
  const work = withContext(one, canvas, async (tx) => {
    expect(await tx.call(edit, [block_id])).toHaveLength(1);
    await tx.call('select pg_sleep(30)', [], { timeout_ms: 100 });
  });
  await expect(work).rejects.toBeInstanceOf(DbUnavailableError);
  expect(await one.call(count)).toEqual([{ n: 0 }]);
  expect(await content()).toEqual({ text: 'before' });
});

test('many tenants at once over few connections, a third of the work failing: nobody sees a foreign row', async () => {
  const canvases = await Promise.all(Array.from({ length: 8 }, () => seedCanvas(t.db)));
  await Promise.all(canvases.flatMap((canvas) => Array.from({ length: 3 }, () => seedBlock(t.db, canvas))));
  const few = createDb({ url: t.app_url, pool_size: 4, timeout_ms: 10_000, prepare: true, application_name: 'test' });
  let read = 0;
  const worker = async (seed: number): Promise<void> => {
    for (let round = 0; round < 25; round++) {
      const canvas = canvases[(seed * 7 + round * 3) % canvases.length]!;
      const fails = (seed + round) % 3 === 0;
      const work = withContext(few, canvas, async (tx) => {
        const rows = await tx.call<{ canvas_id: string }>('select canvas_id from app.blocks');
        expect(rows.map((row) => row.canvas_id)).toEqual(Array(3).fill(canvas.canvas_id));
        read++;
        if (fails) await tx.call(round % 2 ? 'select 1 / 0' : 'select nothing from nowhere');
      });
      if (fails) await expect(work).rejects.toMatchObject({ name: 'PostgresError' });
      else await work;
      expect(await few.call(count)).toEqual([{ n: 0 }]);
    }
  };
  await Promise.all(Array.from({ length: 16 }, (_, seed) => worker(seed)));
  expect(read).toBe(16 * 25);
  await few.end();
});

test('the tenant of another is not found, and a guest has no tenant context', async () => {
  const workspace = await seedWorkspace(t.db);
  const scope = { user_id: randomUUID(), workspace_id: workspace.workspace_id };
  await expect(withContext(one, scope, (tx) => tx.call(count))).rejects.toMatchObject({ code: 'workspace.not_found' });
});

test('asSystem is for job_user alone and needs a reason', async () => {
  await expect(asSystem(t.db, 'outbox.relay', (tx) => tx.call(count))).rejects.toMatchObject({ kind: 'forbidden' });
  await expect(asSystem(t.job_db, '', (tx) => tx.call('select 1'))).rejects.toBeInstanceOf(DbError);
  const reason = asSystem(t.job_db, 'outbox.relay', (tx) => tx.call(`select current_setting('app.reason') as reason`));
  expect(await reason).toEqual([{ reason: 'outbox.relay' }]);
});
