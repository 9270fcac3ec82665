import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DbError } from '../errors.ts';
import { mutate, place } from '../testing/blocks.ts';
import { edit, findFaults, readSnapshot, replayBlocks } from '../testing/canvas-kit.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { addMember, seedCanvas, seedWorkspace, type SeededCanvas } from '../testing/seed.ts';
import { getBlockHistory, listTrash } from './history-queries.ts';
import type { BlockRow } from './rows.ts';
import { transferBlock } from './transfer-queries.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

const kinds = [
  'create',
  'create',
  'edit',
  'move',
  'copy',
  'delete',
  'restore',
  'revert',
  'copy_to',
  'move_to',
] as const;
const step = fc.record({
  who: fc.nat(2),
  on: fc.nat(1),
  what: fc.constantFrom(...kinds),
  which: fc.nat(),
  where: fc.nat(),
  under: fc.nat(),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
const pick = <T>(list: readonly T[], n: number): T | undefined => list[n % Math.max(list.length, 1)];

/** One thing that one person does, on what they see of the two canvases when they begin. */
async function act(user_id: string, [here, there]: [SeededCanvas, SeededCanvas], one: Step): Promise<void> {
  const scope = { ...here, user_id };
  const { blocks } = await readSnapshot(t.db, scope);
  const target = pick(blocks, one.which);
  const at = async (canvas: SeededCanvas, siblings_of: BlockRow[]) => {
    const parent_id = one.under % 2 ? (pick(siblings_of, one.under)?.id ?? null) : null;
    const siblings = siblings_of.filter((block) => block.parent_id === parent_id);
    const after_id = siblings[one.where % (siblings.length + 1)]?.id ?? null;
    return place(t.db, { ...canvas, user_id }, one.where % 3 ? { parent_id, after_id } : { parent_id });
  };
  const end = async () => ({ rank: (await place(t.db, scope, {})).rank });
  const send = (op: object) => mutate(t.db, scope, [op]);
  if (one.what === 'create' || !target) {
    await send({ op: 'create', block_id: randomUUID(), type: 'text', content: {}, ...(await at(here, blocks)) });
  } else if (one.what === 'edit') await send(edit(target, String(one.which)));
  else if (one.what === 'delete') await send({ op: 'delete', block_id: target.id, version: target.version });
  else if (one.what === 'move')
    await send({ op: 'move', block_id: target.id, version: target.version, ...(await at(here, blocks)) });
  else if (one.what === 'copy')
    await send({ op: 'copy', block_id: target.id, copy_id: randomUUID(), ...(await at(here, blocks)) });
  else if (one.what === 'restore') {
    const trash = await listTrash(t.db, { ...scope, cursor_deleted_at: null, cursor_id: null, limit: 50 });
    const gone = pick(trash, one.which);
    if (gone) await send({ op: 'restore', block_id: gone.block_id, ...(await end()) });
  } else if (one.what === 'revert') {
    const page = { block_id: target.id, before_version: null, limit: 50 };
    const { items } = await getBlockHistory(t.db, { ...scope, ...page });
    const to_version = pick(items, one.where)?.version ?? 1;
    await send({ op: 'revert', block_id: target.id, version: target.version, to_version, ...(await end()) });
  } else {
    const others = (await readSnapshot(t.db, { ...there, user_id })).blocks;
    const op = { op: one.what.slice(0, 4), block_id: target.id, copy_id: randomUUID(), ...(await at(there, others)) };
    const ids = { user_id, from_canvas_id: here.canvas_id, to_canvas_id: there.canvas_id, mutation_id: randomUUID() };
    await transferBlock(t.db, { ...ids, request_hash: 'h', request_id: 'r', op });
  }
}

test('whatever three people do at once on two canvases, the events tell exactly how the blocks stand, and both are forests', async () => {
  const accepted = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 60 }), async (steps) => {
      const workspace = await seedWorkspace(t.db);
      const canvases: [SeededCanvas, SeededCanvas] = [
        await seedCanvas(t.db, workspace),
        await seedCanvas(t.db, workspace),
      ];
      const people = await Promise.all([0, 1, 2].map(() => addMember(t.db, workspace)));
      await Promise.all(
        people.map(async ({ user_id }, who) => {
          for (const one of steps.filter((each) => each.who === who)) {
            try {
              await act(user_id, one.on ? canvases : [canvases[1], canvases[0]], one);
              accepted.set(one.what, (accepted.get(one.what) ?? 0) + 1);
            } catch (error) {
              // Refusals are part of the game; `place` finds no gap where a neighbour has left.
              if (!(error instanceof DbError) && !(error as Error).message.includes('is not there')) throw error;
            }
          }
        }),
      );
      for (const canvas of canvases) {
        const { blocks } = await readSnapshot(t.db, canvas);
        expect(findFaults(blocks)).toEqual([]);
        expect(await replayBlocks(t.db, canvas)).toEqual(blocks);
        const orphans = await t.asOwner(
          `select b.id from app.blocks b join app.blocks p using (workspace_id, canvas_id)
           where b.canvas_id = $1 and p.id = b.parent_id and b.deleted_at is null and p.deleted_at is not null`,
          [canvas.canvas_id],
        );
        expect(orphans).toEqual([]);
        for (const { id, version } of blocks) {
          const { items } = await getBlockHistory(t.db, { ...canvas, block_id: id, before_version: null, limit: 200 });
          expect(items.length).toBeGreaterThan(0);
          expect(items[0]!.version).toBeLessThanOrEqual(version);
          for (const item of items) expect(item.block === null).toBe(item.op === 'delete');
        }
      }
    }),
    { numRuns: 40 },
  );
  for (const kind of kinds) expect(accepted.get(kind) ?? 0, kind).toBeGreaterThan(0);
}, 120_000);
