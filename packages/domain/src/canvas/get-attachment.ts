import { getAttachment as selectAttachment } from '@potentia/db/canvas/attachment-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import type { FilePorts } from '../platform/objects.ts';
import { parseInput } from '../platform/parse.ts';
import { attachmentRef, type Attachment } from './attachment-schemas.ts';
import { presentAttachment } from './present-attachment.ts';

/** A file of a canvas with an address to download it. Throws `canvas.not_found`, `attachment.not_found`. */
export async function getAttachment(
  ctx: UserCtx & FilePorts,
  input: z.input<typeof attachmentRef>,
): Promise<Attachment> {
  const ref = { ...parseInput(attachmentRef, input), user_id: ctx.actor.user_id };
  return presentAttachment(ctx, await fromDb(() => selectAttachment(ctx.db, { ...ref, needed_role: 'viewer' })));
}
