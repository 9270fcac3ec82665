import { currentTraceparent } from '@potentia/config/telemetry';
import type { CanvasScope } from '../canvas/queries.ts';
import type { EventRow } from '../canvas/rows.ts';
import { callOne, type Queryable } from '../client.ts';

export interface CommentRow {
  id: string;
  canvas_id: string;
  /** Null: it begins a thread. */
  thread_id: string | null;
  block_id: string | null;
  /** Empty when it is deleted. */
  text: string;
  mentions: string[];
  version: number;
  created_by: string;
  created_at: string;
  updated_at: string;
  edited_at: string | null;
  resolved_at: string | null;
  resolved_by: string | null;
  deleted: boolean;
}

export interface ThreadRow extends CommentRow {
  reply_count: number;
  /** The first 50, oldest first. */
  replies: CommentRow[];
  /** The block that it is about is no longer there. */
  block_gone: boolean;
}

interface CommentWrite extends CanvasScope {
  comment_id: string;
  mutation_id: string;
  request_hash: string;
  text: string;
  mentions: string[];
  request_id: string;
}

export interface NewComment extends CommentWrite {
  thread_id: string | null;
  block_id: string | null;
}

export interface CommentChange {
  comment: CommentRow;
  /** Null when nothing changed now. */
  event: EventRow | null;
}

export interface CommentWritten extends CommentChange {
  /** The same mutation had been accepted before: `comment` is what it was then. */
  replayed: boolean;
  /** Somebody is to be told: there are outbox rows. */
  notified: boolean;
}

type Answer<T> = Omit<T, 'event'> & { seq: number | null; frame: string };

const withEvent = <T>({ seq, frame, ...rest }: Answer<T>): Omit<T, 'event'> & { event: EventRow | null } =>
  ({ ...rest, event: seq === null ? null : { seq, frame } }) as unknown as Omit<T, 'event'> & {
    event: EventRow | null;
  };

/**
 * Throws `canvas.forbidden`, `canvas.archived`, `canvas.mutation_reused`, `comment.not_found`, `comment.not_a_thread`,
 * `comment.block_unknown`, `comment.mention_unknown`.
 */
export async function createComment(db: Queryable, input: NewComment): Promise<CommentWritten> {
  const row = await callOne<Answer<CommentWritten>>(
    db,
    'select * from app.create_comment($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)',
    [
      input.user_id,
      input.canvas_id,
      input.comment_id,
      input.mutation_id,
      input.request_hash,
      input.thread_id,
      input.block_id,
      input.text,
      input.mentions,
      input.request_id,
      currentTraceparent() ?? null,
    ],
  );
  return withEvent(row);
}

/** Throws `comment.not_found`, `comment.forbidden`, `comment.version_conflict` (with `current`), and what `createComment` does. */
export async function updateComment(db: Queryable, input: CommentWrite & { version: number }): Promise<CommentWritten> {
  const row = await callOne<Answer<CommentWritten>>(
    db,
    'select * from app.update_comment($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)',
    [
      input.user_id,
      input.canvas_id,
      input.comment_id,
      input.mutation_id,
      input.request_hash,
      input.version,
      input.text,
      input.mentions,
      input.request_id,
      currentTraceparent() ?? null,
    ],
  );
  return withEvent(row);
}

export interface CommentRef extends CanvasScope {
  comment_id: string;
  request_id: string;
}

/** Throws `comment.not_found`, `comment.not_a_thread`, `canvas.forbidden`, `canvas.archived`. */
export async function setThreadResolved(
  db: Queryable,
  { user_id, canvas_id, comment_id, resolved, request_id }: CommentRef & { resolved: boolean },
): Promise<CommentChange> {
  const params = [user_id, canvas_id, comment_id, resolved, request_id];
  return withEvent(
    await callOne<Answer<CommentChange>>(db, 'select * from app.set_thread_resolved($1, $2, $3, $4, $5)', params),
  );
}

/** Throws `comment.not_found`, `comment.forbidden`, `canvas.forbidden`, `canvas.archived`. */
export function deleteComment(db: Queryable, input: CommentRef): Promise<EventRow> {
  const params = [input.user_id, input.canvas_id, input.comment_id, input.request_id];
  return callOne(db, 'select * from app.delete_comment($1, $2, $3, $4)', params);
}

export interface CommentList extends CanvasScope {
  /** The replies of this thread instead of threads. */
  thread_id: string | null;
  block_id: string | null;
  resolved: boolean | null;
  /** The last one read. */
  cursor_id: string | null;
  limit: number;
}

/** Threads, newest first; of one thread its replies, oldest first. Throws `comment.not_found`. */
export async function listComments(db: Queryable, input: CommentList): Promise<(ThreadRow | CommentRow)[]> {
  const rows = await db.call<{ comment: ThreadRow | CommentRow }>(
    'select comment from app.list_comments($1, $2, $3, $4, $5, $6, $7)',
    [input.user_id, input.canvas_id, input.thread_id, input.block_id, input.resolved, input.cursor_id, input.limit],
  );
  return rows.map(({ comment }) => comment);
}
