import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { withContext } from '../context.ts';
import { type DbError } from '../errors.ts';
import { addBlock, mutate } from '../testing/blocks.ts';
import { edit, readSnapshot, refusal, refusalWithoutTrace, replayBlocks } from '../testing/canvas-kit.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { addCanvasAccess, seedCanvas, seedUser, type SeededCanvas } from '../testing/seed.ts';
import { archiveCanvas, getCanvasEvents, lockCanvas, setCanvasAccess } from './queries.ts';
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

const snapshot = () => readSnapshot(t.db, canvas);

const refused = (work: () => Promise<unknown>) => refusalWithoutTrace(t, [canvas], work);

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

  test('does not wait for the lock where its author may not write', async () => {
    const block = await addBlock(t.db, canvas);
    const viewer = await addCanvasAccess(t.db, canvas, 'viewer');
    const stranger = await seedUser(t.db);
    await withContext(t.db, { ...canvas, needed_role: 'editor' }, async (tx) => {
      await lockCanvas(tx, canvas);
      expect(await refusal(mutate(t.db, { ...canvas, ...viewer }, [edit(block)]))).toMatchObject({
        code: 'canvas.forbidden',
      });
      expect(await refusal(mutate(t.db, { ...canvas, ...stranger }, [edit(block)]))).toMatchObject({
        code: 'canvas.not_found',
      });
    });
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
    expect(await replayBlocks(t.db, canvas)).toEqual(blocks);
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
