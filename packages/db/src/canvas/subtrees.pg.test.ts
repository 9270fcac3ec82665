import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addBlock, mutate, place } from '../testing/blocks.ts';
import { edit, findFaults, readSnapshot, refusalWithoutTrace, replayBlocks } from '../testing/canvas-kit.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { addCanvasAccess, seedBlock, seedCanvas, type SeededCanvas } from '../testing/seed.ts';
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
const copy = async (
  block: { id: string },
  where: Parameters<typeof place>[2] = {},
  copy_id: string = randomUUID(),
) => ({
  op: 'copy',
  block_id: block.id,
  copy_id,
  ...(await place(t.db, canvas, where)),
});

/** Blocks below a parent, in one statement and without events; with the statistics that a table of that size has. */
async function seedMany(count: number, parent_id: string): Promise<void> {
  await t.asOwner(
    `insert into app.blocks (workspace_id, canvas_id, id, parent_id, type, content, rank, created_by, updated_by)
     select $1, $2, gen_random_uuid(), $3, 'text', '{"text": "one of many"}', 'a' || lpad(i::text, 8, '0'), $4, $4
     from generate_series(1, $5::int) i`,
    [canvas.workspace_id, canvas.canvas_id, parent_id, canvas.user_id, count],
  );
  await t.asOwner('analyze app.blocks');
}

describe('a copy', () => {
  test('has the whole live subtree under fresh ids, in its order, and is one event', async () => {
    const a = await addBlock(t.db, canvas);
    const [b, c] = [
      await addBlock(t.db, canvas, { parent_id: a.id }),
      await addBlock(t.db, canvas, { parent_id: a.id }),
    ];
    const d = await addBlock(t.db, canvas, { parent_id: c.id });
    const trashed = await addBlock(t.db, canvas, { parent_id: a.id });
    await mutate(t.db, canvas, [{ op: 'delete', block_id: trashed.id, version: 1 }, edit(b, 'b'), edit(d, 'd')]);
    const copy_id = randomUUID();
    const { result, frame, seq } = await mutate(t.db, canvas, [await copy(a, { after_id: null }, copy_id)]);
    const [op] = result.ops;
    if (op?.op !== 'copy') throw new Error('no copy');
    expect(op.block_id).toBe(copy_id);
    expect(op.blocks.map(({ content, version }) => [content['text'], version])).toEqual([
      ['hello', 1],
      ['b', 1],
      ['hello', 1],
      ['d', 1],
    ]);
    const [a2, b2, c2, d2] = op.blocks as [BlockRow, BlockRow, BlockRow, BlockRow];
    expect([a2.id, a2.parent_id, b2.parent_id, c2.parent_id, d2.parent_id]).toEqual([
      copy_id,
      null,
      copy_id,
      copy_id,
      c2.id,
    ]);
    expect([b2.rank, c2.rank]).toEqual([b.rank, c.rank]);
    expect(new Set([a, b, c, d, ...op.blocks].map(({ id }) => id)).size).toBe(8);
    expect(JSON.parse(frame)).toMatchObject({ seq, payload: { ops: result.ops } });
    const { blocks } = await snapshot();
    expect(blocks.filter(({ parent_id }) => parent_id === null).map(({ id }) => id)).toEqual([copy_id, a.id]);
    expect(findFaults(blocks)).toEqual([]);
    expect(await replayBlocks(t.db, canvas)).toEqual(blocks);
  });

  test('inside what is copied ends', async () => {
    const a = await addBlock(t.db, canvas);
    const b = await addBlock(t.db, canvas, { parent_id: a.id });
    await mutate(t.db, canvas, [await copy(a, { parent_id: b.id })]);
    const { blocks } = await snapshot();
    expect(blocks).toHaveLength(4);
    expect(findFaults(blocks)).toEqual([]);
  });

  test('in a batch with others is all or nothing with them', async () => {
    const a = await addBlock(t.db, canvas);
    const ops = [await copy(a), edit(a), { op: 'delete', block_id: a.id, version: 7 }];
    expect(await refused(() => mutate(t.db, canvas, ops))).toMatchObject({
      code: 'block.version_conflict',
      meta: { op_index: 2 },
    });
    const { seq, result } = await mutate(t.db, canvas, ops.slice(0, 2));
    expect([seq, result.ops.length]).toEqual([2, 2]);
  });

  test('sent again is answered the same, and made once', async () => {
    const a = await addBlock(t.db, canvas);
    const [ops, id] = [[await copy(a)], randomUUID()];
    const answers = await Promise.all([1, 2, 3].map(() => mutate(t.db, canvas, ops, id)));
    for (const { result } of answers) expect(result).toEqual(answers[0]!.result);
    expect((await snapshot()).blocks).toHaveLength(2);
  });

  test('of what is not there, in the trash or on another canvas is not found', async () => {
    const trashed = await addBlock(t.db, canvas);
    await mutate(t.db, canvas, [{ op: 'delete', block_id: trashed.id, version: 1 }]);
    for (const block of [trashed, { id: randomUUID() }, await seedBlock(t.db, await seedCanvas(t.db))]) {
      const op = await copy(block);
      const error = await refused(() => mutate(t.db, canvas, [op]));
      expect(error).toMatchObject({ kind: 'not_found', code: 'block.not_found', meta: { op_index: 0 } });
    }
  });

  test('under an id that is taken, or in a place that is none, is refused', async () => {
    const [a, b] = [await addBlock(t.db, canvas), await addBlock(t.db, canvas)];
    const good = await copy(a);
    const first = await copy(a, { after_id: null }, b.id);
    expect((await refused(() => mutate(t.db, canvas, [first]))).code).toBe('block.already_exists');
    expect((await refused(() => mutate(t.db, canvas, [{ ...good, rank: a.rank }]))).code).toBe('block.gap_moved');
    const nowhere = { ...good, parent_id: randomUUID(), after_id: null, before_id: null };
    expect((await refused(() => mutate(t.db, canvas, [nowhere]))).code).toBe('block.parent_not_found');
  });

  test('that would stand too deep is refused', async () => {
    let parent_id: string | null = null;
    const ids: string[] = [];
    for (let level = 0; level < 40; level++) ids.push((parent_id = (await addBlock(t.db, canvas, { parent_id })).id));
    const top = { id: ids[0]! };
    const too_deep = await copy(top, { parent_id: ids[24]! });
    expect((await refused(() => mutate(t.db, canvas, [too_deep]))).code).toBe('block.too_deep');
    await mutate(t.db, canvas, [await copy(top, { parent_id: ids[23]! })]);
  });

  test('of more than 5,000 blocks, or of more than 4 MiB in one batch, is refused', async () => {
    const a = await addBlock(t.db, canvas);
    await seedMany(4_999, a.id);
    const ops = [await copy(a)];
    await mutate(t.db, canvas, ops);
    await seedBlock(t.db, canvas, { parent_id: a.id, rank: 'zz' });
    const again = [await copy(a)];
    expect((await refused(() => mutate(t.db, canvas, again))).code).toBe('block.subtree_too_large');
    const b = await addBlock(t.db, canvas);
    await seedMany(4_000, b.id);
    const { rank } = await place(t.db, canvas, {});
    const many = Array.from({ length: 5 }, (_, n) => ({
      op: 'copy',
      block_id: b.id,
      copy_id: randomUUID(),
      rank: `${rank}${n}V`,
    }));
    expect((await refused(() => mutate(t.db, canvas, many))).code).toBe('canvas.mutation_too_large');
  });

  test.each(['viewer', 'commenter'] as const)('is not for a %s', async (role) => {
    const a = await addBlock(t.db, canvas);
    const op = await copy(a);
    const person = await addCanvasAccess(t.db, canvas, role);
    expect((await refused(() => mutate(t.db, { ...canvas, ...person }, [op]))).code).toBe('canvas.forbidden');
  });
});

test('deleting 20,000 blocks at once works: the event names the first, and who drops what stands below is right', async () => {
  const a = await addBlock(t.db, canvas);
  const b = await addBlock(t.db, canvas);
  const inner = await addBlock(t.db, canvas, { parent_id: a.id });
  await seedMany(20_000, inner.id);
  const { result, frame } = await mutate(t.db, canvas, [{ op: 'delete', block_id: a.id, version: 1 }]);
  expect(result.ops).toEqual([{ op: 'delete', block_id: a.id, block_ids: [a.id] }]);
  expect(frame.length).toBeLessThan(2_000);
  const { blocks } = await snapshot();
  expect(blocks.map(({ id }) => id)).toEqual([b.id]);
  expect(await replayBlocks(t.db, canvas)).toEqual(blocks);
});
