import { getCanvasEvents } from '@potentia/db/canvas/queries';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { addCanvasAccess, seedCanvas } from '@potentia/db/testing/seed';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { UserCtx } from '../platform/ctx.ts';
import { AppError } from '../platform/errors.ts';
import { personCtx } from '../platform/testing/person.ts';
import { newId } from '../platform/uuid.ts';
import { getSnapshot } from './get-snapshot.ts';
import { mutateBlocks } from './mutate-blocks.ts';
import { compareSiblings } from './rules/tree.ts';
import type { Block, BlockOpInput, MutationResult, Snapshot } from './schemas.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** An operation before it is known which blocks there will be: numbers pick from those that the person knows of. */
interface Draft {
  op: 'create' | 'edit' | 'move' | 'copy' | 'delete' | 'restore';
  block: number;
  parent: number;
  after: number;
}

const draft: fc.Arbitrary<Draft> = fc.record({
  op: fc.constantFrom('create', 'create', 'create', 'edit', 'move', 'move', 'copy', 'delete', 'restore'),
  block: fc.nat(30),
  parent: fc.nat(30),
  after: fc.nat(30),
});
const batches = fc.array(fc.array(draft, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 12 });

/** What a client knows: the blocks of all events it has seen. */
type View = Map<string, Block>;

function apply(view: View, ops: MutationResult['ops']): void {
  for (const op of ops) {
    if (op.op === 'delete') for (const id of op.block_ids) view.delete(id);
    else if ('blocks' in op) for (const block of op.blocks) view.set(block.id, block);
    // A block that was moved comes without its content.
    else view.set(op.block.id, { ...view.get(op.block.id), ...op.block } as Block);
  }
}

const pick = <T>(list: readonly T[], number: number): T | undefined => list[number % (list.length + 1)];

function toOp(
  view: View,
  seen: ReadonlySet<string>,
  made: string[],
  { op, block, parent, after }: Draft,
): BlockOpInput | undefined {
  const target = pick([...view.values()], block);
  const parent_id = pick([...view.keys(), ...made], parent) ?? null;
  const siblings = [...view.values()].filter((other) => other.parent_id === parent_id).map(({ id }) => id);
  const after_id = pick([null, ...siblings, ...made], after);
  if (op === 'create') {
    const block_id = newId();
    made.push(block_id);
    return { op, block_id, parent_id, after_id, type: 'text', content: { text: 'new' } };
  }
  if (op === 'restore') {
    const block_id = pick(
      [...seen].filter((id) => !view.has(id)),
      block,
    );
    return block_id === undefined ? undefined : { op, block_id };
  }
  if (!target) return undefined;
  if (op === 'copy') {
    const copy_id = newId();
    made.push(copy_id);
    return { op, block_id: target.id, copy_id, parent_id, after_id };
  }
  const { id: block_id, version } = target;
  if (op === 'edit') return { op, block_id, version, content: { text: `edit ${version}` } };
  return op === 'move' ? { op, block_id, version, parent_id, after_id } : { op, block_id, version };
}

/** One person's session: batch after batch on what they know, learning from answers and conflicts; all else is a bug. */
async function work(ctx: UserCtx, canvas_id: string, view: View, drafts: Draft[][]): Promise<number> {
  let accepted = 0;
  const seen = new Set<string>();
  for (const batch of drafts) {
    const made: string[] = [];
    const ops = batch.flatMap((one) => toOp(view, seen, made, one) ?? []);
    if (ops.length === 0) continue;
    const mutation = { canvas_id, mutation_id: newId(), ops };
    try {
      // Each is sent twice at once, as a client does that lost the answer.
      const [first, second] = await Promise.all([mutateBlocks(ctx, mutation), mutateBlocks(ctx, mutation)]);
      expect(second.seq).toBe(first.seq);
      apply(view, first.ops);
      for (const id of view.keys()) seen.add(id);
      accepted++;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      expect(['conflict', 'invalid', 'not_found']).toContain(error.kind);
      expect(error.code).toMatch(/^block\./);
    }
  }
  return accepted;
}

async function replay(ctx: UserCtx, canvas_id: string): Promise<{ view: View; seq: number }> {
  const view: View = new Map();
  let seq = 0;
  const scope = { user_id: ctx.actor.user_id, canvas_id };
  for (const event of await getCanvasEvents(ctx.db, { ...scope, after_seq: 0, limit: 1_000 })) {
    expect(event.seq).toBe(++seq);
    apply(view, (JSON.parse(event.frame) as { payload: Pick<MutationResult, 'ops'> }).payload.ops);
  }
  return { view, seq };
}

it('whatever people do at once, the events from 0 rebuild exactly the blocks, each mutation is there once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(batches, { minLength: 2, maxLength: 4 }), async (sessions) => {
      const canvas = await seedCanvas(database.db);
      const { canvas_id } = canvas;
      const shared: View = new Map();
      const people = await Promise.all(
        sessions.map(async () => personCtx(database.db, (await addCanvasAccess(database.db, canvas)).user_id)),
      );
      const accepted = await Promise.all(
        sessions.map((drafts, i) => work(people[i] as UserCtx, canvas_id, i % 2 ? shared : new Map(), drafts)),
      );

      const reader = people[0] as UserCtx;
      const { view, seq } = await replay(reader, canvas_id);
      const snapshot = JSON.parse(await getSnapshot(reader, { canvas_id })) as Snapshot;
      expect(seq).toBe(accepted.reduce((sum, count) => sum + count, 0));
      expect(snapshot.seq).toBe(seq);
      const byId = (blocks: Iterable<Block>) => [...blocks].sort((a, b) => (a.id < b.id ? -1 : 1));
      expect(byId(view.values())).toEqual(byId(snapshot.blocks));

      const ids = new Set(snapshot.blocks.map(({ id }) => id));
      expect(snapshot.blocks.filter(({ parent_id }) => parent_id !== null && !ids.has(parent_id))).toEqual([]);
      for (const siblings of Map.groupBy(snapshot.blocks, ({ parent_id }) => parent_id).values()) {
        expect(siblings).toEqual([...siblings].sort(compareSiblings));
        expect(new Set(siblings.map(({ rank }) => rank)).size).toBe(siblings.length);
      }
    }),
    { numRuns: 40 },
  );
}, 60_000);
