import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { lockCanvas } from '@potentia/db/canvas/queries';
import { createDb } from '@potentia/db/client';
import { withContext } from '@potentia/db/context';
import { addCanvasAccess, seedCanvas, seedUser, type SeededCanvas } from '@potentia/db/testing/seed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canvasChannel } from '../platform/bus.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { personCtx, recordBus } from '../platform/testing/person.ts';
import { newId } from '../platform/uuid.ts';
import { archiveCanvas } from './archive-canvas.ts';
import { getSnapshot } from './get-snapshot.ts';
import { mutateBlocks } from './mutate-blocks.ts';
import { mutationResult, type Block, type BlockOpInput, type MutationResult, type Snapshot } from './schemas.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

interface Setup {
  ctx: UserCtx;
  canvas: SeededCanvas;
  canvas_id: string;
  mutate: (...ops: BlockOpInput[]) => Promise<MutationResult>;
  /** Ids of the children of a block, or of the top level, in order. */
  list: (parent_id?: string) => Promise<string[]>;
}

async function setUp(): Promise<Setup> {
  const canvas = await seedCanvas(database.db);
  const { canvas_id } = canvas;
  const ctx = personCtx(database.db, canvas.user_id);
  return {
    ctx,
    canvas,
    canvas_id,
    mutate: (...ops) => mutateBlocks(ctx, { canvas_id, mutation_id: newId(), ops }),
    list: async (parent_id) => (await readBlocks(ctx, canvas_id, parent_id ?? null)).map(({ id }) => id),
  };
}

/** A pool of three connections. */
async function openSmallDb() {
  const db = createDb({
    url: database.app_url,
    pool_size: 3,
    timeout_ms: 800,
    prepare: true,
    application_name: 'test',
  });
  await db.ping();
  return { db, [Symbol.asyncDispose]: () => db.end() };
}

async function readBlocks(ctx: UserCtx, canvas_id: string, parent_id: string | null): Promise<Block[]> {
  const { blocks } = JSON.parse(await getSnapshot(ctx, { canvas_id })) as Snapshot;
  return blocks.filter((block) => block.parent_id === parent_id);
}

const text = (block_id: string, place: { after_id?: string | null; parent_id?: string | null } = {}): BlockOpInput => ({
  op: 'create',
  block_id,
  type: 'text',
  content: { text: block_id },
  ...place,
});

const failsWith = (code: string, meta: object = {}) =>
  expect.objectContaining({ code, meta: expect.objectContaining(meta) as object }) as Error;

describe('mutateBlocks: places', () => {
  it('appends, prepends and inserts, and publishes one event per mutation as it is stored', async () => {
    const bus = recordBus();
    const { ctx, canvas_id, list } = await setUp();
    const [a, b, c, d] = [newId(), newId(), newId(), newId()];
    const apply = (...ops: BlockOpInput[]) => mutateBlocks({ ...ctx, bus }, { canvas_id, mutation_id: newId(), ops });
    await apply(text(b));
    await apply(text(d));
    await apply(text(a, { after_id: null }));
    const { seq, epoch } = await apply(text(c, { after_id: b }));
    expect(await list()).toEqual([a, b, c, d]);
    expect(seq).toBe(4);
    expect(bus.published.map(({ message }) => message.seq)).toEqual([1, 2, 3, 4]);
    expect(bus.published.every(({ channel }) => channel === canvasChannel(canvas_id))).toBe(true);
    expect(JSON.parse(bus.published[3]?.message.frame ?? '')).toMatchObject({
      type: 'event',
      event: 'blocks.mutated',
      canvas_id,
      epoch,
      seq: 4,
      request_id: ctx.request_id,
      payload: { ops: [{ op: 'create', block: { id: c } }] },
    });
  });

  it('lets operations of a batch refer to blocks of the same batch', async () => {
    const { mutate, list } = await setUp();
    const [a, b, c, d, e, f] = Array.from({ length: 6 }, newId) as [string, string, string, string, string, string];
    await mutate(
      text(a),
      text(d),
      text(b, { after_id: a }),
      text(c, { after_id: b }),
      text(f, { parent_id: c }),
      text(e, { parent_id: c, after_id: null }),
    );
    expect(await list()).toEqual([a, b, c, d]);
    expect(await list(c)).toEqual([e, f]);
  });

  it('moves within a list, between lists, and back in one batch', async () => {
    const { mutate, list } = await setUp();
    const [a, b, c, d] = Array.from({ length: 4 }, newId) as [string, string, string, string];
    await mutate(text(a), text(b), text(c), text(d));
    await mutate({ op: 'move', block_id: d, version: 1, after_id: a });
    expect(await list()).toEqual([a, d, b, c]);
    await mutate({ op: 'move', block_id: b, version: 1, parent_id: a });
    expect([await list(), await list(a)]).toEqual([[a, d, c], [b]]);
    await mutate({ op: 'move', block_id: a, version: 1 }, { op: 'move', block_id: b, version: 2, after_id: null });
    expect(await list()).toEqual([b, d, c, a]);
  });

  it('places beside blocks that the same batch moves away', async () => {
    const { mutate, list } = await setUp();
    const [a, b, c, x, y] = Array.from({ length: 5 }, newId) as [string, string, string, string, string];
    await mutate(text(a), text(b), text(c));
    await mutate(
      { op: 'move', block_id: b, version: 1, parent_id: a },
      text(x, { after_id: a }),
      { op: 'move', block_id: c, version: 1, after_id: null },
      text(y),
    );
    expect([await list(), await list(a)]).toEqual([[c, a, x, y], [b]]);
  });

  it('gives short ranks to 400 blocks in one gap, in their order', async () => {
    const { mutate, list, ctx, canvas_id } = await setUp();
    const [first, last] = [newId(), newId()];
    await mutate(text(first), text(last));
    const ids = Array.from({ length: 400 }, newId);
    await mutate(...ids.map((id, i) => text(id, { after_id: ids[i - 1] ?? first })));
    expect(await list()).toEqual([first, ...ids, last]);
    const blocks = await readBlocks(ctx, canvas_id, null);
    expect(Math.max(...blocks.map(({ rank }) => rank.length))).toBeLessThanOrEqual(6);
  });

  it('lets many insert into the same gap at once: all succeed, and everybody reads the same order', async () => {
    const { ctx, canvas, canvas_id, mutate, list } = await setUp();
    const other = await addCanvasAccess(database.db, canvas);
    const [a, z] = [newId(), newId()];
    await mutate(text(a), text(z));
    const people = [ctx, personCtx(database.db, other.user_id)];
    const ids = Array.from({ length: 48 }, newId);
    await Promise.all(
      ids.map((id, i) =>
        mutateBlocks(people[i % 2] as UserCtx, {
          canvas_id,
          mutation_id: newId(),
          ops: [text(id, { after_id: i % 4 === 3 ? undefined : a })],
        }),
      ),
    );
    const order = await list();
    expect([...order].sort()).toEqual([a, z, ...ids].sort());
    expect(order[0]).toBe(a);
    expect((await readBlocks(people[1] as UserCtx, canvas_id, null)).map(({ id }) => id)).toEqual(order);
  });
});

describe('mutateBlocks: versions', () => {
  it('changes nothing on a stale version, and answers with the block as it is', async () => {
    const { mutate, ctx, canvas_id } = await setUp();
    const [a, b] = [newId(), newId()];
    await mutate(text(a));
    await mutate({ op: 'edit', block_id: a, version: 1, content: { text: 'second' } });
    await expect(mutate(text(b), { op: 'edit', block_id: a, version: 1, content: { text: 'late' } })).rejects.toThrow(
      failsWith('block.version_conflict', {
        op_index: 1,
        current: expect.objectContaining({ id: a, version: 2, content: { text: 'second' } }) as unknown,
      }),
    );
    expect((await readBlocks(ctx, canvas_id, null)).map(({ id }) => id)).toEqual([a]);
  });

  it('lets exactly one of many edits of one version win', async () => {
    const { mutate } = await setUp();
    const a = newId();
    await mutate(text(a));
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) => mutate({ op: 'edit', block_id: a, version: 1, content: { text: `${i}` } })),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('puts a block and what stands below it into the trash', async () => {
    const { mutate, list } = await setUp();
    const [a, b, c] = Array.from({ length: 3 }, newId) as [string, string, string];
    await mutate(text(a), text(b, { parent_id: a }), text(c, { parent_id: b }));
    const { ops } = await mutate({ op: 'delete', block_id: a, version: 1 });
    expect(ops).toEqual([{ op: 'delete', block_id: a, block_ids: expect.arrayContaining([a, b, c]) as unknown }]);
    expect(await list()).toEqual([]);
    await expect(mutate({ op: 'edit', block_id: b, version: 2, content: { text: '' } })).rejects.toThrow(
      failsWith('block.not_found', { op_index: 0 }),
    );
  });
});

describe('mutateBlocks: nobody pays for others', () => {
  it('sends no content to everybody for blocks that only move', async () => {
    const { canvas, ctx, mutate, canvas_id } = await setUp();
    const bus = recordBus();
    const ids = Array.from({ length: 100 }, newId);
    const fat = (id: string): BlockOpInput => ({ ...text(id), content: { text: 'x'.repeat(16_000) } }) as BlockOpInput;
    await mutate(...ids.map(fat));
    const moves = ids.map((block_id): BlockOpInput => ({ op: 'move', block_id, version: 1, after_id: null }));
    const result = await mutateBlocks({ ...ctx, bus }, { canvas_id, mutation_id: newId(), ops: moves });
    expect(result.ops.map((op) => mutationResult.shape.ops.element.parse(op))).toEqual(result.ops);
    expect(result.ops[0]).toEqual({
      op: 'move',
      block: {
        id: ids[0],
        canvas_id,
        parent_id: null,
        type: 'text',
        rank: expect.any(String) as string,
        version: 2,
        created_by: canvas.user_id,
        updated_by: canvas.user_id,
        created_at: expect.any(String) as string,
        updated_at: expect.any(String) as string,
      },
    });
    for (const sent of [JSON.stringify(result), bus.published[0]?.message.frame ?? '']) {
      expect(sent.length).toBeLessThan(60_000);
    }
    expect((await readBlocks(ctx, canvas_id, null))[0]).toMatchObject({ content: { text: 'x'.repeat(16_000) } });
  });

  it('leaves connections to other canvases while many wait for the lock of one, and then applies each', async () => {
    const { canvas, canvas_id, mutate } = await setUp();
    const other = await setUp();
    await using small = await openSmallDb();
    const ctx = personCtx(small.db, canvas.user_id);
    const ids = Array.from({ length: 40 }, newId);
    await mutate(...ids.map((id) => text(id)));
    const edit = (block_id: string): BlockOpInput => ({ op: 'edit', block_id, version: 1, content: { text: 'new' } });
    let writers: Promise<unknown>[] = [];
    const finished: string[] = [];
    await withContext(database.db, { user_id: canvas.user_id, canvas_id, needed_role: 'editor' }, async (tx) => {
      await lockCanvas(tx, { user_id: canvas.user_id, canvas_id });
      writers = ids.map((id) =>
        mutateBlocks(ctx, { canvas_id, mutation_id: newId(), ops: [edit(id)] }).finally(() => finished.push('writer')),
      );
      // A round trip: by now those writers that may have a connection have it.
      await database.db.ping();
      const read = getSnapshot(personCtx(small.db, other.canvas.user_id), { canvas_id: other.canvas_id });
      await Promise.race([read.then(() => finished.push('reader')), ...writers]);
      expect(finished).toEqual(['reader']);
    });
    await Promise.all(writers);
    const { blocks, seq } = JSON.parse(await getSnapshot(ctx, { canvas_id })) as Snapshot;
    expect([seq, new Set(blocks.map(({ version }) => version))]).toEqual([41, new Set([2])]);
  });
});

describe('mutateBlocks: once', () => {
  it('applies the same mutation once when it is sent twice, one after the other', async () => {
    const bus = recordBus();
    const { ctx, canvas_id, list } = await setUp();
    const input = {
      canvas_id,
      mutation_id: newId(),
      ops: [{ op: 'create' as const, type: 'text', content: { text: '' } }],
    };
    const first = await mutateBlocks({ ...ctx, bus }, input);
    const second = await mutateBlocks({ ...ctx, bus }, input);
    expect(first.replayed).toBe(false);
    expect(second).toEqual({ ...first, replayed: true });
    expect(await list()).toHaveLength(1);
    expect(bus.published).toHaveLength(1);
  });

  it('applies the same mutation once when it is sent many times at once', async () => {
    const { ctx, canvas_id, list } = await setUp();
    const input = { canvas_id, mutation_id: newId(), ops: [text(newId())] };
    const results = await Promise.all(Array.from({ length: 6 }, () => mutateBlocks(ctx, input)));
    expect(results.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(new Set(results.map(({ seq }) => seq)).size).toBe(1);
    expect(await list()).toHaveLength(1);
  });

  it('answers a repeated insert the same after its neighbour has moved away', async () => {
    const { ctx, canvas_id, mutate } = await setUp();
    const [a, b] = [newId(), newId()];
    await mutate(text(a), text(b));
    const input = { canvas_id, mutation_id: newId(), ops: [text(newId(), { after_id: a })] };
    const first = await mutateBlocks(ctx, input);
    await mutate({ op: 'move', block_id: a, version: 1, parent_id: b });
    expect(await mutateBlocks(ctx, input)).toEqual({ ...first, replayed: true });
  });

  it('refuses the same mutation id with other operations', async () => {
    const { ctx, canvas_id } = await setUp();
    const mutation_id = newId();
    await mutateBlocks(ctx, { canvas_id, mutation_id, ops: [text(newId())] });
    await expect(mutateBlocks(ctx, { canvas_id, mutation_id, ops: [text(newId())] })).rejects.toThrow(
      failsWith('canvas.mutation_reused'),
    );
  });
});

describe('mutateBlocks: refusals, after which nothing has changed', () => {
  it('refuses a cycle', async () => {
    const { mutate } = await setUp();
    const [a, b] = [newId(), newId()];
    await mutate(text(a), text(b, { parent_id: a }));
    await expect(mutate({ op: 'move', block_id: a, version: 1, parent_id: b })).rejects.toThrow(
      failsWith('block.cycle', { errors: [expect.objectContaining({ pointer: '/ops/0/parent_id' })] }),
    );
    await expect(mutate({ op: 'move', block_id: a, version: 1, parent_id: a })).rejects.toThrow(
      failsWith('block.cycle'),
    );
  });

  it('refuses a parent or a neighbour of another canvas, an unknown one, and itself', async () => {
    const { mutate, canvas_id, ctx } = await setUp();
    const elsewhere = await setUp();
    const [foreign, own] = [newId(), newId()];
    await elsewhere.mutate(text(foreign));
    await mutate(text(own));
    const refused = [
      [text(newId(), { parent_id: foreign }), 'block.parent_not_found'],
      [text(newId(), { parent_id: newId() }), 'block.parent_not_found'],
      [text(newId(), { after_id: foreign }), 'block.after_not_found'],
      [text(newId(), { after_id: newId() }), 'block.after_not_found'],
      [{ op: 'move', block_id: own, version: 1, after_id: own }, 'block.after_not_found'],
      [{ op: 'edit', block_id: foreign, version: 1, content: { text: '' } }, 'block.not_found'],
      [text(own), 'block.already_exists'],
    ] as const;
    for (const [op, code] of refused) await expect(mutate(op)).rejects.toThrow(failsWith(code, { op_index: 0 }));
    expect((await readBlocks(ctx, canvas_id, null)).map(({ id }) => id)).toEqual([own]);
  });

  it('takes an id that exists on another canvas', async () => {
    const { mutate, list } = await setUp();
    const elsewhere = await setUp();
    const same = newId();
    await elsewhere.mutate(text(same));
    await mutate(text(same));
    expect(await list()).toEqual([same]);
  });

  it('refuses nesting beyond 64 levels', async () => {
    const { mutate } = await setUp();
    const ids = Array.from({ length: 65 }, newId);
    const ops = ids.map((id, i) => text(id, { parent_id: ids[i - 1] ?? null }));
    await expect(mutate(...ops)).rejects.toThrow(failsWith('block.too_deep', { op_index: 64 }));
  });

  it('refuses content that does not fit the type of the row, though the edit names none', async () => {
    const { mutate } = await setUp();
    const a = newId();
    await mutate(text(a));
    await expect(mutate({ op: 'edit', block_id: a, version: 1, content: { text: 5 } })).rejects.toThrow(
      failsWith('block.content_invalid', { op_index: 0 }),
    );
    await mutate({ op: 'edit', block_id: a, version: 1, type: 'heading', content: { text: 'a', level: 1 } });
    await expect(mutate({ op: 'edit', block_id: a, version: 2, content: { text: 'a' } })).rejects.toThrow(
      failsWith('block.content_invalid'),
    );
  });

  it('refuses everybody below editor, hides the canvas from strangers, and refuses all on an archived one', async () => {
    const { mutate, ctx, canvas, canvas_id, list } = await setUp();
    const people = {
      viewer: (await addCanvasAccess(database.db, canvas, 'viewer')).user_id,
      commenter: (await addCanvasAccess(database.db, canvas, 'commenter')).user_id,
      stranger: (await seedUser(database.db)).user_id,
    };
    const attempt = (user_id: string, op: BlockOpInput) =>
      mutateBlocks(personCtx(database.db, user_id), { canvas_id, mutation_id: newId(), ops: [op] });
    const a = newId();
    await mutate(text(a));
    for (const op of [text(newId()), { op: 'delete', block_id: a, version: 1 }] as const) {
      await expect(attempt(people.viewer, op)).rejects.toThrow(failsWith('canvas.forbidden'));
      await expect(attempt(people.commenter, op)).rejects.toThrow(failsWith('canvas.forbidden'));
      await expect(attempt(people.stranger, op)).rejects.toThrow(failsWith('canvas.not_found'));
    }
    await archiveCanvas(ctx, { canvas_id });
    await expect(mutate(text(newId()))).rejects.toThrow(failsWith('canvas.archived'));
    expect(await list()).toEqual([a]);
  });
});
