import { deleteAttachment as removeAttachment } from '@potentia/db/canvas/attachment-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { attachmentRef } from './attachment-schemas.ts';

/**
 * Takes a file off a canvas. Blocks that refer to it are left as they are; its content goes once no copy refers to it.
 * Throws `canvas.not_found`, `canvas.forbidden` (editors may), `canvas.archived`, `attachment.not_found`.
 */
export async function deleteAttachment(ctx: UserCtx, input: z.input<typeof attachmentRef>): Promise<void> {
  const ref = parseInput(attachmentRef, input);
  const { user_id } = ctx.actor;
  await fromDb(() => removeAttachment(ctx.db, { ...ref, user_id, request_id: ctx.request_id }));
}
