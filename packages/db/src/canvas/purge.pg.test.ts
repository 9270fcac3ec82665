import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { DbUnavailableError } from '../errors.ts';
import { addBlock, mutate, place } from '../testing/blocks.ts';
import { edit, readSnapshot, refusal } from '../testing/canvas-kit.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { play, step } from '../testing/play.ts';
import { addMember, seedCanvas, seedWorkspace, type SeededCanvas } from '../testing/seed.ts';
import { getBlockHistory, purgeDeparted, purgeTrash } from './history-queries.ts';
import { getCanvasEvents } from './queries.ts';
import type { BlockRow, OpResult } from './rows.ts';
import { transferBlock } from './transfer-queries.ts';

let t: TestDatabase;
let canvas: SeededCanvas;
let second: SeededCanvas;
/** A word that is nowhere else. */
let marker: string;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());
beforeEach(async () => {
  const workspace = await seedWorkspace(t.db);
  [canvas, second] = [await seedCanvas(t.db, workspace), await seedCanvas(t.db, workspace)];
  marker = `zq${randomUUID().replaceAll('-', '')}`;
});

/** The tables in which a text stands somewhere. */
async function findText(text: string): Promise<string[]> {
  const tables = await t.asOwner<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'app'::regnamespace and relkind = 'r' order by 1`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await t.asOwner(`select 1 from app.${name} r where r::text ilike '%' || $1 || '%' limit 1`, [text]);
    if (rows.length > 0) found.push(name);
  }
  return found;
}
/** As if all that is in the trash, or has left, had done so that many days earlier. */
async function age(days: number): Promise<void> {
  await t.asOwner(
    'update app.blocks set deleted_at = deleted_at - make_interval(days => $1) where deleted_at is not null',
    [days],
  );
  await t.asOwner('update app.departed_versions set due_at = due_at - make_interval(days => $1)', [days]);
}
const purgeOnce = () => purgeTrash(t.job_db, { limit: 3, request_id: 'r' });
async function purgeAll(): Promise<void> {
  while (await purgeDeparted(t.job_db, { limit: 2 }));
  while (await purgeOnce());
}
const heads = async (scope = canvas): Promise<{ seq: number; min_seq: number }> =>
  (
    await t.asOwner<{ seq: number; min_seq: number }>(
      'select seq::int, min_seq::int from app.canvas_heads where canvas_id = $1',
      [scope.canvas_id],
    )
  )[0]!;
const trash = (block: { id: string; version: number }) =>
  mutate(t.db, canvas, [{ op: 'delete', block_id: block.id, version: block.version }]);
const restore = (block: { id: string }) => mutate(t.db, canvas, [{ op: 'restore', block_id: block.id, rank: 'zz' }]);
const move = async (block: { id: string }, from: SeededCanvas, to: SeededCanvas) =>
  transferBlock(t.db, {
    user_id: from.user_id,
    from_canvas_id: from.canvas_id,
    to_canvas_id: to.canvas_id,
    mutation_id: randomUUID(),
    request_hash: 'h',
    request_id: 'r',
    op: { op: 'move', block_id: block.id, copy_id: randomUUID(), ...(await place(t.db, to, {})) },
  });

/** A block with the marker in it that was made, edited with another in one event, restored below its parent, moved, and deleted. */
async function tellEverywhere() {
  const parent = await addBlock(t.db, canvas);
  const gone = await addBlock(t.db, canvas, { parent_id: parent.id });
  const stays = await addBlock(t.db, canvas);
  const mutation_id = randomUUID();
  const ops = [edit(gone, marker), edit(stays, 'stays')];
  await mutate(t.db, canvas, ops, mutation_id);
  await trash(parent);
  await restore(parent);
  const there = await place(t.db, canvas, {});
  await mutate(t.db, canvas, [{ op: 'move', block_id: gone.id, version: 4, ...there }]);
  await mutate(t.db, canvas, [edit({ id: gone.id, version: 5 }, `${marker} again`)]);
  await trash({ id: gone.id, version: 6 });
  return { stays, gone, mutation_id, ops };
}

test('after the purge nothing of what a block said is anywhere, and its neighbours in the same events have lost nothing', async () => {
  const { stays, gone } = await tellEverywhere();
  const page = { ...canvas, block_id: stays.id, before_version: null, limit: 50 };
  const before = await getBlockHistory(t.db, page);
  expect(before.items.map(({ block }) => (block as BlockRow).content['text'])).toEqual(['stays', 'hello']);
  expect(await findText(marker)).toEqual(['blocks', 'canvas_events']);
  await age(31);
  await purgeAll();
  expect(await findText(marker)).toEqual([]);
  expect(await getBlockHistory(t.db, page)).toEqual(before);
  // That it was there is still told.
  expect(await findText(gone.id)).toEqual(['canvas_events']);
});

test('what a live block says is found everywhere that it should be, so the search above is one', async () => {
  await mutate(t.db, canvas, [edit(await addBlock(t.db, canvas), marker)]);
  expect(await findText(marker)).toEqual(['blocks', 'canvas_events', 'search_documents']);
});

test('who is behind an event that lost something takes a snapshot; who is not gets every event', async () => {
  const { gone } = await tellEverywhere();
  const { seq: last } = await heads();
  await age(31);
  await mutate(t.db, canvas, [edit(await addBlock(t.db, canvas))]);
  await purgeAll();
  const { min_seq, seq } = await heads();
  // The deletion itself, the last of them, says nothing of the content.
  expect({ min_seq, seq }).toEqual({ min_seq: last - 1, seq: last + 2 });
  const read = (after_seq: number) => getCanvasEvents(t.db, { ...canvas, after_seq, limit: 100 });
  for (let after_seq = 0; after_seq < min_seq; after_seq++)
    expect(await refusal(read(after_seq))).toMatchObject({ code: 'canvas.events_gone', meta: { min_seq } });
  for (let after_seq = min_seq; after_seq <= seq; after_seq++)
    expect((await read(after_seq)).map((event) => event.seq)).toEqual(
      Array.from({ length: seq - after_seq }, (_, n) => after_seq + 1 + n),
    );
  expect((await readSnapshot(t.db, canvas)).blocks.map(({ id }) => id)).not.toContain(gone.id);
});

test('a mutation that is sent again answers what it did, without the content that is gone', async () => {
  const { gone, stays, mutation_id, ops } = await tellEverywhere();
  const first = await mutate(t.db, canvas, ops, mutation_id);
  await age(31);
  await purgeAll();
  const again = await mutate(t.db, canvas, ops, mutation_id);
  expect(again).toMatchObject({ replayed: true, seq: first.seq });
  const [op, other] = first.result.ops as [OpResult & { block: BlockRow }, OpResult];
  expect(op.block).toMatchObject({ id: gone.id, content: { text: marker } });
  expect(again.result).toEqual({ ...first.result, ops: [{ ...op, block: { ...op.block, content: {} } }, other] });
  expect(again.result.ops[1]).toMatchObject({ block: { id: stays.id, content: { text: 'stays' } } });
  expect((await refusal(mutate(t.db, canvas, [edit(stays)], mutation_id))).code).toBe('canvas.mutation_reused');
});

test('what a block that moved away had said on the old canvas is gone after 30 days, not before, and what it said since stays', async () => {
  const a = await addBlock(t.db, canvas);
  await mutate(t.db, canvas, [edit(a, marker)]);
  await mutate(t.db, canvas, [edit({ id: a.id, version: 2 }, 'harmless')]);
  await move(a, canvas, second);
  await move(a, second, canvas);
  await age(29);
  await purgeAll();
  expect(await findText(marker)).toEqual(['canvas_events']);
  await age(2);
  await purgeAll();
  expect(await findText(marker)).toEqual([]);
  const { items } = await getBlockHistory(t.db, { ...canvas, block_id: a.id, before_version: null, limit: 9 });
  expect(items).toMatchObject([{ op: 'copy', version: 5, block: { content: { text: 'harmless' } } }]);
});

test('a block with a longer history than a batch takes is deleted only with the last of it', async () => {
  const a = await addBlock(t.db, canvas);
  await t.asOwner(
    `with e as (
       insert into app.canvas_events (workspace_id, canvas_id, seq, type, actor_user_id, request_id, payload, created_at)
       select $1, $2, n + 1, 'blocks.mutated', $4, 'r', json_build_object('ops', json_build_array(json_build_object('op', 'edit', 'block',
         json_build_object('id', $3::text, 'content', json_build_object('text', $5::text), 'version', n + 1)))), now()
       from generate_series(1, 1200) n)
     insert into app.block_versions (workspace_id, canvas_id, block_id, version, seq, op)
     select $1, $2, $3::text::uuid, n + 1, n + 1, 'edit' from generate_series(1, 1200) n`,
    [canvas.workspace_id, canvas.canvas_id, a.id, canvas.user_id, marker],
  );
  await t.asOwner('update app.canvas_heads set seq = 1201 where canvas_id = $1', [canvas.canvas_id]);
  await t.asOwner('update app.blocks set version = 1201 where canvas_id = $1 and id = $2', [canvas.canvas_id, a.id]);
  await trash({ id: a.id, version: 1201 });
  await age(31);
  expect(await purgeOnce()).toMatchObject({ purged: 0, erased: 500 });
  expect(await purgeOnce()).toMatchObject({ purged: 0, erased: 500 });
  expect((await heads()).min_seq).toBe(1000);
  expect(await purgeOnce()).toMatchObject({ purged: 1, erased: 201 });
  expect(await purgeOnce()).toBeNull();
  expect(await findText(marker)).toEqual([]);
});

test('a batch whose connection is killed has done nothing; the next does it', async () => {
  await tellEverywhere();
  await age(31);
  const before = await heads();
  const batch = t.job_db.call(
    `select p.purged, p.erased, pg_terminate_backend(pg_backend_pid()) from app.purge_trash(9, 'r') p`,
  );
  await expect(batch).rejects.toBeInstanceOf(DbUnavailableError);
  expect(await heads()).toEqual(before);
  expect(await findText(marker)).toEqual(['blocks', 'canvas_events']);
  await purgeAll();
  expect(await findText(marker)).toEqual([]);
});

/** What the events of a canvas say, and whose versions it is. */
const toldContents = (scope: SeededCanvas) =>
  t.asOwner<{ id: string; text: string; has_version: boolean }>(
    `select b.block ->> 'id' as id, b.block #>> '{content,text}' as text, exists (select from app.block_versions h
       where h.canvas_id = e.canvas_id and h.block_id = (b.block ->> 'id')::uuid and h.seq = e.seq) as has_version
     from app.canvas_events e
     cross join lateral json_array_elements(e.payload -> 'ops') o (op)
     cross join lateral (select o.op -> 'block' union all select x from json_array_elements(o.op -> 'blocks') x) b (block)
     where e.canvas_id = $1 and b.block #>> '{content,text}' is not null`,
    [scope.canvas_id],
  );
const histories = async (scope: SeededCanvas): Promise<unknown> => {
  const { blocks } = await readSnapshot(t.db, scope);
  return Promise.all(
    blocks.map(({ id }) => getBlockHistory(t.db, { ...scope, block_id: id, before_version: null, limit: 200 })),
  );
};

test('whatever people did on two canvases, three purges at once leave no word of what is gone and every word of what lives', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
      const workspace = await seedWorkspace(t.db);
      const pair: [SeededCanvas, SeededCanvas] = [await seedCanvas(t.db, workspace), await seedCanvas(t.db, workspace)];
      const people = await Promise.all([0, 1, 2].map(() => addMember(t.db, workspace)));
      for (const one of steps) await play(t.db, people[one.who]!.user_id, pair, one);
      const kept = [await histories(pair[0]), await histories(pair[1])];
      await age(31);
      await Promise.all([purgeAll(), purgeAll(), purgeAll()]);
      await purgeAll();
      expect([await histories(pair[0]), await histories(pair[1])]).toEqual(kept);
      for (const each of pair) {
        const live = new Set((await readSnapshot(t.db, each)).blocks.map(({ id }) => id));
        for (const { id, has_version } of await toldContents(each))
          expect([live.has(id), has_version]).toEqual([true, true]);
      }
    }),
    { numRuns: 20 },
  );
});
