import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { withContext } from '../context.ts';
import { DbError } from '../errors.ts';
import { addBlock, mutate, place, rankBetween } from '../testing/blocks.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { addCanvasAccess, seedBlock, seedCanvas, type SeededCanvas } from '../testing/seed.ts';
import {
  archiveCanvas,
  getBlockGaps,
  getCanvasEvents,
  getCanvasSnapshot,
  lockCanvas,
  setCanvasAccess,
} from './queries.ts';
import type { BlockRow, OpResult } from './rows.ts';

let t: TestDatabase;
let canvas: SeededCanvas;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());
beforeEach(async () => {
  canvas = await seedCanvas(t.db);
});

interface Snapshot {
  seq: number;
  blocks: BlockRow[];
}
const snapshot = async (): Promise<Snapshot> => JSON.parse(await getCanvasSnapshot(t.db, canvas)) as Snapshot;
const edit = (block: { id: string; version: number }, text = 'edited') => ({
  op: 'edit',
  block_id: block.id,
  version: block.version,
  content: { text },
});
const refusal = async (work: Promise<unknown>): Promise<DbError> => {
  const error: unknown = await work.then(
    () => new Error('it was accepted'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof DbError)) throw error as Error;
  return error;
};
/** Runs the work and checks that a refusal left nothing behind. */
async function refused(work: () => Promise<unknown>): Promise<DbError> {
  const before = await everything();
  const error = await refusal(work());
  expect(await everything()).toEqual(before);
  return error;
}
const everything = (): Promise<unknown> =>
  t.asOwner(
    `select (select seq from app.canvas_heads where canvas_id = $1) as seq,
       (select count(*) from app.canvas_events where canvas_id = $1) as events,
       (select count(*) from app.audit_logs where canvas_id = $1) as audits,
       (select jsonb_agg(b order by id) from app.blocks b where canvas_id = $1) as blocks`,
    [canvas.canvas_id],
  );

describe('a mutation', () => {
  test('writes its blocks, takes one seq, appends one event and one audit row, and answers what it did', async () => {
    const { id } = await addBlock(t.db, canvas);
    const child = randomUUID();
    const { result, replayed, workspace_id, seq, frame } = await mutate(t.db, canvas, [
      { op: 'edit', block_id: id, version: 1, content: { text: 'two' }, type: 'heading' },
      {
        op: 'create',
        block_id: child,
        parent_id: id,
        after_id: null,
        before_id: null,
        rank: 'V',
        type: 'todo',
        content: {},
      },
      { op: 'move', block_id: id, version: 2, parent_id: null, after_id: null, before_id: null, rank: 'k' },
    ]);
    expect({ replayed, workspace_id, seq }).toEqual({ replayed: false, workspace_id: canvas.workspace_id, seq: 2 });
    expect(result.ops).toMatchObject([
      { op: 'edit', block: { id, version: 2, type: 'heading', content: { text: 'two' } } },
      { op: 'create', block: { id: child, parent_id: id, version: 1, created_by: canvas.user_id } },
      { op: 'move', block: { id, version: 3, rank: 'k' } },
    ]);
    expect(result.ops[2]).not.toHaveProperty('block.content');
    expect(JSON.parse(frame)).toMatchObject({
      type: 'event',
      event: 'blocks.mutated',
      canvas_id: canvas.canvas_id,
      epoch: result.epoch,
      seq: 2,
      mutation_id: result.mutation_id,
      actor_user_id: canvas.user_id,
      request_id: 'test',
      payload: { ops: result.ops },
    });
    const audits = await t.asOwner('select action, after from app.audit_logs where canvas_id = $1 order by id', [
      canvas.canvas_id,
    ]);
    expect(audits).toEqual([
      { action: 'block.mutate', after: { ops: 1, seq: 1 } },
      { action: 'block.mutate', after: { ops: 3, seq: 2 } },
    ]);
  });

  test('what is published is, byte for byte, what fills a gap later', async () => {
    const made = await mutate(t.db, canvas, [
      { op: 'create', block_id: randomUUID(), rank: 'V', type: 'text', content: { text: 'ü "q" \\ \n 😀', n: 1.5 } },
    ]);
    const events = await getCanvasEvents(t.db, { ...canvas, after_seq: 0, limit: 10 });
    expect(events).toEqual([{ seq: 1, frame: made.frame }]);
  });

  test('sent again answers the same and changes nothing; also when archived since, or ten times at once', async () => {
    const id = randomUUID();
    const ops = [{ op: 'create', block_id: randomUUID(), rank: 'V', type: 'text', content: {} }];
    const answers = await Promise.all(Array.from({ length: 10 }, () => mutate(t.db, canvas, ops, id)));
    expect(answers.filter((answer) => !answer.replayed)).toHaveLength(1);
    await archiveCanvas(t.db, { ...canvas, request_id: 'r' });
    answers.push(await mutate(t.db, canvas, ops, id));
    for (const { result, seq, frame } of answers) {
      expect({ result, seq, frame }).toEqual({ result: answers[0]!.result, seq: 1, frame: answers[0]!.frame });
    }
    expect((await snapshot()).blocks).toHaveLength(1);
  });

  test('with the id of another is refused; the id of a refused one is free', async () => {
    const id = randomUUID();
    const block = await addBlock(t.db, canvas);
    const stale = [{ ...edit(block), version: 7 }];
    expect((await refused(() => mutate(t.db, canvas, stale, id))).code).toBe('block.version_conflict');
    await mutate(t.db, canvas, [edit(block)], id);
    const other = await refused(() => mutate(t.db, canvas, [edit(block, 'something else')], id));
    expect(other).toMatchObject({ kind: 'conflict', code: 'canvas.mutation_reused' });
  });

  test('of an archived canvas is refused', async () => {
    const block = await addBlock(t.db, canvas);
    await archiveCanvas(t.db, { ...canvas, request_id: 'r' });
    expect(await refused(() => mutate(t.db, canvas, [edit(block)]))).toMatchObject({
      kind: 'conflict',
      code: 'canvas.archived',
    });
  });

  test.each(['viewer', 'commenter'] as const)('of a %s is forbidden', async (role) => {
    const block = await addBlock(t.db, canvas);
    const person = await addCanvasAccess(t.db, canvas, role);
    const error = await refused(() => mutate(t.db, { ...canvas, ...person }, [edit(block)]));
    expect(error).toMatchObject({ kind: 'forbidden', code: 'canvas.forbidden', meta: { needed_role: 'editor', role } });
  });

  test('whose event would be larger than 4 MiB is refused, and leaves nothing', async () => {
    const { id } = await addBlock(t.db, canvas);
    const edits = (count: number) =>
      Array.from({ length: count }, (_, i) => edit({ id, version: 1 + i }, 'x'.repeat(60_000)));
    const timeout_ms = 10_000;
    const patient = {
      call: <T>(text: string, params?: readonly unknown[]) => t.db.call<T>(text, params, { timeout_ms }),
    };
    expect(await refused(() => mutate(patient, canvas, edits(70)))).toMatchObject({
      kind: 'invalid',
      code: 'canvas.mutation_too_large',
      meta: { pointer: '/ops' },
    });
    const { frame } = await mutate(patient, canvas, edits(69));
    expect(frame.length).toBeLessThanOrEqual(4 * 1024 * 1024);
  });

  test('gives up on the lock before the deadline of its statement, and no other statement waits less for it', async () => {
    const { id } = await addBlock(t.db, canvas);
    const scope = { ...canvas, needed_role: 'editor' };
    await withContext(t.db, scope, async (tx) => {
      await lockCanvas(tx, canvas);
      expect(await tx.call('show lock_timeout')).toEqual([{ lock_timeout: '0' }]);
      const late = t.db.call('select app.lock_canvas($1, $2, $3)', [canvas.user_id, canvas.canvas_id, 'editor'], {
        timeout_ms: 10_000,
      });
      await expect(late).rejects.toMatchObject({ name: 'DbUnavailableError', reason: '55P03' });
    });
    await mutate(t.db, canvas, [edit({ id, version: 1 })]);
  });

  test('that waited for the lock while its author lost access is refused', async () => {
    const block = await addBlock(t.db, canvas);
    const editor = await addCanvasAccess(t.db, canvas, 'editor');
    let waiting: Promise<DbError> | undefined;
    await withContext(t.db, { ...canvas, needed_role: 'admin' }, async (tx) => {
      await tx.call('select app.set_canvas_access($1, $2, $3, null, $4)', [
        canvas.user_id,
        canvas.canvas_id,
        editor.user_id,
        'r',
      ]);
      waiting = refusal(mutate(t.db, { ...canvas, ...editor }, [edit(block)]));
      await vi.waitFor(async () => {
        const blocked = await t.asOwner(
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        expect(blocked).toHaveLength(1);
      });
    });
    expect(await waiting).toMatchObject({ code: 'canvas.not_found' });
  });
});

describe('a stale version', () => {
  test('changes nothing, not even what came before it in the batch, and shows the block as it stands', async () => {
    const [a, b] = [await addBlock(t.db, canvas), await addBlock(t.db, canvas)];
    await mutate(t.db, canvas, [edit(b, 'newer')]);
    for (const op of [
      edit(b),
      { op: 'delete', block_id: b.id, version: 1 },
      { op: 'move', block_id: b.id, version: 1, rank: 'zz' },
    ]) {
      const error = await refused(() => mutate(t.db, canvas, [edit(a), op]));
      expect(error).toMatchObject({ kind: 'conflict', code: 'block.version_conflict' });
      expect(error.meta).toMatchObject({ op_index: 1, current: { id: b.id, version: 2, content: { text: 'newer' } } });
    }
  });

  test('a hundred at once on one block: each version is won by one', async () => {
    const block = await addBlock(t.db, canvas);
    const authors = await Promise.all(Array.from({ length: 5 }, () => addCanvasAccess(t.db, canvas, 'editor')));
    const persist = async (author: { user_id: string }, n: number): Promise<void> => {
      for (let version = 1; ;) {
        try {
          await mutate(t.db, { ...canvas, ...author }, [{ ...edit(block, `${author.user_id} ${n}`), version }]);
          return;
        } catch (error) {
          version = ((error as DbError).meta['current'] as BlockRow).version;
        }
      }
    };
    await Promise.all(authors.flatMap((author) => Array.from({ length: 10 }, (_, n) => persist(author, n))));
    const { seq, blocks } = await snapshot();
    expect({ seq, version: blocks[0]?.version }).toEqual({ seq: 51, version: 51 });
    expect(await replay()).toEqual(blocks);
  });
});

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

describe('the tree', () => {
  const create = (where: object) => ({
    op: 'create',
    block_id: randomUUID(),
    type: 'text',
    content: {},
    rank: 'V',
    ...where,
  });

  test('a parent that is unknown, in the trash, or on another canvas is not found', async () => {
    const trashed = await addBlock(t.db, canvas);
    await mutate(t.db, canvas, [{ op: 'delete', block_id: trashed.id, version: 1 }]);
    const elsewhere = await seedBlock(
      t.db,
      await seedCanvas(t.db, { workspace_id: canvas.workspace_id, owner_user_id: canvas.user_id }),
    );
    const a = await addBlock(t.db, canvas);
    for (const parent_id of [randomUUID(), trashed.id, elsewhere.id]) {
      for (const op of [create({ parent_id }), { op: 'move', block_id: a.id, version: 1, parent_id, rank: 'V' }]) {
        const error = await refused(() =>
          mutate(t.db, canvas, [edit(a), op.op === 'move' ? { ...op, version: 2 } : op]),
        );
        expect(error).toMatchObject({
          kind: 'invalid',
          code: 'block.parent_not_found',
          meta: { op_index: 1, pointer: '/ops/1/parent_id' },
        });
      }
    }
  });

  test('no block comes to stand in itself or below itself', async () => {
    const a = await addBlock(t.db, canvas);
    const b = await addBlock(t.db, canvas, { parent_id: a.id });
    const c = await addBlock(t.db, canvas, { parent_id: b.id });
    for (const parent_id of [a.id, b.id, c.id]) {
      const error = await refused(() =>
        mutate(t.db, canvas, [{ op: 'move', block_id: a.id, version: 1, parent_id, rank: 'zzV' }]),
      );
      expect(error).toMatchObject({ kind: 'invalid', code: 'block.cycle', meta: { op_index: 0 } });
    }
  });

  test('two moves that together would make a circle: one is refused', async () => {
    const [a, b] = [await addBlock(t.db, canvas), await addBlock(t.db, canvas)];
    const both = await Promise.allSettled([
      mutate(t.db, canvas, [{ op: 'move', block_id: a.id, version: 1, parent_id: b.id, rank: 'V' }]),
      mutate(t.db, canvas, [{ op: 'move', block_id: b.id, version: 1, parent_id: a.id, rank: 'V' }]),
    ]);
    expect(both.map((one) => one.status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });

  test('64 levels and no more, also when a subtree is moved below', async () => {
    const ids = Array.from({ length: 65 }, () => randomUUID());
    const chain = ids.map((block_id, i) => create({ block_id, parent_id: ids[i - 1] ?? null }));
    expect(await refused(() => mutate(t.db, canvas, chain))).toMatchObject({
      code: 'block.too_deep',
      meta: { op_index: 64 },
    });
    await mutate(t.db, canvas, chain.slice(0, 64));
    const [top, below] = [randomUUID(), randomUUID()];
    await mutate(t.db, canvas, [create({ block_id: top, rank: 'W' }), create({ block_id: below, parent_id: top })]);
    const move = (parent_id: string | undefined) =>
      mutate(t.db, canvas, [{ op: 'move', block_id: top, version: 1, parent_id, rank: 'X' }]);
    expect((await refused(() => move(ids[62]))).code).toBe('block.too_deep');
    await move(ids[61]);
  });

  test('deleting takes the whole subtree to the trash; what is there is not found, and its id stays taken', async () => {
    const a = await addBlock(t.db, canvas);
    const b = await addBlock(t.db, canvas, { parent_id: a.id });
    const c = await addBlock(t.db, canvas, { parent_id: b.id });
    const other = await addBlock(t.db, canvas);
    const { result } = await mutate(t.db, canvas, [{ op: 'delete', block_id: a.id, version: 1 }]);
    const [deleted] = result.ops;
    expect(deleted).toMatchObject({ op: 'delete', block_id: a.id });
    expect(deleted?.op === 'delete' ? deleted.block_ids.toSorted() : []).toEqual([a.id, b.id, c.id].toSorted());
    expect((await snapshot()).blocks.map((block) => block.id)).toEqual([other.id]);
    for (const op of [edit({ ...b, version: 2 }), { op: 'delete', block_id: c.id, version: 2 }]) {
      expect(await refused(() => mutate(t.db, canvas, [op]))).toMatchObject({
        kind: 'not_found',
        code: 'block.not_found',
      });
    }
    const again = await refused(() => mutate(t.db, canvas, [create({ block_id: a.id, rank: 'zzz' })]));
    expect(again).toMatchObject({ kind: 'conflict', code: 'block.already_exists', meta: { op_index: 0 } });
    const at_once = await refused(() =>
      mutate(t.db, canvas, [
        { op: 'delete', block_id: other.id, version: 1 },
        create({ block_id: other.id, rank: 'zzz' }),
      ]),
    );
    expect(at_once).toMatchObject({ code: 'block.already_exists', meta: { op_index: 1 } });
  });

  test('an id that exists on another canvas is as good as new', async () => {
    const elsewhere = await seedBlock(t.db, await seedCanvas(t.db));
    const { result } = await mutate(t.db, canvas, [create({ block_id: elsewhere.id })]);
    expect(result.ops).toHaveLength(1);
  });
});

describe('malformed input', () => {
  const id = randomUUID();
  const good = { op: 'create', block_id: id, rank: 'V', type: 'text', content: {} };
  const bad: [string, unknown, string][] = [
    ['no object', 5, 'op'],
    ['null', null, 'op'],
    ['a list', [], 'op'],
    ['an unknown op', { op: 'destroy', block_id: id }, 'op'],
    ['no op', { block_id: id }, 'op'],
    ['an id that is no UUID', { ...good, block_id: 'x' }, 'block_id'],
    ['an id that is a number', { ...good, block_id: 7 }, 'block_id'],
    ['no id', { ...good, block_id: null }, 'block_id'],
    ['an SQL injection for an id', { op: 'delete', block_id: `'; drop table app.blocks; --`, version: 1 }, 'block_id'],
    ['a parent that is no UUID', { ...good, parent_id: 'root' }, 'parent_id'],
    ['a parent that is an object', { ...good, parent_id: {} }, 'parent_id'],
    ['a neighbour that is no UUID', { ...good, after_id: '-' }, 'after_id'],
    ['no rank', { ...good, rank: undefined }, 'rank'],
    ['a rank of other letters', { ...good, rank: 'ä' }, 'rank'],
    ['an empty rank', { ...good, rank: '' }, 'rank'],
    ['a rank without end', { ...good, rank: 'V'.repeat(2001) }, 'rank'],
    ['a type with capitals', { ...good, type: 'Text' }, 'type'],
    ['a type that is null', { ...good, type: null }, 'type'],
    ['a type that breaks JSON', { ...good, type: 'te"xt' }, 'type'],
    ['content that is text', { ...good, content: 'hello' }, 'content'],
    ['content that is null', { ...good, content: null }, 'content'],
    ['no version', { op: 'edit', block_id: id, content: {} }, 'version'],
    ['a version of zero', { op: 'edit', block_id: id, version: 0, content: {} }, 'version'],
    ['half a version', { op: 'edit', block_id: id, version: 1.5, content: {} }, 'version'],
    ['a huge version', { op: 'edit', block_id: id, version: 99999999999, content: {} }, 'version'],
    ['an edit of nothing', { op: 'edit', block_id: id, version: 1 }, ''],
  ];

  test.each(bad)('%s names the op and the field, and writes nothing', async (_, op, field) => {
    const first = { ...good, block_id: randomUUID(), rank: 'A' };
    const error = await refused(() => mutate(t.db, canvas, [first, op as object]));
    expect(error.kind).toBe('invalid');
    expect(error.meta).toMatchObject({ op_index: 1, pointer: field ? `/ops/1/${field}` : '/ops/1' });
  });

  test.each([[[]], [{}], ['x'], [null], [5]])('ops that are %j are invalid', async (ops) => {
    const error = await refusal(mutate(t.db, canvas, ops as object[]));
    expect(error.kind).toBe('invalid');
  });

  test('content that the block of that type would not take is invalid', async () => {
    const block = await addBlock(t.db, canvas);
    const op = { ...edit(block), refused_types: ['todo', 'text'] };
    expect(await refused(() => mutate(t.db, canvas, [op]))).toMatchObject({
      kind: 'invalid',
      code: 'block.content_invalid',
    });
    await mutate(t.db, canvas, [{ ...edit(block), refused_types: ['todo'] }]);
  });

  test('whatever is sent as ops is accepted or refused, and never breaks', async () => {
    const value = fc.oneof(
      fc.constantFrom(id, 'V', 'text', 'create', 'edit', 'move', 'delete', '', null, 1, true),
      fc.jsonValue({ maxDepth: 2 }),
    );
    const keys = ['op', 'block_id', 'parent_id', 'after_id', 'before_id', 'rank', 'type', 'content', 'version'];
    const op = fc.oneof(fc.dictionary(fc.constantFrom(...keys), value), fc.jsonValue({ maxDepth: 2 }));
    await fc.assert(
      fc.asyncProperty(fc.array(op, { maxLength: 4 }), async (ops) => {
        const error: unknown = await mutate(t.db, canvas, ops as object[]).catch((reason: unknown) => reason);
        if (error instanceof Error) expect(error).toBeInstanceOf(DbError);
      }),
      { numRuns: 150 },
    );
  });
});

describe('the one-op form', () => {
  const upsert = (block_id: string, version: number | null, patch: object) =>
    t.db.call<{ result: { ops: OpResult[] } }>(
      'select * from app.rpc_upsert_block_atomic($1, $2, $3, $4, $5, $6, $7, $8)',
      [canvas.user_id, canvas.canvas_id, randomUUID(), 'h', block_id, version, patch, 'r'],
    );

  test('creates, edits, moves, and refuses what is stale or two things at once', async () => {
    const id = randomUUID();
    await upsert(id, null, { rank: 'V', type: 'text', content: {} });
    await upsert(id, 1, { content: { text: 'x' } });
    const [moved] = await upsert(id, 2, { rank: 'W' });
    expect(moved?.result.ops).toMatchObject([{ op: 'move', block: { id, version: 3, rank: 'W' } }]);
    expect(await refused(() => upsert(id, 1, { content: {} }))).toMatchObject({
      code: 'block.version_conflict',
      meta: { current: { version: 3 } },
    });
    expect((await refused(() => upsert(id, 3, { content: {}, rank: 'X' }))).code).toBe('block.one_op');
    expect((await refused(() => upsert(id, null, { rank: 'Y', type: 'text', content: {} }))).code).toBe(
      'block.already_exists',
    );
  });
});

/** The live blocks, made from the events alone. */
async function replay(): Promise<BlockRow[]> {
  const blocks = new Map<string, BlockRow>();
  for (let after_seq = 0; ;) {
    const events = await getCanvasEvents(t.db, { ...canvas, after_seq, limit: 100 });
    if (events.length === 0) break;
    for (const { seq, frame } of events) {
      expect(seq).toBe(++after_seq);
      for (const op of (JSON.parse(frame) as { payload: { ops: OpResult[] } }).payload.ops) {
        if (op.op === 'delete') for (const id of op.block_ids) blocks.delete(id);
        else if ('blocks' in op) for (const block of op.blocks) blocks.set(block.id, block);
        else blocks.set(op.block.id, { ...blocks.get(op.block.id), ...op.block } as BlockRow);
      }
    }
  }
  const top = (block: BlockRow): string => block.parent_id ?? '';
  return [...blocks.values()].sort((a, b) =>
    top(a) === top(b) ? (a.rank < b.rank ? -1 : 1) : top(a) < top(b) ? -1 : 1,
  );
}

test('whatever three people do at once, the events tell exactly how the blocks stand, and the tree is whole', async () => {
  const step = fc.record({
    who: fc.nat(2),
    what: fc.constantFrom('create', 'edit', 'move', 'delete'),
    which: fc.nat(),
    where: fc.nat(),
    under: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      canvas = await seedCanvas(t.db);
      const people = await Promise.all([0, 1, 2].map(() => addCanvasAccess(t.db, canvas, 'editor')));
      await Promise.all(
        people.map(async (person, who) => {
          for (const { what, which, where, under } of steps.filter((one) => one.who === who)) {
            const scope = { ...canvas, ...person };
            const { blocks } = await snapshot();
            const pick = (n: number): BlockRow | undefined => blocks[n % Math.max(blocks.length, 1)];
            const target = pick(which);
            const parent_id = under % 2 ? (pick(under)?.id ?? null) : null;
            const siblings = blocks.filter((block) => block.parent_id === parent_id);
            const after_id = siblings[where % (siblings.length + 1)]?.id ?? null;
            const at = async () => place(t.db, scope, where % 3 ? { parent_id, after_id } : { parent_id });
            const op = async (): Promise<object | undefined> => {
              if (what === 'create' || !target)
                return { op: 'create', block_id: randomUUID(), type: 'text', content: {}, ...(await at()) };
              const { id: block_id, version } = target;
              if (what === 'edit') return edit(target, String(which));
              return what === 'delete'
                ? { op: 'delete', block_id, version }
                : { op: 'move', block_id, version, ...(await at()) };
            };
            try {
              const made = await op();
              if (made) await mutate(t.db, scope, [made]);
            } catch (error) {
              // Refusals are part of the game; `place` finds no gap where a neighbour has left.
              if (!(error instanceof DbError) && !(error as Error).message.includes('is not there')) throw error;
            }
          }
        }),
      );
      const { seq, blocks } = await snapshot();
      expect(await replay()).toEqual(blocks);
      const [head] = await t.asOwner<{ n: string }>(
        'select count(*) as n from app.canvas_events where canvas_id = $1',
        [canvas.canvas_id],
      );
      expect(Number(head?.n)).toBe(seq);
      const byId = new Map(blocks.map((block) => [block.id, block]));
      for (const block of blocks) {
        const above = new Set<string>();
        for (let up: BlockRow | undefined = block; up; up = up.parent_id ? byId.get(up.parent_id) : undefined) {
          expect(above.has(up.id)).toBe(false);
          above.add(up.id);
          if (up.parent_id) expect(byId.has(up.parent_id)).toBe(true);
        }
      }
    }),
    { numRuns: 12 },
  );
}, 60_000);

test('changes of access and edits at once do not deadlock', async () => {
  const block = await addBlock(t.db, canvas);
  const person = await addCanvasAccess(t.db, canvas, 'viewer');
  const roles = ['editor', 'commenter', 'viewer', 'admin'] as const;
  const outcomes = await Promise.allSettled(
    Array.from({ length: 40 }, (_, n) =>
      n % 2
        ? setCanvasAccess(t.db, { ...canvas, target_user_id: person.user_id, role: roles[n % 4]!, request_id: 'r' })
        : mutate(t.db, canvas, [{ ...edit(block), version: 1 + (n % 7) }]),
    ),
  );
  const failures = outcomes.flatMap((one) => (one.status === 'rejected' ? [(one.reason as DbError).code] : []));
  expect(new Set(failures)).toEqual(new Set(['block.version_conflict']));
});
