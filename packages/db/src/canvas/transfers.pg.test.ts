import { randomUUID, randomUUIDv7 } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addBlock, mutate, place } from '../testing/blocks.ts';
import { edit, findFaults, readSnapshot, refusalWithoutTrace, replayBlocks } from '../testing/canvas-kit.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import {
  addCanvasAccess,
  addMember,
  seedBlock,
  seedCanvas,
  seedWorkspace,
  type SeededCanvas,
} from '../testing/seed.ts';
import { getBlockHistory, listTrash } from './history-queries.ts';
import { archiveCanvas, type CanvasScope } from './queries.ts';
import type { AppliedTransfer, BlockRow } from './rows.ts';
import { transferBlock } from './transfer-queries.ts';

let t: TestDatabase;
let from: SeededCanvas;
let to: SeededCanvas;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());
beforeEach(async () => {
  const workspace = await seedWorkspace(t.db);
  [from, to] = [await seedCanvas(t.db, workspace), await seedCanvas(t.db, workspace)];
});

interface Sending {
  scope?: { user_id: string };
  source?: CanvasScope;
  target?: SeededCanvas;
  where?: Parameters<typeof place>[2];
  mutation_id?: string;
  version?: number;
  rank?: string;
}

async function send(op: 'copy' | 'move', block: { id: string }, how: Sending = {}): Promise<AppliedTransfer> {
  const target = how.target ?? to;
  const there = await place(t.db, target, how.where ?? {});
  const { version, rank = there.rank } = how;
  return transferBlock(t.db, {
    user_id: how.scope?.user_id ?? from.user_id,
    from_canvas_id: (how.source ?? from).canvas_id,
    to_canvas_id: target.canvas_id,
    mutation_id: how.mutation_id ?? randomUUID(),
    request_hash: `${op} ${block.id}`,
    request_id: 'r',
    op: { op, block_id: block.id, copy_id: randomUUID(), ...there, rank, ...(version && { version }) },
  });
}
const refused = (work: () => Promise<unknown>) => refusalWithoutTrace(t, [from, to], work);
const blocksOf = async (canvas: SeededCanvas): Promise<BlockRow[]> => (await readSnapshot(t.db, canvas)).blocks;
async function addTree(): Promise<[BlockRow, BlockRow, BlockRow]> {
  const a = await addBlock(t.db, from);
  const b = await addBlock(t.db, from, { parent_id: a.id });
  return [a, b, await addBlock(t.db, from, { parent_id: b.id })];
}

describe('a move to another canvas', () => {
  test('takes the subtree along with its ids, content and makers, and tells each canvas by one event', async () => {
    const [a, b, c] = await addTree();
    const stays = await addBlock(t.db, from);
    const there = await addBlock(t.db, to);
    const { result, source, seq, replayed } = await send('move', a, { where: { parent_id: there.id } });
    expect({ seq, replayed, source_seq: source?.seq }).toEqual({ seq: 2, replayed: false, source_seq: 5 });
    expect(result.ops).toMatchObject([
      {
        op: 'copy',
        block_id: a.id,
        blocks: [
          { id: a.id, canvas_id: to.canvas_id, parent_id: there.id, version: 2, created_at: a.created_at },
          { id: b.id, parent_id: a.id, rank: b.rank },
          { id: c.id, parent_id: b.id },
        ],
      },
    ]);
    expect(JSON.parse(source?.frame ?? '')).toMatchObject({
      canvas_id: from.canvas_id,
      payload: { ops: [{ op: 'delete', block_id: a.id, block_ids: [a.id, b.id, c.id] }] },
    });
    expect((await blocksOf(from)).map(({ id }) => id)).toEqual([stays.id]);
    for (const canvas of [from, to]) {
      const blocks = await blocksOf(canvas);
      expect(findFaults(blocks)).toEqual([]);
      expect(await replayBlocks(t.db, canvas)).toEqual(blocks);
    }
    const audits = await t.asOwner(
      `select canvas_id, action from app.audit_logs where after ? 'move' and canvas_id = any ($1)`,
      [[from.canvas_id, to.canvas_id]],
    );
    expect(audits).toHaveLength(2);
  });

  test('long ranks below it come along, and a rebalance of the target is queued for them', async () => {
    const [a, b] = await addTree();
    await t.asOwner('update app.blocks set rank = $2 where id = $1', [b.id, `a0${'V'.repeat(60)}`]);
    await send('move', a);
    const queued = await t.asOwner(`select payload from app.outbox where topic = 'canvas.rebalance'
      and payload ->> 'canvas_id' in ('${from.canvas_id}', '${to.canvas_id}')`);
    expect(queued).toEqual([{ payload: { canvas_id: to.canvas_id } }]);
  });

  test('brings along what is in the trash below; the history begins anew, and later edits are in it', async () => {
    const [a, b] = await addTree();
    await mutate(t.db, from, [{ op: 'delete', block_id: b.id, version: 1 }]);
    await send('move', a);
    await mutate(t.db, to, [edit({ id: a.id, version: 2 })]);
    const trash = { cursor_deleted_at: null, cursor_id: null, limit: 10 };
    expect(await listTrash(t.db, { ...from, ...trash })).toEqual([]);
    expect(await listTrash(t.db, { ...to, ...trash })).toMatchObject([{ block_id: b.id, below: 1 }]);
    const { items } = await getBlockHistory(t.db, { ...to, block_id: a.id, before_version: null, limit: 10 });
    expect(items.map(({ op, version }) => [op, version])).toEqual([
      ['edit', 3],
      ['copy', 2],
    ]);
  });

  test('takes threads along, with their ids and replies; what is said of other blocks stays', async () => {
    const [a, b, c] = await addTree();
    const stays = await addBlock(t.db, from);
    await mutate(t.db, from, [{ op: 'delete', block_id: c.id, version: 1 }]);
    const say = async (block_id: string | null, thread_id: string | null = null): Promise<string> => {
      const comment_id = randomUUIDv7();
      await t.asOwner(
        `insert into app.comments (workspace_id, canvas_id, id, thread_id, block_id, text, created_by) values ($1, $2, $3, $4, $5, 'x', $6)`,
        [from.workspace_id, from.canvas_id, comment_id, thread_id, block_id, from.user_id],
      );
      return comment_id;
    };
    const [of_b, of_c, of_other, of_none] = [await say(b.id), await say(c.id), await say(stays.id), await say(null)];
    const reply = await say(b.id, of_b);
    const threads = async (scope: SeededCanvas) =>
      (
        await t.db.call<{ comment: { id: string; block_gone: boolean; replies: { id: string; canvas_id: string }[] } }>(
          'select comment from app.list_comments($1, $2, null, null, null, null, 10)',
          [scope.user_id, scope.canvas_id],
        )
      ).map(({ comment: { id, block_gone, replies } }) => ({
        id,
        block_gone,
        replies: replies.map((each) => each.id),
      }));
    await send('copy', a);
    expect(await threads(to)).toEqual([]);
    await send('move', a);
    const moved = [
      { id: of_c, block_gone: true, replies: [] },
      { id: of_b, block_gone: false, replies: [reply] },
    ];
    const there = await threads(to);
    expect(there).toHaveLength(2);
    expect(there).toEqual(expect.arrayContaining(moved));
    expect((await threads(from)).map(({ id }) => id).sort()).toEqual([of_none, of_other].sort());
    await send('move', a, { source: to, target: from });
    expect([(await threads(from)).length, (await threads(to)).length]).toEqual([4, 0]);
  });

  test('and back again ends where it began', async () => {
    const [a] = await addTree();
    await send('move', a);
    await send('move', a, { source: to, target: from });
    expect(await blocksOf(to)).toEqual([]);
    const blocks = await blocksOf(from);
    expect(blocks).toHaveLength(3);
    expect(await replayBlocks(t.db, from)).toEqual(blocks);
  });

  test('only of the version that was seen, where one is named', async () => {
    const [a] = await addTree();
    await mutate(t.db, from, [edit(a)]);
    expect(await refused(() => send('move', a, { version: 1 }))).toMatchObject({
      code: 'block.version_conflict',
      meta: { current: { version: 2 } },
    });
    await send('move', a, { version: 2 });
  });

  test('where an id of the subtree is taken is refused', async () => {
    const [a, b] = await addTree();
    await seedBlock(t.db, to, { id: b.id });
    expect((await refused(() => send('move', a))).code).toBe('block.already_exists');
  });

  test('from or to an archived canvas is refused; a copy of an archived one is not', async () => {
    const [a] = await addTree();
    await archiveCanvas(t.db, { ...from, request_id: 'r' });
    expect((await refused(() => send('move', a))).code).toBe('canvas.archived');
    await send('copy', a);
    await archiveCanvas(t.db, { ...to, request_id: 'r' });
    expect((await refused(() => send('copy', a))).code).toBe('canvas.archived');
  });
});

describe('a copy to another canvas', () => {
  test('leaves the source as it is, and is all there under fresh ids', async () => {
    const tree = await addTree();
    const { result, source } = await send('copy', tree[0]);
    expect(source).toBeNull();
    const [op] = result.ops;
    if (op?.op !== 'copy') throw new Error('no copy');
    expect(op.blocks).toHaveLength(3);
    for (const { id } of op.blocks) expect(tree.map((block) => block.id)).not.toContain(id);
    expect((await readSnapshot(t.db, from)).seq).toBe(3);
    expect(await replayBlocks(t.db, to)).toEqual(await blocksOf(to));
  });

  test('brings the files that it refers to, under their ids', async () => {
    const attachment_id = randomUUID();
    await t.asOwner(
      `insert into app.attachments (workspace_id, canvas_id, id, object_key, name, media_type, size, status, created_by)
       values ($1, $2, $3, 'objects/0123456789abcdef', 'a.png', 'image/png', 7, 'ready', $4)`,
      [from.workspace_id, from.canvas_id, attachment_id, from.user_id],
    );
    const image = await seedBlock(t.db, from, { type: 'image', content: { attachment_id } });
    await send('copy', image);
    const rows = await t.asOwner('select canvas_id, object_key from app.attachments where id = $1', [attachment_id]);
    expect(rows).toHaveLength(2);
  });
});

describe('between two canvases', () => {
  test('the same mutation again is answered the same, also when the block has gone on, and done once', async () => {
    const [a] = await addTree();
    const mutation_id = randomUUID();
    const answers = [await send('move', a, { mutation_id })];
    await mutate(t.db, to, [{ op: 'delete', block_id: a.id, version: 2 }]);
    answers.push(await send('move', a, { mutation_id }));
    expect(answers[1]).toMatchObject({ replayed: true, source: null, seq: 1, result: answers[0]!.result });
    const other = await addBlock(t.db, from);
    expect((await refused(() => send('move', other, { mutation_id }))).code).toBe('canvas.mutation_reused');
  });

  test('ten times at once it is done once', async () => {
    const [a] = await addTree();
    const mutation_id = randomUUID();
    const rank = 'V';
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => send('copy', a, { mutation_id, rank, where: { after_id: null } })),
    );
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(await blocksOf(to)).toHaveLength(3);
  });

  test('a move needs editor on both, a copy viewer on the source; who does not see one finds none', async () => {
    const [a] = await addTree();
    const workspace = { workspace_id: from.workspace_id, owner_user_id: from.user_id };
    const guest = await addMember(t.db, workspace, 'guest');
    expect((await refused(() => send('copy', a, { scope: guest }))).code).toBe('canvas.not_found');
    await addCanvasAccess(t.db, to, 'editor', guest);
    expect((await refused(() => send('copy', a, { scope: guest }))).code).toBe('canvas.not_found');
    await addCanvasAccess(t.db, from, 'viewer', guest);
    expect((await refused(() => send('move', a, { scope: guest }))).code).toBe('canvas.forbidden');
    await send('copy', a, { scope: guest });
    await addCanvasAccess(t.db, from, 'editor', guest);
    await addCanvasAccess(t.db, to, 'commenter', guest);
    expect((await refused(() => send('copy', a, { scope: guest }))).code).toBe('canvas.forbidden');
    await addCanvasAccess(t.db, to, 'editor', guest);
    await send('move', a, { scope: guest });
  });

  test('of other tenants nothing goes: a conflict for who sees both, not found for who sees one', async () => {
    const [a] = await addTree();
    const elsewhere = await seedCanvas(t.db, await seedWorkspace(t.db));
    expect((await refused(() => send('move', a, { target: elsewhere }))).code).toBe('canvas.not_found');
    await addCanvasAccess(t.db, elsewhere, 'editor', { user_id: from.user_id });
    for (const op of ['copy', 'move'] as const) {
      expect(await refused(() => send(op, a, { target: elsewhere }))).toMatchObject({
        kind: 'conflict',
        code: 'block.other_tenant',
      });
    }
  });

  test('what is too much, too deep, not there or out of place is refused, and leaves nothing on either', async () => {
    const [a] = await addTree();
    for (const op of ['copy', 'move'] as const) {
      expect((await refused(() => send(op, { id: randomUUID() }))).code).toBe('block.not_found');
      const there = await addBlock(t.db, to);
      expect((await refused(() => send(op, a, { rank: there.rank }))).code).toBe('block.gap_moved');
      let parent_id = there.id;
      for (let level = 1; level < 62; level++) parent_id = (await addBlock(t.db, to, { parent_id })).id;
      expect((await refused(() => send(op, a, { where: { parent_id } }))).code).toBe('block.too_deep');
      await t.asOwner('delete from app.blocks where canvas_id = $1', [to.canvas_id]);
    }
    await t.asOwner(
      `insert into app.blocks (workspace_id, canvas_id, id, parent_id, type, content, rank, created_by, updated_by)
       select $1, $2, gen_random_uuid(), $3, 'text', '{}', 'b' || lpad(i::text, 8, '0'), $4, $4 from generate_series(1, 5000) i`,
      [from.workspace_id, from.canvas_id, a.id, from.user_id],
    );
    for (const op of ['copy', 'move'] as const)
      expect((await refused(() => send(op, a))).code).toBe('block.subtree_too_large');
  });

  test('moves in opposite directions at once never deadlock nor lose a block', async () => {
    const left = await Promise.all(Array.from({ length: 12 }, () => seedBlock(t.db, from)));
    const right = await Promise.all(Array.from({ length: 12 }, () => seedBlock(t.db, to)));
    const persist = async (block: { id: string }, source: SeededCanvas, target: SeededCanvas): Promise<void> => {
      for (;;) {
        try {
          await send('move', block, { source, target });
          return;
        } catch (error) {
          // Others took the place, or held the lock for longer than one waits; a deadlock would be 40P01.
          const { code, reason } = error as { code?: string; reason?: string };
          if (code !== 'block.gap_moved' && reason !== '55P03') throw error;
        }
      }
    };
    await Promise.all([
      ...left.map((block) => persist(block, from, to)),
      ...right.map((block) => persist(block, to, from)),
    ]);
    const ids = (blocks: { id: string }[]): string[] => blocks.map(({ id }) => id).sort();
    expect(ids(await blocksOf(to))).toEqual(ids(left));
    expect(ids(await blocksOf(from))).toEqual(ids(right));
  }, 60_000);
});
