import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type DbError } from '../errors.ts';
import { addBlock, mutate, place, rankBetween } from '../testing/blocks.ts';
import { readSnapshot, refusal, refusalWithoutTrace } from '../testing/canvas-kit.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { seedBlock, seedCanvas, type SeededCanvas } from '../testing/seed.ts';
import { getBlockGaps } from './queries.ts';

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

describe('a place', () => {
  test('two who insert in the same gap: the second is told to look again, and then finds its place', async () => {
    const [a, b] = [await addBlock(t.db, canvas), await addBlock(t.db, canvas)];
    const gap = await place(t.db, canvas, { after_id: a.id });
    const insert = (where: object) =>
      mutate(t.db, canvas, [{ op: 'create', block_id: randomUUID(), type: 'text', content: {}, ...where }]);
    const both = await Promise.allSettled([insert(gap), insert(gap)]);
    expect(both.map((one) => one.status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const reason = both.find((one) => one.status === 'rejected')?.reason as DbError;
    expect(reason).toMatchObject({ kind: 'conflict', code: 'block.gap_moved', meta: { op_index: 0 } });
    await insert(await place(t.db, canvas, { after_id: a.id }));
    const { blocks } = await snapshot();
    expect([blocks[0]?.id, blocks[3]?.id]).toEqual([a.id, b.id]);
  });

  test('appending twice from the same view: also the second finds the end', async () => {
    const end = await place(t.db, canvas, {});
    const append = (rank: string) =>
      mutate(t.db, canvas, [{ op: 'create', block_id: randomUUID(), type: 'text', content: {}, rank }]);
    await append(end.rank);
    expect((await refused(() => append(end.rank))).code).toBe('block.gap_moved');
    await append((await place(t.db, canvas, {})).rank);
    expect((await snapshot()).blocks).toHaveLength(2);
  });

  test('without expected neighbours the ranks alone decide whether the place still stands', async () => {
    const [a, b] = [await addBlock(t.db, canvas), await addBlock(t.db, canvas)];
    const insert = (where: object) =>
      mutate(t.db, canvas, [{ op: 'create', block_id: randomUUID(), type: 'text', content: {}, ...where }]);
    const low = rankBetween(a.rank, b.rank);
    await insert({ after_id: a.id, rank: low });
    await insert({ after_id: a.id, rank: rankBetween(a.rank, low) });
    for (const rank of [low, rankBetween(low, b.rank), b.rank, a.rank, 'zzz']) {
      expect((await refused(() => insert({ after_id: a.id, rank }))).code).toBe('block.gap_moved');
    }
    expect((await refused(() => insert({ after_id: null, rank: rankBetween(low, b.rank) }))).code).toBe(
      'block.gap_moved',
    );
  });

  test('blocks in the trash keep theirs, and count as neighbours', async () => {
    const [a, b, c] = [await addBlock(t.db, canvas), await addBlock(t.db, canvas), await addBlock(t.db, canvas)];
    await mutate(t.db, canvas, [{ op: 'delete', block_id: b.id, version: 1 }]);
    const [gap, behind_trash] = await getBlockGaps(t.db, {
      ...canvas,
      gaps: [
        { parent_id: null, after_id: a.id },
        { parent_id: null, after_id: b.id },
      ],
    });
    expect(gap).toEqual({ after_id: a.id, after_rank: a.rank, before_id: b.id, before_rank: b.rank });
    expect(behind_trash).toMatchObject({ after_id: b.id, before_id: c.id });
    const d = await addBlock(t.db, canvas, { after_id: a.id });
    const e = await addBlock(t.db, canvas, { after_id: b.id });
    expect((await snapshot()).blocks.map((block) => block.id)).toEqual([a.id, d.id, e.id, c.id]);
  });

  test('a block on the move is not its own neighbour', async () => {
    const [a, b] = [await addBlock(t.db, canvas), await addBlock(t.db, canvas)];
    const still = await place(t.db, canvas, { after_id: a.id });
    const move = (op: object) => mutate(t.db, canvas, [{ op: 'move', block_id: b.id, ...op }]);
    await move({ version: 1, after_id: a.id, rank: still.rank });
    await move({ version: 2, rank: rankBetween(still.rank, null) });
    await move({ version: 3, after_id: null, rank: rankBetween(null, a.rank) });
    expect((await snapshot()).blocks.map((block) => block.id)).toEqual([b.id, a.id]);
    expect((await refused(() => move({ version: 4, after_id: b.id, rank: 'zz' }))).code).toBe('block.gap_moved');
  });

  test('after a block that is not there, or under another parent, there is no gap', async () => {
    const a = await addBlock(t.db, canvas);
    const child = await addBlock(t.db, canvas, { parent_id: a.id });
    const elsewhere = await seedBlock(t.db, await seedCanvas(t.db));
    const gaps = [randomUUID(), child.id, elsewhere.id].map((after_id) => ({ parent_id: null, after_id }));
    expect(await getBlockGaps(t.db, { ...canvas, gaps })).toEqual([null, null, null]);
    const empty = { after_id: null, after_rank: null, before_id: null, before_rank: null };
    expect(await getBlockGaps(t.db, { ...canvas, gaps: [{ parent_id: randomUUID() }] })).toEqual([empty]);
    const error = await refusal(getBlockGaps(t.db, { ...canvas, gaps: [{ parent_id: null }, { parent_id: 'x' }] }));
    expect(error).toMatchObject({ kind: 'invalid', meta: { op_index: 1 } });
  });

  test('the unique constraint is the last wall, and speaks the same language', async () => {
    const a = await addBlock(t.db, canvas);
    const error = await refusal(seedBlock(t.db, canvas, { rank: a.rank }));
    expect(error).toMatchObject({ kind: 'conflict', code: 'block.gap_moved', meta: {} });
  });
});
