import {
  completeAttachment as markReady,
  getAttachment as selectAttachment,
  type StoredAttachment,
} from '@potentia/db/canvas/attachment-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import type { FilePorts } from '../platform/objects.ts';
import { parseInput } from '../platform/parse.ts';
import { attachmentRef, type Attachment } from './attachment-schemas.ts';
import { presentAttachment } from './present-attachment.ts';
import { canBeType } from './rules/media-types.ts';
import { HEAD_BYTES, readHead, sniffType } from './sniff-type.ts';

/**
 * Confirms an upload: what is in the store must have the size and type that were announced, and must begin as a file of
 * that type does. Twice is once. Throws `canvas.not_found`, `canvas.forbidden` (editors may), `attachment.not_found`,
 * `attachment.not_uploaded`, `attachment.size_mismatch`, `attachment.type_mismatch`, `objects.unavailable`.
 */
export async function completeAttachment(
  ctx: UserCtx & FilePorts,
  input: z.input<typeof attachmentRef>,
): Promise<Attachment> {
  const ref = { ...parseInput(attachmentRef, input), user_id: ctx.actor.user_id };
  const stored = await fromDb(() => selectAttachment(ctx.db, { ...ref, needed_role: 'editor' }));
  if (stored.attachment.status === 'ready') return presentAttachment(ctx, stored);
  await checkObject(ctx, stored);
  return presentAttachment(ctx, await fromDb(() => markReady(ctx.db, ref)));
}

async function checkObject({ objects }: FilePorts, { object_key, attachment }: StoredAttachment): Promise<void> {
  const facts = await objects.head(object_key);
  if (!facts) throw conflict('not_uploaded', 'The file has not been uploaded');
  if (facts.size !== attachment.size)
    throw conflict('size_mismatch', `The upload has ${String(facts.size)} bytes, not ${String(attachment.size)}`);
  const head = await readHead(await objects.get(object_key, { start: 0, end: HEAD_BYTES - 1 }));
  if (facts.media_type !== attachment.media_type || !canBeType(attachment.media_type, await sniffType(head), head))
    throw conflict('type_mismatch', `The upload is not ${attachment.media_type}`);
}

const conflict = (reason: string, message: string): AppError =>
  new AppError('conflict', `attachment.${reason}`, message);
