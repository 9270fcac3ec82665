import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { parseInput } from '../platform/parse.ts';
import { restoreBlockInput } from './history-schemas.ts';
import { applyMutation } from './mutate-blocks.ts';
import type { MutationResult } from './schemas.ts';
import { withoutOpIndex } from './transfer-block.ts';

/**
 * Takes a block out of the trash, with what went there with it, back to its place; to the end of the top level where its
 * parent is gone. Also a block that went with another can be named. The event carries every block; more than 4 MiB of them
 * come in several events, of which the answer is the last, and hubs find the others in `canvas_events`. Idempotent by
 * `mutation_id`. Throws `block.not_found`, `block.not_in_trash`, `block.subtree_too_large` (100,000 blocks),
 * `block.too_deep`, `canvas.not_found`, `canvas.forbidden` (editors may), `canvas.archived`.
 */
export async function restoreBlock(ctx: UserCtx, input: z.input<typeof restoreBlockInput>): Promise<MutationResult> {
  const { canvas_id, block_id, mutation_id } = parseInput(restoreBlockInput, input);
  return withoutOpIndex(applyMutation(ctx, { canvas_id, mutation_id, ops: [{ op: 'restore', block_id }] }));
}
