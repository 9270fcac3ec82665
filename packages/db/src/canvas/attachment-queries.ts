import { callOne, type Queryable } from '../client.ts';
import type { CanvasScope } from './queries.ts';

/** A file of a canvas, as clients read it. */
export interface AttachmentRow {
  id: string;
  canvas_id: string;
  name: string;
  media_type: string;
  size: number;
  status: 'pending' | 'ready';
  created_by: string;
  created_at: string;
  ready_at: string | null;
}

/** With the key under which the store has it, which no client sees. */
export interface StoredAttachment {
  object_key: string;
  attachment: AttachmentRow;
}

export interface AttachmentRef extends CanvasScope {
  attachment_id: string;
}

export interface NewAttachment extends AttachmentRef {
  object_key: string;
  name: string;
  media_type: string;
  size: number;
  /** Bytes that the files of the workspace may take; null: any number. */
  quota_bytes: number | null;
  request_id: string;
}

/**
 * As editor. An id that is there already is answered as it stands. Throws `canvas.not_found`, `canvas.forbidden`,
 * `canvas.archived`, `attachment.quota_exceeded`.
 */
export function createAttachment(db: Queryable, input: NewAttachment): Promise<StoredAttachment> {
  return callOne(db, 'select * from app.create_attachment($1, $2, $3, $4, $5, $6, $7, $8, $9)', [
    input.user_id,
    input.canvas_id,
    input.attachment_id,
    input.object_key,
    input.name,
    input.media_type,
    input.size,
    input.quota_bytes,
    input.request_id,
  ]);
}

/** Throws `canvas.not_found`, `canvas.forbidden`, `attachment.not_found`. */
export function getAttachment(
  db: Queryable,
  { user_id, canvas_id, attachment_id, needed_role }: AttachmentRef & { needed_role: 'viewer' | 'editor' },
): Promise<StoredAttachment> {
  return callOne(db, 'select * from app.get_attachment($1, $2, $3, $4)', [
    user_id,
    canvas_id,
    attachment_id,
    needed_role,
  ]);
}

/** Its object is there and is what was announced. Throws as `getAttachment`. */
export function completeAttachment(
  db: Queryable,
  { user_id, canvas_id, attachment_id }: AttachmentRef,
): Promise<StoredAttachment> {
  return callOne(db, 'select * from app.complete_attachment($1, $2, $3)', [user_id, canvas_id, attachment_id]);
}

/** By id, after `after_id`. Throws `canvas.not_found`. */
export function listAttachments(
  db: Queryable,
  { user_id, canvas_id, after_id, limit }: CanvasScope & { after_id: string | null; limit: number },
): Promise<StoredAttachment[]> {
  return db.call('select * from app.list_attachments($1, $2, $3, $4)', [user_id, canvas_id, after_id, limit]);
}

/** As editor. Its object goes later. Throws `canvas.archived` and as `getAttachment`. */
export async function deleteAttachment(
  db: Queryable,
  { user_id, canvas_id, attachment_id, request_id }: AttachmentRef & { request_id: string },
): Promise<void> {
  await db.call('select app.delete_attachment($1, $2, $3, $4)', [user_id, canvas_id, attachment_id, request_id]);
}
