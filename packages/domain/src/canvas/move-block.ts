import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { parseInput } from '../platform/parse.ts';
import { moveBlockInput, type TransferResult } from './history-schemas.ts';
import { applyMutation } from './mutate-blocks.ts';
import { transferBlock, withoutOpIndex } from './transfer-block.ts';

/**
 * Moves a block with everything below it to another place of its canvas, or to another canvas of the same workspace, where
 * its id stays and its history begins anew. What is in the trash below it comes along. With `version` only if the block is
 * still at it. All or nothing, one event on each canvas; idempotent by `mutation_id` on the canvas it goes to.
 *
 * Throws `canvas.not_found`, `canvas.forbidden` (editors of both may), `block.other_tenant`, `block.not_found`,
 * `block.version_conflict`, `block.parent_not_found`, `block.after_not_found`, `block.cycle`, `block.too_deep`,
 * `block.subtree_too_large` (5,000 blocks go to another canvas at once), `canvas.mutation_too_large`, `canvas.archived`.
 */
export async function moveBlock(ctx: UserCtx, input: z.input<typeof moveBlockInput>): Promise<TransferResult> {
  const {
    canvas_id,
    block_id,
    mutation_id,
    to_canvas_id = canvas_id,
    version,
    ...place
  } = parseInput(moveBlockInput, input);
  if (to_canvas_id !== canvas_id) {
    const op = { op: 'move' as const, block_id, version, ...place };
    return transferBlock(ctx, { from_canvas_id: canvas_id, to_canvas_id, mutation_id, op });
  }
  const op =
    version === undefined
      ? { op: 'move' as const, block_id, version: null, ...place }
      : { op: 'move' as const, block_id, version, ...place };
  const result = await withoutOpIndex(applyMutation(ctx, { canvas_id, mutation_id, ops: [op] }));
  return { ...result, canvas_id };
}
