import { getBlock as selectBlock } from '@potentia/db/canvas/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { blockRef, type Block } from './schemas.ts';

/** One block. Throws `canvas.not_found`, `block.not_found`. */
export async function getBlock(ctx: UserCtx, input: z.input<typeof blockRef>): Promise<Block> {
  const ref = parseInput(blockRef, input);
  return fromDb(() => selectBlock(ctx.db, { user_id: ctx.actor.user_id, ...ref }));
}
