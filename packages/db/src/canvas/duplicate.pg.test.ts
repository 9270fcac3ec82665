import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { addBlock, mutate } from '../testing/blocks.ts';
import { edit, findFaults, readSnapshot, refusal, replayBlocks } from '../testing/canvas-kit.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import {
  addCanvasAccess,
  addMember,
  seedCanvas,
  seedUser,
  seedWorkspace,
  type SeededCanvas,
  type SeededWorkspace,
} from '../testing/seed.ts';
import { getBlockHistory } from './history-queries.ts';
import { archiveCanvas } from './queries.ts';
import type { CanvasRow } from './rows.ts';
import { duplicateCanvas } from './transfer-queries.ts';

let t: TestDatabase;
let workspace: SeededWorkspace;
let canvas: SeededCanvas;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());
beforeEach(async () => {
  workspace = await seedWorkspace(t.db);
  canvas = await seedCanvas(t.db, workspace, { title: 'Plan' });
});

const duplicate = (person: { user_id: string } = canvas, title: string | null = null): Promise<CanvasRow> =>
  duplicateCanvas(t.db, { ...canvas, user_id: person.user_id, copy_id: randomUUID(), title, request_id: 'r' });
const scopeOf = (copy: CanvasRow) => ({ user_id: canvas.user_id, canvas_id: copy.id });

test('a duplicate has the live blocks under fresh ids, a history of its own, and the title of a copy', async () => {
  const a = await addBlock(t.db, canvas);
  const b = await addBlock(t.db, canvas, { parent_id: a.id });
  const gone = await addBlock(t.db, canvas, { parent_id: a.id });
  await mutate(t.db, canvas, [edit(b, 'two'), { op: 'delete', block_id: gone.id, version: 1 }]);
  const member = await addMember(t.db, workspace);
  const copy = await duplicate(member);
  expect(copy).toMatchObject({ title: 'Plan (copy)', workspace_id: canvas.workspace_id, role: 'editor', version: 1 });
  expect((await duplicate(canvas, 'Other')).title).toBe('Other');
  const { seq, blocks } = await readSnapshot(t.db, scopeOf(copy));
  expect(seq).toBe(1);
  expect(blocks.map(({ content, rank, version }) => [content['text'], rank, version])).toEqual([
    ['hello', a.rank, 1],
    ['two', b.rank, 1],
  ]);
  expect(blocks[1]?.parent_id).toBe(blocks[0]?.id);
  for (const { id } of blocks) expect([a.id, b.id]).not.toContain(id);
  expect(await replayBlocks(t.db, scopeOf(copy))).toEqual(blocks);
  const history = { ...scopeOf(copy), block_id: blocks[1]!.id, before_version: null, limit: 5 };
  expect((await getBlockHistory(t.db, history)).items).toMatchObject([
    { op: 'copy', version: 1, user_id: member.user_id, block: { content: { text: 'two' } } },
  ]);
  await mutate(t.db, scopeOf(copy), [edit(blocks[0]!)]);
  const audits = await t.asOwner('select action, after from app.audit_logs where canvas_id = $1 order by id limit 1', [
    copy.id,
  ]);
  expect(audits).toMatchObject([
    { action: 'canvas.duplicate', after: { from_canvas_id: canvas.canvas_id, blocks: 2 } },
  ]);
});

test('a large canvas becomes as many events as it needs, which tell exactly its blocks', async () => {
  const { id } = await addBlock(t.db, canvas);
  await t.asOwner(
    `insert into app.blocks (workspace_id, canvas_id, id, parent_id, type, content, rank, created_by, updated_by)
     select $1, $2, gen_random_uuid(), $3, 'x', jsonb_build_object('x', repeat('x', 2000)), 'a' || lpad(i::text, 8, '0'), $4, $4
     from generate_series(1, 5000) i`,
    [canvas.workspace_id, canvas.canvas_id, id, canvas.user_id],
  );
  const copy = await duplicate();
  const { seq, blocks } = await readSnapshot(t.db, scopeOf(copy));
  expect(seq).toBeGreaterThan(3);
  expect(blocks).toHaveLength(5_001);
  expect(findFaults(blocks)).toEqual([]);
  const [largest] = await t.asOwner<{ n: number }>(
    'select max(octet_length(payload::text)) as n from app.canvas_events where canvas_id = $1',
    [copy.id],
  );
  expect(largest?.n).toBeLessThan(4 * 1024 * 1024);
  expect(await replayBlocks(t.db, scopeOf(copy))).toEqual(blocks);
}, 30_000);

test('long ranks come along, and a rebalance of the copy is queued for them; short ones queue none', async () => {
  const queued = (copy: CanvasRow) =>
    t.asOwner(`select topic from app.outbox where topic = 'canvas.rebalance' and payload ->> 'canvas_id' = $1`, [
      copy.id,
    ]);
  const { id } = await addBlock(t.db, canvas);
  expect(await queued(await duplicate())).toEqual([]);
  await t.asOwner('update app.blocks set rank = $2 where id = $1', [id, `a0${'V'.repeat(60)}`]);
  expect(await queued(await duplicate())).toHaveLength(1);
});

test('an empty or archived canvas can be duplicated, and the copy is open', async () => {
  await archiveCanvas(t.db, { ...canvas, request_id: 'r' });
  const copy = await duplicate();
  expect(copy.archived_at).toBeNull();
  expect(await readSnapshot(t.db, scopeOf(copy))).toMatchObject({ seq: 0, blocks: [] });
});

test('files that blocks refer to are there under their ids, others not', async () => {
  const [used, unused] = [randomUUID(), randomUUID()];
  for (const id of [used, unused]) {
    await t.asOwner(
      `insert into app.attachments (workspace_id, canvas_id, id, object_key, name, media_type, size, status, created_by)
       values ($1, $2, $3, $4, 'a.png', 'image/png', 7, 'ready', $5)`,
      [canvas.workspace_id, canvas.canvas_id, id, `objects/${id}`, canvas.user_id],
    );
  }
  const a = await addBlock(t.db, canvas);
  await mutate(t.db, canvas, [{ ...edit(a), type: 'x', content: { attachment_id: used } }]);
  const copy = await duplicate();
  const rows = await t.asOwner('select id from app.attachments where canvas_id = $1', [copy.id]);
  expect(rows).toEqual([{ id: used }]);
});

test('it is for members of the workspace: who only sees the canvas is forbidden, who does not finds none', async () => {
  const invited = await addCanvasAccess(t.db, canvas, 'admin');
  const guest = await addMember(t.db, workspace, 'guest');
  await addCanvasAccess(t.db, canvas, 'viewer', guest);
  for (const person of [invited, guest])
    expect(await refusal(duplicate(person))).toMatchObject({ kind: 'forbidden', code: 'workspace.forbidden' });
  for (const person of [await seedUser(t.db), await addMember(t.db, workspace, 'guest')])
    expect((await refusal(duplicate(person))).code).toBe('canvas.not_found');
});

test('more than 20,000 blocks are too many', async () => {
  await t.asOwner(
    `insert into app.blocks (workspace_id, canvas_id, id, type, content, rank, created_by, updated_by)
     select $1, $2, gen_random_uuid(), 'x', '{}', 'a' || lpad(i::text, 8, '0'), $3, $3 from generate_series(1, 20001) i`,
    [canvas.workspace_id, canvas.canvas_id, canvas.user_id],
  );
  expect((await refusal(duplicate())).code).toBe('canvas.too_large');
});
