import { createHash, randomUUIDv7 } from 'node:crypto';
import { applyBlockMutations, getBlockGaps, type CanvasScope } from '../canvas/queries.ts';
import type { AppliedMutation, BlockRow } from '../canvas/rows.ts';
import type { Queryable } from '../client.ts';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** A rank between two others, in the plainest way there is. */
export function rankBetween(after: string | null, before: string | null): string {
  let rank = '';
  for (let i = 0, bounded = before !== null; ; i++) {
    const low = after === null || i >= after.length ? 0 : DIGITS.indexOf(after.charAt(i));
    const high = bounded && before !== null && i < before.length ? DIGITS.indexOf(before.charAt(i)) : DIGITS.length;
    if (high - low > 1) return rank + DIGITS.charAt((low + high) >> 1);
    rank += DIGITS.charAt(low);
    if (low !== high) bounded = false;
  }
}

/** `applyBlockMutations` with a new mutation id. */
export function mutate(
  db: Queryable,
  scope: CanvasScope,
  ops: object[],
  mutation_id = randomUUIDv7(),
): Promise<AppliedMutation> {
  const { user_id, canvas_id } = scope;
  return applyBlockMutations(db, {
    user_id,
    canvas_id,
    mutation_id,
    request_hash: createHash('sha256').update(JSON.stringify(ops)).digest('hex'),
    request_id: 'test',
    ops,
  });
}

/** The rank and the neighbours for a block that is to stand at a place, as they are now. */
export async function place(
  db: Queryable,
  scope: CanvasScope,
  where: { parent_id?: string | null; after_id?: string | null },
): Promise<{ parent_id: string | null; after_id: string | null; before_id: string | null; rank: string }> {
  const query = { parent_id: where.parent_id ?? null, ...('after_id' in where ? { after_id: where.after_id } : {}) };
  const [gap] = await getBlockGaps(db, { ...scope, gaps: [query] });
  if (!gap) throw new Error('the block to follow is not there');
  const { after_id, before_id } = gap;
  return { parent_id: query.parent_id, after_id, before_id, rank: rankBetween(gap.after_rank, gap.before_rank) };
}

/** Makes one block, by default at the end of the top level. */
export async function addBlock(
  db: Queryable,
  scope: CanvasScope,
  where: { id?: string; parent_id?: string | null; after_id?: string | null } = {},
): Promise<BlockRow> {
  const { id = randomUUIDv7(), ...rest } = where;
  const op = {
    op: 'create',
    block_id: id,
    type: 'text',
    content: { text: 'hello' },
    ...(await place(db, scope, rest)),
  };
  const { result } = await mutate(db, scope, [op]);
  const [done] = result.ops;
  if (done?.op !== 'create') throw new Error('no block was made');
  return done.block;
}
