import { listAttachments as selectAttachments } from '@potentia/db/canvas/attachment-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import type { FilePorts } from '../platform/objects.ts';
import { parseInput } from '../platform/parse.ts';
import { id } from '../platform/schemas.ts';
import { listAttachmentsInput, type AttachmentPage } from './attachment-schemas.ts';
import { presentAttachment } from './present-attachment.ts';

/** The files of a canvas, each with an address to download it. Throws `canvas.not_found`. */
export async function listAttachments(
  ctx: UserCtx & FilePorts,
  input: z.input<typeof listAttachmentsInput>,
): Promise<AttachmentPage> {
  const { canvas_id, cursor, limit } = parseInput(listAttachmentsInput, input);
  const after_id = cursor === undefined ? null : decodeCursor(id, cursor);
  const { user_id } = ctx.actor;
  const rows = await fromDb(() => selectAttachments(ctx.db, { user_id, canvas_id, after_id, limit: limit + 1 }));
  const items = await Promise.all(rows.slice(0, limit).map((row) => presentAttachment(ctx, row)));
  return { items, next_cursor: rows.length > limit ? encodeCursor(items.at(-1)?.id) : null };
}
