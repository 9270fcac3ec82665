import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { withContext } from '../context.ts';
import { DbUnavailableError } from '../errors.ts';
import { addBlock, mutate } from '../testing/blocks.ts';
import { edit, readSnapshot, refusal } from '../testing/canvas-kit.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { play, step } from '../testing/play.ts';
import { addCanvasAccess, addMember, seedCanvas, seedWorkspace, type SeededCanvas } from '../testing/seed.ts';
import { getBlockHistory, thinHistory } from './history-queries.ts';
import { getCanvasEvents, lockCanvas } from './queries.ts';
import type { BlockRow, BlockVersionRow } from './rows.ts';

let t: TestDatabase;
let canvas: SeededCanvas;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());
beforeEach(async () => {
  canvas = await seedCanvas(t.db);
});

/** The beginning of ten minutes by the clock, more than a week ago. */
const TEN = Math.floor((Date.now() - 8 * 86_400_000) / 600_000) * 600;
/** Sets when events were: seconds after TEN, from the event with that seq on. */
const setTimes = (seconds: number[], first_seq = 1, scope = canvas) =>
  t.asOwner(
    `update app.canvas_events e set created_at = to_timestamp($2::int + s.s)
     from unnest($3::int[]) with ordinality s (s, n) where e.canvas_id = $1 and e.seq = s.n + $4 - 1`,
    [scope.canvas_id, TEN, seconds, first_seq],
  );
const thinOnce = (limit = 3) => thinHistory(t.job_db, { from_canvas_id: null, limit });
async function thinAll(limit = 3): Promise<number> {
  let sum = 0;
  for (let from_canvas_id: string | null = null; ;) {
    const done: { canvas_id: string; thinned: number } | null = await thinHistory(t.job_db, { from_canvas_id, limit });
    if (!done) return sum;
    sum += done.thinned;
    from_canvas_id = done.canvas_id;
  }
}
const history = async (block: { id: string }, scope = canvas): Promise<BlockVersionRow[]> =>
  (await getBlockHistory(t.db, { ...scope, block_id: block.id, before_version: null, limit: 200 })).items;
const versions = async (block: { id: string }) => (await history(block)).map(({ version }) => version);
const editTo = (block: { id: string }, version: number, scope: { user_id: string } = canvas) =>
  mutate(t.db, { ...canvas, ...scope }, [edit({ id: block.id, version }, `v${version + 1}`)]);
const heads = async (): Promise<unknown> =>
  (
    await t.asOwner('select seq::int, min_seq::int, thinned_seq::int from app.canvas_heads where canvas_id = $1', [
      canvas.canvas_id,
    ])
  )[0];

test('of edits by one person within ten minutes the last is kept, with who, when and what', async () => {
  const a = await addBlock(t.db, canvas);
  for (let version = 1; version < 8; version++) await editTo(a, version);
  await setTimes([0, 1, 300, 599, 600, 601, 1300, 1301]);
  const before = await history(a);
  expect(await thinAll()).toBe(4);
  const after = await history(a);
  expect(after.map(({ version }) => version)).toEqual([8, 6, 4, 1]);
  expect(after).toEqual(before.filter(({ version }) => [8, 6, 4, 1].includes(version)));
  expect(
    await t.asOwner('select seq::int from app.canvas_events where canvas_id = $1 order by 1', [canvas.canvas_id]),
  ).toEqual([1, 4, 6, 8].map((seq) => ({ seq })));
  expect(await heads()).toEqual({ seq: 8, min_seq: 7, thinned_seq: 8 });
  expect([await thinAll(), await versions(a)]).toEqual([0, [8, 6, 4, 1]]);
});

test('what somebody else, a move, a deletion or a restore comes between is kept; so is every operation that is no edit', async () => {
  const a = await addBlock(t.db, canvas);
  const other = await addCanvasAccess(t.db, canvas, 'editor');
  await editTo(a, 1);
  await editTo(a, 2, other);
  await editTo(a, 3);
  await mutate(t.db, canvas, [{ op: 'move', block_id: a.id, version: 4, parent_id: null, after_id: null, rank: 'k' }]);
  await editTo(a, 5);
  await mutate(t.db, canvas, [{ op: 'delete', block_id: a.id, version: 6 }]);
  await mutate(t.db, canvas, [{ op: 'restore', block_id: a.id, rank: 'zz' }]);
  await setTimes([0, 1, 2, 3, 4, 5, 6, 7]);
  const before = await history(a);
  expect(await thinAll()).toBe(0);
  expect(await history(a)).toEqual(before);
  expect(await heads()).toMatchObject({ min_seq: 0, thinned_seq: 8 });
});

test('what is younger than seven days is kept, and thinned when it is older', async () => {
  const a = await addBlock(t.db, canvas);
  await editTo(a, 1);
  await editTo(a, 2);
  const before = await versions(a);
  expect(await thinOnce()).toBeNull();
  expect([await versions(a), before]).toEqual([before, [3, 2, 1]]);
  await setTimes([0, 1, 2]);
  await thinAll();
  expect(await versions(a)).toEqual([3, 1]);
  await editTo(a, 3);
  await editTo(a, 4);
  await setTimes([3, 4], 4);
  // What a run has looked at stays as it is: 3 was the newest then.
  await thinAll();
  expect(await versions(a)).toEqual([5, 3, 1]);
});

test('an event of several operations loses only those; several versions of a block in one event become one', async () => {
  const [a, b] = [await addBlock(t.db, canvas), await addBlock(t.db, canvas)];
  const mutation_id = randomUUID();
  const ops = [edit(a, 'a2'), edit(b, 'b2'), edit({ id: a.id, version: 2 }, 'a3')];
  const { result } = await mutate(t.db, canvas, ops, mutation_id);
  await editTo(a, 3);
  await setTimes([0, 1, 2, 3]);
  expect(await thinAll()).toBe(2);
  expect([await versions(a), await versions(b)]).toEqual([
    [4, 1],
    [2, 1],
  ]);
  const again = await mutate(t.db, canvas, ops, mutation_id);
  expect(again).toMatchObject({ replayed: true, seq: 3, result: { ops: [result.ops[1]] } });
});

test('a mutation whose event is gone is forgotten: sent again it finds another version', async () => {
  const a = await addBlock(t.db, canvas);
  const mutation_id = randomUUID();
  await mutate(t.db, canvas, [edit(a)], mutation_id);
  await editTo(a, 2);
  await setTimes([0, 1, 2]);
  await thinAll();
  const again = await refusal(mutate(t.db, canvas, [edit(a)], mutation_id));
  expect(again).toMatchObject({ code: 'block.version_conflict', meta: { current: { version: 3 } } });
});

test('who is behind the newest event that changed takes a snapshot; who is not gets every event', async () => {
  const a = await addBlock(t.db, canvas);
  for (let version = 1; version < 5; version++) await editTo(a, version);
  await setTimes([0, 1, 2, 700, 701]);
  await editTo(a, 5);
  await thinAll();
  const read = (after_seq: number) => getCanvasEvents(t.db, { ...canvas, after_seq, limit: 9 });
  for (const after_seq of [0, 1, 2, 3])
    expect(await refusal(read(after_seq))).toMatchObject({ code: 'canvas.events_gone', meta: { min_seq: 4 } });
  expect((await read(4)).map(({ seq }) => seq)).toEqual([5, 6]);
  expect((await readSnapshot(t.db, canvas)).blocks).toMatchObject([{ version: 6, content: { text: 'v6' } }]);
});

test('a batch whose connection is killed has done nothing; one that is written is passed over', async () => {
  const a = await addBlock(t.db, canvas);
  for (let version = 1; version < 5; version++) await editTo(a, version);
  await setTimes([0, 1, 2, 3, 4]);
  const batch = t.job_db.call('select p.*, pg_terminate_backend(pg_backend_pid()) from app.thin_history(null, 9) p');
  await expect(batch).rejects.toBeInstanceOf(DbUnavailableError);
  await withContext(t.db, { ...canvas, needed_role: 'editor' }, async (tx) => {
    await lockCanvas(tx, canvas);
    expect(await thinOnce()).toBeNull();
  });
  expect([await versions(a), await heads()]).toEqual([[5, 4, 3, 2, 1], { seq: 5, min_seq: 0, thinned_seq: 0 }]);
  expect(await thinAll()).toBe(3);
  expect(await versions(a)).toEqual([5, 1]);
});

/** What has to be left of a history (newest first), by the words of the rule. */
function thinned(items: BlockVersionRow[]): BlockVersionRow[] {
  const ten = ({ at }: BlockVersionRow): number => Math.floor(Date.parse(at) / 600_000);
  return items.filter((item, n) => {
    const next = items[n - 1];
    const is_run =
      next?.op === 'edit' && item.op === 'edit' && next.user_id === item.user_id && ten(next) === ten(item);
    return !is_run;
  });
}

test('whatever people did on two canvases, three jobs at once leave of each history what the rule says, and every block as it was', async () => {
  let sum = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 20, maxLength: 60 }),
      fc.array(fc.nat(400), { minLength: 60, maxLength: 60 }),
      fc.nat(7),
      async (steps, pauses, limit) => {
        const workspace = await seedWorkspace(t.db);
        const pair: [SeededCanvas, SeededCanvas] = [
          await seedCanvas(t.db, workspace),
          await seedCanvas(t.db, workspace),
        ];
        const { user_id } = await addMember(t.db, workspace);
        for (const one of steps) {
          // Mostly edits by one person, so that there are runs.
          await play(t.db, one.who ? user_id : canvas.user_id, pair, { ...one, which: one.which % 2, under: 0 });
          await play(t.db, user_id, pair, { ...one, what: 'edit', which: one.which % 2 });
        }
        let at = 0;
        const times = Array.from({ length: 200 }, (_, n) => (at += pauses[n % 60]!) % 80_000).sort((x, y) => x - y);
        for (const each of pair) await setTimes(times, 1, each);
        const look = () =>
          Promise.all(
            pair.map(async (scope) => {
              const { blocks } = await readSnapshot(t.db, scope);
              return Promise.all(blocks.map(async (block) => ({ block, items: await history(block, scope) })));
            }),
          );
        const before = await look();
        const sums = await Promise.all([thinAll(limit + 1), thinAll(limit + 1), thinAll(limit + 1)]);
        sum = sums.reduce((all, one) => all + one, sum + (await thinAll(limit + 1)));
        const expected = before.map((blocks) => blocks.map(({ block, items }) => ({ block, items: thinned(items) })));
        expect(await look()).toEqual(expected);
        for (const { block, items } of expected.flat())
          expect((items.find((item) => item.block && 'content' in item.block)!.block as BlockRow).content).toEqual(
            block.content,
          );
      },
    ),
    { numRuns: 15 },
  );
  expect(sum).toBeGreaterThan(50);
});
