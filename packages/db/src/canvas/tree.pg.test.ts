import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addBlock, mutate } from '../testing/blocks.ts';
import { edit, readSnapshot, refusalWithoutTrace } from '../testing/canvas-kit.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { seedBlock, seedCanvas, type SeededCanvas } from '../testing/seed.ts';

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

describe('the tree', () => {
  const create = (where: object) => ({
    op: 'create',
    block_id: randomUUID(),
    type: 'text',
    content: {},
    rank: 'V',
    ...where,
  });

  test('a parent that is unknown, in the trash, or on another canvas is not found', async () => {
    const trashed = await addBlock(t.db, canvas);
    await mutate(t.db, canvas, [{ op: 'delete', block_id: trashed.id, version: 1 }]);
    const elsewhere = await seedBlock(
      t.db,
      await seedCanvas(t.db, { workspace_id: canvas.workspace_id, owner_user_id: canvas.user_id }),
    );
    const a = await addBlock(t.db, canvas);
    for (const parent_id of [randomUUID(), trashed.id, elsewhere.id]) {
      for (const op of [create({ parent_id }), { op: 'move', block_id: a.id, version: 1, parent_id, rank: 'V' }]) {
        const error = await refused(() =>
          mutate(t.db, canvas, [edit(a), op.op === 'move' ? { ...op, version: 2 } : op]),
        );
        expect(error).toMatchObject({
          kind: 'invalid',
          code: 'block.parent_not_found',
          meta: { op_index: 1, pointer: '/ops/1/parent_id' },
        });
      }
    }
  });

  test('no block comes to stand in itself or below itself', async () => {
    const a = await addBlock(t.db, canvas);
    const b = await addBlock(t.db, canvas, { parent_id: a.id });
    const c = await addBlock(t.db, canvas, { parent_id: b.id });
    for (const parent_id of [a.id, b.id, c.id]) {
      const error = await refused(() =>
        mutate(t.db, canvas, [{ op: 'move', block_id: a.id, version: 1, parent_id, rank: 'zzV' }]),
      );
      expect(error).toMatchObject({ kind: 'invalid', code: 'block.cycle', meta: { op_index: 0 } });
    }
  });

  test('two moves that together would make a circle: one is refused', async () => {
    const [a, b] = [await addBlock(t.db, canvas), await addBlock(t.db, canvas)];
    const both = await Promise.allSettled([
      mutate(t.db, canvas, [{ op: 'move', block_id: a.id, version: 1, parent_id: b.id, rank: 'V' }]),
      mutate(t.db, canvas, [{ op: 'move', block_id: b.id, version: 1, parent_id: a.id, rank: 'V' }]),
    ]);
    expect(both.map((one) => one.status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });

  test('64 levels and no more, also when a subtree is moved below', async () => {
    const ids = Array.from({ length: 65 }, () => randomUUID());
    const chain = ids.map((block_id, i) => create({ block_id, parent_id: ids[i - 1] ?? null }));
    expect(await refused(() => mutate(t.db, canvas, chain))).toMatchObject({
      code: 'block.too_deep',
      meta: { op_index: 64 },
    });
    await mutate(t.db, canvas, chain.slice(0, 64));
    const [top, below] = [randomUUID(), randomUUID()];
    await mutate(t.db, canvas, [create({ block_id: top, rank: 'W' }), create({ block_id: below, parent_id: top })]);
    const move = (parent_id: string | undefined) =>
      mutate(t.db, canvas, [{ op: 'move', block_id: top, version: 1, parent_id, rank: 'X' }]);
    expect((await refused(() => move(ids[62]))).code).toBe('block.too_deep');
    await move(ids[61]);
  });

  test('deleting takes the whole subtree to the trash; what is there is not found, and its id stays taken', async () => {
    const a = await addBlock(t.db, canvas);
    const b = await addBlock(t.db, canvas, { parent_id: a.id });
    const c = await addBlock(t.db, canvas, { parent_id: b.id });
    const other = await addBlock(t.db, canvas);
    const { result } = await mutate(t.db, canvas, [{ op: 'delete', block_id: a.id, version: 1 }]);
    const [deleted] = result.ops;
    expect(deleted).toMatchObject({ op: 'delete', block_id: a.id });
    expect(deleted?.op === 'delete' ? deleted.block_ids.toSorted() : []).toEqual([a.id, b.id, c.id].toSorted());
    expect((await snapshot()).blocks.map((block) => block.id)).toEqual([other.id]);
    for (const op of [edit({ ...b, version: 2 }), { op: 'delete', block_id: c.id, version: 2 }]) {
      expect(await refused(() => mutate(t.db, canvas, [op]))).toMatchObject({
        kind: 'not_found',
        code: 'block.not_found',
      });
    }
    const again = await refused(() => mutate(t.db, canvas, [create({ block_id: a.id, rank: 'zzz' })]));
    expect(again).toMatchObject({ kind: 'conflict', code: 'block.already_exists', meta: { op_index: 0 } });
    const at_once = await refused(() =>
      mutate(t.db, canvas, [
        { op: 'delete', block_id: other.id, version: 1 },
        create({ block_id: other.id, rank: 'zzz' }),
      ]),
    );
    expect(at_once).toMatchObject({ code: 'block.already_exists', meta: { op_index: 1 } });
  });

  test('an id that exists on another canvas is as good as new', async () => {
    const elsewhere = await seedBlock(t.db, await seedCanvas(t.db));
    const { result } = await mutate(t.db, canvas, [create({ block_id: elsewhere.id })]);
    expect(result.ops).toHaveLength(1);
  });
});
