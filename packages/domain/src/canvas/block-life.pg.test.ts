import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import {
  addCanvasAccess,
  addMember,
  seedBlock,
  seedCanvas,
  seedUser,
  seedWorkspace,
  type SeededCanvas,
  type SeededWorkspace,
} from '@potentia/db/testing/seed';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { canvasChannel } from '../platform/bus.ts';
import type { Ctx, UserCtx } from '../platform/ctx.ts';
import { personCtx, recordBus, type RecordedBus } from '../platform/testing/person.ts';
import { newId } from '../platform/uuid.ts';
import { copyBlock } from './copy-block.ts';
import { duplicateCanvas } from './duplicate-canvas.ts';
import { getSnapshot } from './get-snapshot.ts';
import { blockVersion, historyPage, transferResult, trashPage } from './history-schemas.ts';
import { listBlockHistory } from './list-block-history.ts';
import { listTrash } from './list-trash.ts';
import { moveBlock } from './move-block.ts';
import { mutateBlocks } from './mutate-blocks.ts';
import { purgeTrash } from './purge-trash.ts';
import { thinHistory } from './thin-history.ts';
import { restoreBlock } from './restore-block.ts';
import { revertBlock } from './revert-block.ts';
import { mutationResult, type BlockOpInput, type Snapshot } from './schemas.ts';

let database: TestDatabase;
let workspace: SeededWorkspace;
let here: SeededCanvas;
let there: SeededCanvas;
let bus: RecordedBus;
let ctx: UserCtx;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  workspace = await seedWorkspace(database.db);
  [here, there] = [await seedCanvas(database.db, workspace), await seedCanvas(database.db, workspace)];
  bus = recordBus();
  ctx = personCtx(database.db, workspace.owner_user_id, { bus });
});

const add = async (parent_id: string | null = null): Promise<string> => {
  const op: BlockOpInput = { op: 'create', type: 'text', content: { text: 'one' }, parent_id };
  const { ops } = await mutateBlocks(ctx, { canvas_id: here.canvas_id, mutation_id: newId(), ops: [op] });
  return (ops[0] as { block: { id: string } }).block.id;
};
const change = (...ops: BlockOpInput[]) => mutateBlocks(ctx, { canvas_id: here.canvas_id, mutation_id: newId(), ops });
const list = async ({ canvas_id }: SeededCanvas): Promise<string[]> =>
  (JSON.parse(await getSnapshot(ctx, { canvas_id })) as Snapshot).blocks.map(({ id }) => id);
const ref = (block_id: string) => ({ canvas_id: here.canvas_id, block_id, mutation_id: newId() });
const failsWith = (code: string, meta: object = {}) =>
  expect.objectContaining({ code, meta: expect.objectContaining(meta) as object }) as Error;
const channels = (): string[] => bus.published.map(({ channel }) => channel);

describe('moving', () => {
  it('within a canvas needs no version, and takes one; a refusal names the fields of the body', async () => {
    const [a, b] = [await add(), await add()];
    const result = await moveBlock(ctx, { ...ref(b), after_id: null });
    expect(transferResult.parse(result)).toMatchObject({ canvas_id: here.canvas_id, seq: 3, replayed: false });
    expect(await list(here)).toEqual([b, a]);
    await expect(moveBlock(ctx, { ...ref(b), version: 1 })).rejects.toEqual(
      failsWith('block.version_conflict', { errors: [{ pointer: '/version', message: expect.any(String) }] }),
    );
    await expect(moveBlock(ctx, { ...ref(b), parent_id: newId() })).rejects.toEqual(
      failsWith('block.parent_not_found', { errors: [{ pointer: '/parent_id', message: expect.any(String) }] }),
    );
    await expect(moveBlock(ctx, { ...ref(b), after_id: newId() })).rejects.toEqual(
      failsWith('block.after_not_found', { errors: [{ pointer: '/after_id', message: expect.any(String) }] }),
    );
    await moveBlock(ctx, { ...ref(b), version: 2 });
  });

  it('to another canvas tells the hubs of both', async () => {
    const a = await add();
    const below = await add(a);
    bus.published.length = 0;
    const input = { ...ref(a), to_canvas_id: there.canvas_id };
    const result = await moveBlock(ctx, input);
    expect(transferResult.parse(result)).toMatchObject({ canvas_id: there.canvas_id, seq: 1 });
    expect([await list(here), await list(there)]).toEqual([[], [a, below]]);
    expect(channels()).toEqual([canvasChannel(there.canvas_id), canvasChannel(here.canvas_id)]);
    expect(await moveBlock(ctx, input)).toEqual({ ...result, replayed: true });
    expect(channels()).toHaveLength(2);
    await expect(moveBlock(ctx, { ...input, parent_id: below })).rejects.toEqual(failsWith('canvas.mutation_reused'));
  });

  it('to a place that is none, or a canvas that one does not see, moves nothing', async () => {
    const a = await add();
    const input = { ...ref(a), to_canvas_id: there.canvas_id };
    await expect(moveBlock(ctx, { ...input, after_id: newId() })).rejects.toEqual(
      failsWith('block.after_not_found', { errors: [{ pointer: '/after_id', message: expect.any(String) }] }),
    );
    const foreign = await seedCanvas(database.db);
    await expect(moveBlock(ctx, { ...input, to_canvas_id: foreign.canvas_id })).rejects.toEqual(
      failsWith('canvas.not_found'),
    );
    expect(await list(here)).toEqual([a]);
  });

  it('by many into one gap at once: all succeed', async () => {
    const blocks = await Promise.all(Array.from({ length: 12 }, () => seedBlock(database.db, here)));
    await Promise.all(
      blocks.map(({ id }) => moveBlock(ctx, { ...ref(id), to_canvas_id: there.canvas_id, after_id: null })),
    );
    expect((await list(there)).sort()).toEqual(blocks.map(({ id }) => id).sort());
  });
});

describe('copying', () => {
  it('within a batch: later operations may follow the copy, and not stand in it', async () => {
    const a = await add();
    await add(a);
    const [copy_id, after] = [newId(), newId()];
    const copy: BlockOpInput = { op: 'copy', block_id: a, copy_id, after_id: null };
    const text = { op: 'create', type: 'text', content: { text: '' } } as const;
    const result = await change(copy, { ...text, block_id: after, after_id: copy_id });
    expect(mutationResult.parse(result).ops[0]).toMatchObject({ op: 'copy', block_id: copy_id });
    expect((await list(here)).slice(0, 3)).toEqual([copy_id, after, a]);
    const inside: BlockOpInput[] = [{ ...copy, copy_id: newId() }];
    inside.push({ ...text, parent_id: (inside[0] as { copy_id: string }).copy_id });
    await expect(change(...inside)).rejects.toEqual(failsWith('block.after_not_found', { op_index: 1 }));
  });

  it('to another canvas is for who edits there and sees this one', async () => {
    const a = await add();
    const guest = await addCanvasAccess(database.db, here, 'viewer');
    await addCanvasAccess(database.db, there, 'editor', guest);
    const other = personCtx(database.db, guest.user_id);
    const result = await copyBlock(other, { ...ref(a), to_canvas_id: there.canvas_id });
    expect(await list(there)).toHaveLength(1);
    expect(result.canvas_id).toBe(there.canvas_id);
    await expect(copyBlock(other, ref(a))).rejects.toEqual(failsWith('canvas.forbidden'));
  });
});

describe('the trash and the history', () => {
  it('show what was, page by page, and bring it back', async () => {
    const a = await add();
    await change({ op: 'edit', block_id: a, version: 1, content: { text: 'two' } });
    const b = await add();
    await change({ op: 'delete', block_id: a, version: 2 }, { op: 'delete', block_id: b, version: 1 });
    const first = await listTrash(ctx, { canvas_id: here.canvas_id, limit: 1 });
    expect(trashPage.parse(first).items).toHaveLength(1);
    const second = await listTrash(ctx, { canvas_id: here.canvas_id, cursor: first.next_cursor ?? '' });
    expect([...first.items, ...second.items].map(({ block_id }) => block_id).sort()).toEqual([a, b].sort());
    expect(second.next_cursor).toBeNull();

    await restoreBlock(ctx, ref(b));
    await expect(restoreBlock(ctx, ref(b))).rejects.toEqual(failsWith('block.not_in_trash'));
    const page = await listBlockHistory(ctx, { canvas_id: here.canvas_id, block_id: a, limit: 2 });
    expect(historyPage.parse(page).items.map(({ op }) => op)).toEqual(['delete', 'edit']);
    const rest = await listBlockHistory(ctx, {
      canvas_id: here.canvas_id,
      block_id: a,
      cursor: page.next_cursor ?? '',
    });
    expect(rest).toMatchObject({ items: [{ op: 'create', version: 1 }], next_cursor: null });
    expect(blockVersion.parse(rest.items[0]).block).toMatchObject({ content: { text: 'one' } });

    const input = { ...ref(a), version: 3, to_version: 1 };
    const reverted = await revertBlock(ctx, input);
    expect(reverted.ops).toMatchObject([{ op: 'restore', blocks: [{ id: a, version: 4, content: { text: 'one' } }] }]);
    expect(await revertBlock(ctx, input)).toEqual({ ...reverted, replayed: true });
    await expect(revertBlock(ctx, { ...ref(a), version: 3, to_version: 1 })).rejects.toEqual(
      failsWith('block.version_conflict', { current: expect.objectContaining({ version: 4 }) as object }),
    );
    expect(await list(here)).toHaveLength(2);
  });

  it('what comes back without its parent finds the end, while ten others append', async () => {
    const a = await add();
    const b = await add(a);
    await change({ op: 'delete', block_id: b, version: 1 }, { op: 'delete', block_id: a, version: 1 });
    await Promise.all([restoreBlock(ctx, ref(b)), ...Array.from({ length: 10 }, () => add())]);
    expect(await list(here)).toHaveLength(11);
  });

  it('are purged by a job that may run twice at once', async () => {
    for (let n = 0; n < 3; n++) await change({ op: 'delete', block_id: await add(), version: 1 });
    await database.asOwner(`update app.blocks set deleted_at = deleted_at - interval '31 days' where canvas_id = $1`, [
      here.canvas_id,
    ]);
    const job: Ctx = { ...ctx, db: database.job_db, actor: { type: 'system', reason: 'canvas.purge_trash' } };
    const sums = await Promise.all([purgeTrash(job), purgeTrash(job)]);
    expect(sums.reduce((sum, { blocks }) => sum + blocks, 0)).toBe(3);
    expect((await listTrash(ctx, { canvas_id: here.canvas_id })).items).toEqual([]);
  });

  it('of a canvas that cannot be purged keep no other waiting', async () => {
    const damaged = await seedCanvas(database.db, workspace);
    const root = await seedBlock(database.db, damaged, { deleted_at: '2020-01-01T00:00:00Z' });
    const below = await seedBlock(database.db, damaged, { parent_id: root.id });
    await change({ op: 'delete', block_id: await add(), version: 1 });
    await database.asOwner(`update app.blocks set deleted_at = deleted_at - interval '31 days' where canvas_id = $1`, [
      here.canvas_id,
    ]);
    const job: Ctx = { ...ctx, db: database.job_db, actor: { type: 'system', reason: 'canvas.purge_trash' } };
    expect(await purgeTrash(job)).toMatchObject({ blocks: 1 });
    const left = await database.asOwner('select id from app.blocks where canvas_id = $1 order by id', [
      damaged.canvas_id,
    ]);
    expect(left).toEqual([root.id, below.id].toSorted().map((id) => ({ id })));
  });
});

describe('duplicating a canvas', () => {
  it('makes one copy per Idempotency-Key', async () => {
    await add(await add());
    const keyed = { ...ctx, idempotency_key: newId() };
    const [first, second] = await Promise.all([
      duplicateCanvas(keyed, { canvas_id: here.canvas_id }),
      duplicateCanvas(keyed, { canvas_id: here.canvas_id }),
    ]);
    expect(second.result).toEqual(first.result);
    expect([first.replayed, second.replayed].sort()).toEqual([false, true]);
    const copy = { ...here, canvas_id: first.result.id };
    expect(await list(copy)).toHaveLength(2);
  });

  it('is for members; nobody else learns more than they know', async () => {
    const input = { canvas_id: here.canvas_id };
    const as = (who: { user_id: string }) => duplicateCanvas(personCtx(database.db, who.user_id), input);
    await as(await addMember(database.db, workspace));
    await expect(as(await addCanvasAccess(database.db, here, 'editor'))).rejects.toEqual(
      failsWith('workspace.forbidden'),
    );
    await expect(as(await seedUser(database.db))).rejects.toEqual(failsWith('canvas.not_found'));
  });
});

describe('thinning', () => {
  it('keeps the last of old edits, in a job that may run twice at once and is not for people', async () => {
    const id = await add();
    for (let version = 1; version < 6; version++)
      await change({ op: 'edit', block_id: id, version, content: { text: String(version) } });
    await database.asOwner(
      `update app.canvas_events set created_at = date_bin('10 minutes', now(), 'epoch') - interval '8 days' + seq * interval '1 second'
       where canvas_id = $1`,
      [here.canvas_id],
    );
    await expect(thinHistory(ctx)).rejects.toThrow();
    const job: Ctx = { ...ctx, db: database.job_db, actor: { type: 'system', reason: 'canvas.thin_history' } };
    const sums = await Promise.all([thinHistory(job), thinHistory(job)]);
    await thinHistory(job);
    expect(sums.reduce((sum, { edits }) => sum + edits, 0)).toBe(4);
    const { items } = await listBlockHistory(ctx, { canvas_id: here.canvas_id, block_id: id });
    expect(items.map(({ version }) => version)).toEqual([6, 1]);
  });
});
