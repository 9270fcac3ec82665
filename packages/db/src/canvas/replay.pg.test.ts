import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findFaults, readSnapshot, replayBlocks } from '../testing/canvas-kit.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { kinds, play, step } from '../testing/play.ts';
import { addMember, seedCanvas, seedWorkspace, type SeededCanvas } from '../testing/seed.ts';
import { getBlockHistory } from './history-queries.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

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
            if (await play(t.db, user_id, canvases, one)) accepted.set(one.what, (accepted.get(one.what) ?? 0) + 1);
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
