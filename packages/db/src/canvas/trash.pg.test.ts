import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addBlock, mutate, place } from '../testing/blocks.ts';
import { edit, findFaults, readSnapshot, refusal, refusalWithoutTrace, replayBlocks } from '../testing/canvas-kit.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { addCanvasAccess, seedBlock, seedCanvas, seedUser, type SeededCanvas } from '../testing/seed.ts';
import { getBlockHistory, listTrash, purgeTrash } from './history-queries.ts';
import { lockCanvas } from './queries.ts';
import { withContext } from '../context.ts';
import type { BlockRow } from './rows.ts';

let t: TestDatabase;
let canvas: SeededCanvas;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());
beforeEach(async () => {
  canvas = await seedCanvas(t.db);
});

const snapshot = () => readSnapshot(t.db, canvas);
const refused = (work: () => Promise<unknown>) => refusalWithoutTrace(t, [canvas], work);
const trash = (block: { id: string }, version = 1) =>
  mutate(t.db, canvas, [{ op: 'delete', block_id: block.id, version }]);
/** With the rank for the end of the top level, as the domain sends it. */
const restore = async (block: { id: string }, scope = canvas) => {
  const { rank } = await place(t.db, canvas, {});
  return mutate(t.db, scope, [{ op: 'restore', block_id: block.id, rank }]);
};
const list = (scope: { user_id: string } = canvas, limit = 10) =>
  listTrash(t.db, { ...canvas, user_id: scope.user_id, cursor_deleted_at: null, cursor_id: null, limit });

describe('restoring', () => {
  test('brings back what went, to its place, in one event with every block', async () => {
    const a = await addBlock(t.db, canvas);
    const b = await addBlock(t.db, canvas, { parent_id: a.id });
    const c = await addBlock(t.db, canvas, { parent_id: b.id });
    const [gone, last] = [await addBlock(t.db, canvas, { parent_id: b.id }), await addBlock(t.db, canvas)];
    await trash(gone);
    await trash(b);
    const { result, frame } = await restore(b);
    expect(result.ops).toMatchObject([
      {
        op: 'restore',
        block_id: b.id,
        blocks: [
          { id: b.id, parent_id: a.id, rank: b.rank, version: 3, content: b.content },
          { id: c.id, parent_id: b.id, rank: c.rank, version: 3 },
        ],
      },
    ]);
    expect(JSON.parse(frame)).toMatchObject({ event: 'blocks.mutated', payload: { ops: result.ops } });
    const { blocks } = await snapshot();
    expect(blocks.map(({ id }) => id).sort()).toEqual([a.id, b.id, c.id, last.id].sort());
    expect(await replayBlocks(t.db, canvas)).toEqual(blocks);
    expect((await list()).map(({ block_id }) => block_id)).toEqual([gone.id]);
  });

  test('what has lost its parent comes to the end of the top level', async () => {
    const a = await addBlock(t.db, canvas);
    const b = await addBlock(t.db, canvas, { parent_id: a.id });
    const c = await addBlock(t.db, canvas, { parent_id: b.id });
    await trash(b);
    await trash(a);
    const last = await addBlock(t.db, canvas);
    await restore(b);
    const { blocks } = await snapshot();
    expect(blocks.map(({ id, parent_id }) => [id, parent_id])).toEqual([
      [last.id, null],
      [b.id, null],
      [c.id, b.id],
    ]);
    await restore(a);
    expect((await snapshot()).blocks.map(({ id }) => id)).toEqual([a.id, last.id, b.id, c.id]);
    expect(await list()).toEqual([]);
  });

  test('a part of what went with another can be named; the rest stays in the trash', async () => {
    const a = await addBlock(t.db, canvas);
    const b = await addBlock(t.db, canvas, { parent_id: a.id });
    const c = await addBlock(t.db, canvas, { parent_id: b.id });
    const d = await addBlock(t.db, canvas, { parent_id: a.id });
    await trash(a);
    await restore(b);
    expect((await snapshot()).blocks.map(({ id }) => id)).toEqual([b.id, c.id]);
    await restore(a);
    const { blocks } = await snapshot();
    expect(blocks.map(({ id, parent_id }) => [id, parent_id])).toEqual([
      [a.id, null],
      [b.id, null],
      [d.id, a.id],
      [c.id, b.id],
    ]);
    expect(await replayBlocks(t.db, canvas)).toEqual(blocks);
  });

  test('in one batch with its deletion, and with edits of what came back', async () => {
    const a = await addBlock(t.db, canvas);
    const { rank } = await place(t.db, canvas, {});
    const { seq } = await mutate(t.db, canvas, [
      { op: 'delete', block_id: a.id, version: 1 },
      { op: 'restore', block_id: a.id, rank },
      edit({ id: a.id, version: 3 }),
    ]);
    expect(seq).toBe(2);
    const { blocks } = await snapshot();
    expect(blocks).toMatchObject([{ id: a.id, version: 4, content: { text: 'edited' } }]);
    expect(await replayBlocks(t.db, canvas)).toEqual(blocks);
  });

  test('what is not in the trash, or nowhere, is refused, and a batch with it', async () => {
    const a = await addBlock(t.db, canvas);
    const elsewhere = await seedBlock(t.db, await seedCanvas(t.db), { deleted_at: '2026-01-01T00:00:00Z' });
    expect(await refused(() => restore(a))).toMatchObject({ kind: 'conflict', code: 'block.not_in_trash' });
    for (const id of [randomUUID(), elsewhere.id])
      expect(await refused(() => restore({ id }))).toMatchObject({ kind: 'not_found', code: 'block.not_found' });
    const batch = [edit(a), { op: 'restore', block_id: randomUUID(), rank: 'zz' }];
    expect((await refused(() => mutate(t.db, canvas, batch))).meta).toMatchObject({ op_index: 1 });
  });

  test('where the end of the top level has moved meanwhile, the place is looked up again', async () => {
    const a = await addBlock(t.db, canvas);
    const b = await addBlock(t.db, canvas, { parent_id: a.id });
    await trash(b);
    await trash(a);
    const { rank } = await place(t.db, canvas, {});
    await addBlock(t.db, canvas);
    const stale = [{ op: 'restore', block_id: b.id, rank }];
    expect((await refused(() => mutate(t.db, canvas, stale))).code).toBe('block.gap_moved');
    await restore(b);
  });

  test('of more than 4 MiB is told by several events; in a batch with others it is refused', async () => {
    const a = await addBlock(t.db, canvas);
    const b = await addBlock(t.db, canvas, { parent_id: a.id });
    await addBlock(t.db, canvas, { parent_id: b.id });
    await t.asOwner(
      `insert into app.blocks (workspace_id, canvas_id, id, parent_id, type, content, rank, created_by, updated_by)
       select $1, $2, gen_random_uuid(), $3, 'x', jsonb_build_object('n', repeat('x', 60000)), 'b' || lpad(i::text, 8, '0'), $4, $4
       from generate_series(1, 150) i`,
      [canvas.workspace_id, canvas.canvas_id, a.id, canvas.user_id],
    );
    await trash(a);
    const { rank } = await place(t.db, canvas, {});
    const op = { op: 'restore', block_id: a.id, rank };
    const two = [op, { op: 'create', block_id: randomUUID(), type: 'x', content: {}, rank }];
    expect((await refused(() => mutate(t.db, canvas, two))).code).toBe('block.subtree_too_large');
    const id = randomUUID();
    const { seq, result } = await mutate(t.db, canvas, [op], id);
    expect(seq).toBeGreaterThan(6);
    expect((await mutate(t.db, canvas, [op], id)).result).toEqual(result);
    const { blocks, seq: head } = await snapshot();
    expect([blocks.length, head]).toEqual([153, seq]);
    expect(await replayBlocks(t.db, canvas)).toEqual(blocks);
    const { items } = await getBlockHistory(t.db, { ...canvas, block_id: a.id, before_version: null, limit: 1 });
    expect(items).toMatchObject([{ op: 'restore', version: 3, seq: 5, block: { id: a.id } }]);
  });

  test.each(['viewer', 'commenter'] as const)('is not for a %s, nor is the list', async (role) => {
    const a = await addBlock(t.db, canvas);
    await trash(a);
    const person = await addCanvasAccess(t.db, canvas, role);
    expect((await refused(() => restore(a, { ...canvas, ...person }))).code).toBe('canvas.forbidden');
    expect((await refusal(list(person))).code).toBe('canvas.forbidden');
    expect((await refusal(list(await seedUser(t.db)))).code).toBe('canvas.not_found');
  });
});

describe('the list', () => {
  test('holds what was deleted by name, last first, page by page', async () => {
    const roots: BlockRow[] = [];
    for (let n = 0; n < 5; n++) {
      const root = await addBlock(t.db, canvas);
      for (let below = 0; below < n; below++) await addBlock(t.db, canvas, { parent_id: root.id });
      roots.unshift(root);
    }
    const editor = await addCanvasAccess(t.db, canvas, 'editor');
    for (const { id } of roots.toReversed())
      await mutate(t.db, { ...canvas, ...editor }, [{ op: 'delete', block_id: id, version: 1 }]);
    const all = await list();
    expect(all.map(({ block_id, below }) => [block_id, below])).toEqual(roots.map(({ id }, n) => [id, 4 - n]));
    expect(all[0]).toMatchObject({ type: 'text', preview: 'hello', version: 2, deleted_by: editor.user_id });
    const days = (Date.parse(all[0]!.purge_at) - Date.parse(all[0]!.deleted_at)) / 86_400_000;
    expect(days).toBeCloseTo(30);
    const paged = await list(canvas, 2);
    const next = { cursor_deleted_at: paged[1]!.deleted_at, cursor_id: paged[1]!.block_id, limit: 10 };
    expect([...paged, ...(await listTrash(t.db, { ...canvas, ...next }))]).toEqual(all);
  });
});

describe('the purge', () => {
  const age = (days: number) =>
    t.asOwner(
      `update app.blocks set deleted_at = deleted_at - make_interval(days => $2::int)
      where canvas_id = $1 and deleted_at is not null`,
      [canvas.canvas_id, days],
    );
  const purgeAll = async (limit = 100): Promise<number> => {
    for (let sum = 0; ;) {
      const done = await purgeTrash(t.job_db, { limit, request_id: 'r' });
      if (!done || done.purged + done.erased === 0) return sum;
      sum += done.canvas_id === canvas.canvas_id ? done.purged : 0;
    }
  };
  const rows = async (): Promise<string[]> =>
    (await t.asOwner<{ id: string }>('select id from app.blocks where canvas_id = $1', [canvas.canvas_id])).map(
      ({ id }) => id,
    );

  // What other tests left is due as well, and older: it would be taken first.
  beforeEach(() => purgeAll());

  test('deletes for good what has been in the trash for 30 days, with its history, audited once', async () => {
    const [a, stays] = [await addBlock(t.db, canvas), await addBlock(t.db, canvas)];
    const b = await addBlock(t.db, canvas, { parent_id: a.id });
    await addBlock(t.db, canvas, { parent_id: b.id });
    await trash(b);
    await trash(a);
    await age(31);
    const young = await addBlock(t.db, canvas);
    await trash(young);
    expect(await purgeAll()).toBe(3);
    expect((await rows()).sort()).toEqual([stays.id, young.id].sort());
    expect(await purgeAll()).toBe(0);
    expect(
      await t.asOwner(`select actor_type, before from app.audit_logs where canvas_id = $1 and action = 'block.purge'`, [
        canvas.canvas_id,
      ]),
    ).toEqual([{ actor_type: 'system', before: { blocks: 3 } }]);
    const history = getBlockHistory(t.db, { ...canvas, block_id: a.id, before_version: null, limit: 10 });
    expect((await refusal(history)).code).toBe('block.not_found');
    expect(findFaults((await snapshot()).blocks)).toEqual([]);
  });

  test('a day too early deletes nothing', async () => {
    await trash(await addBlock(t.db, canvas));
    await age(29);
    expect(await purgeAll()).toBe(0);
  });

  test('in small batches, from the leaves up; a live block that should stand below is never taken', async () => {
    const a = await addBlock(t.db, canvas);
    const b = await addBlock(t.db, canvas, { parent_id: a.id });
    for (let n = 0; n < 7; n++) await addBlock(t.db, canvas, { parent_id: b.id });
    const c = await addBlock(t.db, canvas, { parent_id: a.id });
    await trash(a);
    await age(40);
    // What must not be: damage from outside.
    await t.asOwner('update app.blocks set deleted_at = null, trashed_with = null where canvas_id = $1 and id = $2', [
      canvas.canvas_id,
      c.id,
    ]);
    const done = await purgeTrash(t.job_db, { limit: 3, request_id: 'r' });
    expect(done).toEqual({ canvas_id: canvas.canvas_id, purged: 3, erased: 3 });
    for (let n = 0; n < 5; n++) await purgeTrash(t.job_db, { limit: 3, request_id: 'r' });
    expect((await rows()).sort()).toEqual([a.id, c.id].sort());
    await t.asOwner('delete from app.blocks where canvas_id = $1', [canvas.canvas_id]);
  });

  test('twice at once purges each block once, and passes over a canvas that is being written', async () => {
    for (let n = 0; n < 20; n++) await trash(await addBlock(t.db, canvas));
    await age(31);
    await withContext(t.db, { ...canvas, needed_role: 'editor' }, async (tx) => {
      await lockCanvas(tx, canvas);
      expect(await purgeTrash(t.job_db, { limit: 3, request_id: 'r' })).toBeNull();
    });
    const sums = await Promise.all([purgeAll(3), purgeAll(3), purgeAll(3)]);
    const left = await purgeAll(3);
    expect(sums.reduce((sum, n) => sum + n, left)).toBe(20);
    expect(await rows()).toEqual([]);
  });
});
