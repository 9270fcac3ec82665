import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { parseInput } from '../platform/parse.ts';
import { revertBlockInput } from './history-schemas.ts';
import { applyMutation } from './mutate-blocks.ts';
import type { MutationResult } from './schemas.ts';
import { withoutOpIndex } from './transfer-block.ts';

/**
 * Makes an earlier version new again: a new version with the type and content of `to_version`, in the place where the block
 * is now. A block that is in the trash comes out of it as `restoreBlock` does. Only if it is still at `version`. Idempotent
 * by `mutation_id`. Throws `block.version_conflict` with the current block, `block.not_found`, `block.version_not_found`,
 * `canvas.not_found`, `canvas.forbidden` (editors may), `canvas.archived`.
 */
export async function revertBlock(ctx: UserCtx, input: z.input<typeof revertBlockInput>): Promise<MutationResult> {
  const { canvas_id, block_id, mutation_id, version, to_version } = parseInput(revertBlockInput, input);
  const ops = [{ op: 'revert' as const, block_id, version, to_version }];
  return withoutOpIndex(applyMutation(ctx, { canvas_id, mutation_id, ops }));
}
