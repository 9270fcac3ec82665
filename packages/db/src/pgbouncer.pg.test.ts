import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getBlocksPage } from './canvas/queries.ts';
import { createDb, type Db } from './client.ts';
import { withContext } from './context.ts';
import { mutate } from './testing/blocks.ts';
import { createTestDatabase, type TestDatabase } from './testing/database.ts';
import { startPgBouncer, type TestPgBouncer } from './testing/pgbouncer.ts';
import { seedBlock, seedCanvas, type SeededCanvas } from './testing/seed.ts';

/* Transaction mode: whoever comes next gets the connection of whoever left, with all that was left on it. */

let t: TestDatabase;
let bouncer: TestPgBouncer | undefined;
let canvases: SeededCanvas[];
beforeAll(async () => {
  t = await createTestDatabase();
  bouncer = await startPgBouncer(t.app_url, 3);
  canvases = await Promise.all(Array.from({ length: 6 }, () => seedCanvas(t.db)));
  await Promise.all(canvases.flatMap((canvas) => [seedBlock(t.db, canvas), seedBlock(t.db, canvas)]));
});
afterAll(async () => {
  await bouncer?.[Symbol.asyncDispose]();
  await t.drop();
});

const pooled = (prepare: boolean): Db => {
  const url = bouncer!.url(t.app_url);
  return createDb({ url, pool_size: 8, timeout_ms: 10_000, prepare, application_name: 'test' });
};

test('mixed tenants at once over three connections: functions, transactions, failures, and no foreign row', async (ctx) => {
  if (!bouncer) return ctx.skip('pgbouncer is not installed');
  // Before 1.21 a prepared statement belongs to whichever server connection it happened on, so none may have a name.
  const db = pooled(bouncer.prepares);
  let reads = 0;
  const client = async (seed: number): Promise<void> => {
    for (let round = 0; round < 40; round++) {
      const canvas = canvases[(seed * 5 + round) % canvases.length]!;
      const own = (rows: { canvas_id: string }[]): void => {
        expect(rows.length).toBeGreaterThanOrEqual(2);
        for (const row of rows) expect(row.canvas_id).toBe(canvas.canvas_id);
        reads++;
      };
      switch ((seed + round) % 5) {
        case 0: {
          const page = JSON.parse(await getBlocksPage(db, { ...canvas, limit: 50 })) as {
            items: { canvas_id: string }[];
          };
          own(page.items);
          break;
        }
        case 1:
          own(await withContext(db, canvas, (tx) => tx.call('select canvas_id from app.blocks')));
          break;
        case 2:
          await mutate(db, canvas, [
            { op: 'create', block_id: randomUUID(), type: 'text', content: {}, rank: `z${seed}${round}` },
          ]).catch((error: unknown) => expect(error).toMatchObject({ code: 'block.gap_moved' }));
          break;
        case 3:
          await expect(withContext(db, canvas, (tx) => tx.call('select 1 / 0'))).rejects.toMatchObject({
            code: '22012',
          });
          break;
        default:
          // Nobody's context: whatever was on the connection before, nothing is visible.
          expect(await db.call('select count(*) as n from app.blocks')).toEqual([{ n: 0 }]);
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, (_, seed) => client(seed)));
  expect(reads).toBeGreaterThan(200);
  await db.end();
});
