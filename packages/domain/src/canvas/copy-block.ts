import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { parseInput } from '../platform/parse.ts';
import { copyBlockInput, type TransferResult } from './history-schemas.ts';
import { applyMutation } from './mutate-blocks.ts';
import { transferBlock, withoutOpIndex } from './transfer-block.ts';

/**
 * Copies a block with everything live below it, under fresh ids and in the same order, to a place of its canvas or of another
 * of the same workspace. Files that it refers to are there as well. One event; idempotent by `mutation_id` on the canvas it
 * goes to.
 *
 * Throws `canvas.not_found`, `canvas.forbidden` (editors of the target may, who see the source), `block.other_tenant`,
 * `block.not_found`, `block.parent_not_found`, `block.after_not_found`, `block.too_deep`, `block.subtree_too_large` (5,000
 * blocks), `canvas.mutation_too_large`, `canvas.archived`.
 */
export async function copyBlock(ctx: UserCtx, input: z.input<typeof copyBlockInput>): Promise<TransferResult> {
  const { canvas_id, block_id, mutation_id, to_canvas_id = canvas_id, ...place } = parseInput(copyBlockInput, input);
  const op = { op: 'copy' as const, block_id, ...place };
  if (to_canvas_id !== canvas_id) {
    return transferBlock(ctx, { from_canvas_id: canvas_id, to_canvas_id, mutation_id, op });
  }
  const result = await withoutOpIndex(applyMutation(ctx, { canvas_id, mutation_id, ops: [op] }));
  return { ...result, canvas_id };
}
