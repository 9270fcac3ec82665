import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { getBlockHistory, listTrash } from '../canvas/history-queries.ts';
import type { BlockRow } from '../canvas/rows.ts';
import { transferBlock } from '../canvas/transfer-queries.ts';
import type { Queryable } from '../client.ts';
import { DbError } from '../errors.ts';
import { mutate, place } from './blocks.ts';
import { edit, readSnapshot } from './canvas-kit.ts';
import type { SeededCanvas } from './seed.ts';

/** What there is to do. */
export const kinds = [
  'create',
  'create',
  'edit',
  'move',
  'copy',
  'delete',
  'restore',
  'revert',
  'copy_to',
  'move_to',
] as const;
/** One thing that one of three people does on one of two canvases. */
export const step = fc.record({
  who: fc.nat(2),
  on: fc.nat(1),
  what: fc.constantFrom(...kinds),
  which: fc.nat(),
  where: fc.nat(),
  under: fc.nat(),
});
export type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
const pick = <T>(list: readonly T[], n: number): T | undefined => list[n % Math.max(list.length, 1)];

/** Does it, on what the person sees of the two canvases when they begin. All texts differ. Says whether it was accepted. */
export async function play(
  db: Queryable,
  user_id: string,
  canvases: [SeededCanvas, SeededCanvas],
  one: Step,
): Promise<boolean> {
  try {
    await act(db, user_id, one.on ? canvases : [canvases[1], canvases[0]], one);
    return true;
  } catch (error) {
    // Refusals are part of the game; `place` finds no gap where a neighbour has left.
    if (!(error instanceof DbError) && !(error as Error).message.includes('is not there')) throw error;
    return false;
  }
}

async function act(
  db: Queryable,
  user_id: string,
  [here, there]: [SeededCanvas, SeededCanvas],
  one: Step,
): Promise<void> {
  const scope = { ...here, user_id };
  const { blocks } = await readSnapshot(db, scope);
  const target = pick(blocks, one.which);
  const at = async (canvas: SeededCanvas, siblings_of: BlockRow[]) => {
    const parent_id = one.under % 2 ? (pick(siblings_of, one.under)?.id ?? null) : null;
    const siblings = siblings_of.filter((block) => block.parent_id === parent_id);
    const after_id = siblings[one.where % (siblings.length + 1)]?.id ?? null;
    return place(db, { ...canvas, user_id }, one.where % 3 ? { parent_id, after_id } : { parent_id });
  };
  const end = async () => ({ rank: (await place(db, scope, {})).rank });
  const send = (op: object) => mutate(db, scope, [op]);
  if (one.what === 'create' || !target) {
    await send({
      op: 'create',
      block_id: randomUUID(),
      type: 'text',
      content: { text: randomUUID() },
      ...(await at(here, blocks)),
    });
  } else if (one.what === 'edit') await send(edit(target, randomUUID()));
  else if (one.what === 'delete') await send({ op: 'delete', block_id: target.id, version: target.version });
  else if (one.what === 'move')
    await send({ op: 'move', block_id: target.id, version: target.version, ...(await at(here, blocks)) });
  else if (one.what === 'copy')
    await send({ op: 'copy', block_id: target.id, copy_id: randomUUID(), ...(await at(here, blocks)) });
  else if (one.what === 'restore') {
    const trash = await listTrash(db, { ...scope, cursor_deleted_at: null, cursor_id: null, limit: 50 });
    const gone = pick(trash, one.which);
    if (gone) await send({ op: 'restore', block_id: gone.block_id, ...(await end()) });
  } else if (one.what === 'revert') {
    const page = { block_id: target.id, before_version: null, limit: 50 };
    const { items } = await getBlockHistory(db, { ...scope, ...page });
    const to_version = pick(items, one.where)?.version ?? 1;
    await send({ op: 'revert', block_id: target.id, version: target.version, to_version, ...(await end()) });
  } else {
    const others = (await readSnapshot(db, { ...there, user_id })).blocks;
    const op = { op: one.what.slice(0, 4), block_id: target.id, copy_id: randomUUID(), ...(await at(there, others)) };
    const ids = { user_id, from_canvas_id: here.canvas_id, to_canvas_id: there.canvas_id, mutation_id: randomUUID() };
    await transferBlock(db, { ...ids, request_hash: 'h', request_id: 'r', op });
  }
}
