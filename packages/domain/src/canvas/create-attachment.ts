import { createAttachment as insertAttachment } from '@potentia/db/canvas/attachment-queries';
import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import type { FileLimits, FilePorts } from '../platform/objects.ts';
import { invalidField, parseInput } from '../platform/parse.ts';
import { newObjectKey } from '../platform/object-key.ts';
import { newId } from '../platform/uuid.ts';
import { createAttachmentInput, type AttachmentUpload } from './attachment-schemas.ts';
import { presentAttachment, UPLOAD_S } from './present-attachment.ts';
import { isListedType } from './rules/media-types.ts';

/**
 * Announces a file of a canvas and answers where to upload it; `completeAttachment` follows. Exactly once per
 * `Idempotency-Key`. Throws `canvas.not_found`, `canvas.forbidden` (editors may), `canvas.archived`,
 * `attachment.quota_exceeded`, and `request.invalid` for a type or size that is not taken.
 */
export async function createAttachment(
  ctx: UserCtx & FilePorts,
  input: z.input<typeof createAttachmentInput>,
): Promise<Once<AttachmentUpload>> {
  const announced = parseInput(createAttachmentInput, input);
  checkLimits(announced, ctx.file_limits);
  const { canvas_id, ...file } = announced;
  const { user_id } = ctx.actor;
  const { result, replayed } = await fromDb(() =>
    withContext(ctx.db, { user_id, canvas_id, needed_role: 'editor' }, (tx) =>
      once(ctx, tx, 'attachment.create', input, () =>
        insertAttachment(tx, {
          ...file,
          user_id,
          canvas_id,
          attachment_id: newId(),
          object_key: newObjectKey('attachments'),
          quota_bytes: ctx.file_limits.attachment_quota_bytes,
          request_id: ctx.request_id,
        }),
      ),
    ),
  );
  const upload = await ctx.objects.presignPut({
    key: result.object_key,
    media_type: file.media_type,
    size: file.size,
    expires_s: UPLOAD_S,
  });
  return { result: { attachment: await presentAttachment(ctx, result), upload }, replayed };
}

/** Throws `request.invalid` naming the field. */
function checkLimits({ media_type, size }: { media_type: string; size: number }, limits: FileLimits): void {
  if (!isListedType(media_type, limits.attachment_types)) throw invalidField('/media_type', 'This type is not taken');
  if (size > limits.attachment_max_bytes)
    throw invalidField('/size', `At most ${String(limits.attachment_max_bytes)} bytes`);
}
