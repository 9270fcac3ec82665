import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addBlock, mutate, place } from '../testing/blocks.ts';
import { edit, readSnapshot, refusal, refusalWithoutTrace, replayBlocks } from '../testing/canvas-kit.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { addCanvasAccess, seedBlock, seedCanvas, seedUser, type SeededCanvas } from '../testing/seed.ts';
import { getBlockHistory } from './history-queries.ts';
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

const refused = (work: () => Promise<unknown>) => refusalWithoutTrace(t, [canvas], work);
const history = (block: { id: string }, how: { user_id?: string; before_version?: number; limit?: number } = {}) =>
  getBlockHistory(t.db, { ...canvas, block_id: block.id, before_version: null, limit: 50, ...how });
const revert = async (block: { id: string; version: number }, to_version: number, scope = canvas) => {
  const { rank } = await place(t.db, canvas, {});
  return mutate(t.db, scope, [{ op: 'revert', block_id: block.id, version: block.version, to_version, rank }]);
};
const one = async (): Promise<BlockRow> => (await readSnapshot(t.db, canvas)).blocks[0]!;

describe('the history of a block', () => {
  test('tells who did what when, newest first, with the block as each version left it', async () => {
    const a = await addBlock(t.db, canvas);
    const editor = await addCanvasAccess(t.db, canvas, 'editor');
    await mutate(t.db, { ...canvas, ...editor }, [
      edit(a, 'two'),
      { op: 'move', block_id: a.id, version: 2, parent_id: null, after_id: null, before_id: null, rank: 'k' },
      edit({ id: a.id, version: 3 }, 'four'),
    ]);
    await mutate(t.db, canvas, [{ op: 'delete', block_id: a.id, version: 4 }]);
    await mutate(t.db, canvas, [{ op: 'restore', block_id: a.id, rank: 'k' }]);
    const { items, next } = await history(a);
    expect(next).toBeNull();
    expect(items.map(({ version, op, seq, user_id }) => [version, op, seq, user_id])).toEqual([
      [6, 'restore', 4, canvas.user_id],
      [5, 'delete', 3, canvas.user_id],
      [4, 'edit', 2, editor.user_id],
      [3, 'move', 2, editor.user_id],
      [2, 'edit', 2, editor.user_id],
      [1, 'create', 1, canvas.user_id],
    ]);
    expect(items.map(({ block }) => block && ('content' in block ? block.content['text'] : block.rank))).toEqual([
      'four',
      null,
      'four',
      'k',
      'two',
      'hello',
    ]);
  });

  test('comes page by page, shorter where the events are large', async () => {
    const a = await addBlock(t.db, canvas);
    for (let version = 1; version < 8; version++) await mutate(t.db, canvas, [edit({ id: a.id, version })]);
    const first = await history(a, { limit: 5 });
    expect([first.items.map(({ version }) => version), first.next]).toEqual([[8, 7, 6, 5, 4], 4]);
    const rest = await history(a, { limit: 5, before_version: 4 });
    expect([rest.items.map(({ version }) => version), rest.next]).toEqual([[3, 2, 1], null]);
    const fill = Array.from({ length: 45 }, () => randomUUID());
    for (let n = 0; n < 4; n++) {
      const large = fill.map((block_id, i) =>
        n === 0
          ? {
              op: 'create',
              block_id,
              type: 'x',
              content: { x: 'x'.repeat(60_000) },
              rank: `c${String(i).padStart(9, '0')}V`,
            }
          : { op: 'edit', block_id, version: n, content: { x: 'x'.repeat(60_000) } },
      );
      await mutate(t.db, canvas, [edit({ id: a.id, version: 8 + n }), ...large]);
    }
    const short = await history(a);
    expect([short.items.map(({ version }) => version), short.next]).toEqual([[12, 11, 10, 9], 9]);
    expect((await history(a, { before_version: short.next! })).items).toHaveLength(8);
  });

  test('is for editors; of what is not there, there is none', async () => {
    const a = await addBlock(t.db, canvas);
    const elsewhere = await seedBlock(t.db, await seedCanvas(t.db));
    for (const id of [randomUUID(), elsewhere.id])
      expect((await refusal(history({ id }))).code).toBe('block.not_found');
    const viewer = await addCanvasAccess(t.db, canvas, 'viewer');
    expect((await refusal(history(a, viewer))).code).toBe('canvas.forbidden');
    expect((await refusal(history(a, await seedUser(t.db)))).code).toBe('canvas.not_found');
    expect((await history(a, await addCanvasAccess(t.db, canvas, 'editor'))).items).toHaveLength(1);
  });

  test('of a copy begins with its copying', async () => {
    const a = await addBlock(t.db, canvas);
    const b = await addBlock(t.db, canvas, { parent_id: a.id });
    const { result } = await mutate(t.db, canvas, [
      { op: 'copy', block_id: a.id, copy_id: randomUUID(), ...(await place(t.db, canvas, {})) },
    ]);
    const [op] = result.ops;
    if (op?.op !== 'copy') throw new Error('no copy');
    expect((await history(op.blocks[1]!)).items).toMatchObject([
      { op: 'copy', version: 1, block: { content: b.content } },
    ]);
  });
});

describe('an earlier version', () => {
  test('becomes new: its type and content, in the place where the block is now', async () => {
    const a = await addBlock(t.db, canvas);
    await mutate(t.db, canvas, [{ ...edit(a, 'two'), type: 'heading' }]);
    await mutate(t.db, canvas, [{ op: 'move', block_id: a.id, version: 2, parent_id: null, rank: 'zV' }]);
    const { result } = await revert({ id: a.id, version: 3 }, 1);
    expect(result.ops).toMatchObject([
      { op: 'edit', block: { id: a.id, version: 4, type: 'text', content: { text: 'hello' }, rank: 'zV' } },
    ]);
    // A move has the content that stood before it.
    await revert({ id: a.id, version: 4 }, 3);
    expect(await one()).toMatchObject({ version: 5, type: 'heading', content: { text: 'two' } });
    expect((await history(a)).items.map(({ op }) => op)).toEqual(['edit', 'edit', 'move', 'edit', 'create']);
    expect(await replayBlocks(t.db, canvas)).toEqual([await one()]);
  });

  test('of a block in the trash brings it back, with what went with it', async () => {
    const a = await addBlock(t.db, canvas);
    const b = await addBlock(t.db, canvas, { parent_id: a.id });
    await mutate(t.db, canvas, [edit(a, 'two')]);
    await mutate(t.db, canvas, [{ op: 'delete', block_id: a.id, version: 2 }]);
    const { result } = await revert({ id: a.id, version: 3 }, 1);
    expect(result.ops).toMatchObject([
      { op: 'restore', block_id: a.id, blocks: [{ id: a.id, version: 4, content: { text: 'hello' } }, { id: b.id }] },
    ]);
    const { blocks } = await readSnapshot(t.db, canvas);
    expect(await replayBlocks(t.db, canvas)).toEqual(blocks);
    expect((await history(a)).items[0]).toMatchObject({ op: 'restore', block: { content: { text: 'hello' } } });
  });

  test('only on the version that one knows, in the trash too; the conflict shows the block as it stands', async () => {
    const a = await addBlock(t.db, canvas);
    await mutate(t.db, canvas, [edit(a, 'two')]);
    expect(await refused(() => revert(a, 1))).toMatchObject({
      kind: 'conflict',
      code: 'block.version_conflict',
      meta: { current: { id: a.id, version: 2, content: { text: 'two' } } },
    });
    await mutate(t.db, canvas, [{ op: 'delete', block_id: a.id, version: 2 }]);
    expect((await refused(() => revert({ id: a.id, version: 2 }, 1))).code).toBe('block.version_conflict');
  });

  test('that never was, or of no block, is not found', async () => {
    const a = await addBlock(t.db, canvas);
    expect((await refused(() => revert(a, 2))).code).toBe('block.version_not_found');
    expect((await refused(() => revert({ id: randomUUID(), version: 1 }, 1))).code).toBe('block.not_found');
  });

  test.each(['viewer', 'commenter'] as const)('is not for a %s', async (role) => {
    const a = await addBlock(t.db, canvas);
    const person = await addCanvasAccess(t.db, canvas, role);
    expect((await refused(() => revert(a, 1, { ...canvas, ...person }))).code).toBe('canvas.forbidden');
  });
});
