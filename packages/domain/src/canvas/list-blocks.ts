import { getBlocksPage as selectPage } from '@potentia/db/canvas/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { listBlocksInput } from './schemas.ts';

/** A page of the blocks of a canvas, as JSON text (`blockPage` in schemas.ts), parents before children. Throws `canvas.not_found`, `request.invalid` for a cursor of another list. */
export async function listBlocks(ctx: UserCtx, input: z.input<typeof listBlocksInput>): Promise<string> {
  const ref = parseInput(listBlocksInput, input);
  return fromDb(() => selectPage(ctx.db, { user_id: ctx.actor.user_id, ...ref }));
}
