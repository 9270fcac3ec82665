import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DbError } from '../errors.ts';
import { addBlock, mutate } from '../testing/blocks.ts';
import { edit, refusal, refusalWithoutTrace } from '../testing/canvas-kit.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { seedCanvas, type SeededCanvas } from '../testing/seed.ts';

let t: TestDatabase;
let canvas: SeededCanvas;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());
beforeEach(async () => {
  canvas = await seedCanvas(t.db);
});

const refused = (work: () => Promise<unknown>) => refusalWithoutTrace(t, [canvas], work);

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
