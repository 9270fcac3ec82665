import { callOne, type Queryable } from '../client.ts';

const answer = async <T>(db: Queryable, text: string, params: readonly unknown[]): Promise<T> =>
  (await callOne<{ answer: T }>(db, text, params)).answer;

export interface MediaRow {
  media_id: string;
  kind: 'image' | 'video' | 'audio' | 'voice' | 'document' | 'sticker';
  media_type: string;
  file_name: string | null;
  size: number | null;
  status: 'pending' | 'awaited' | 'stored' | 'failed' | 'too_large';
}

export interface NewMedia {
  id: string;
  kind: MediaRow['kind'];
  media_type: string;
  file_name: string | null;
  size: number;
  object_key: string;
}

/** Announces a file. Throws `worker.session_not_held` when there is no such session. */
export function createMedia(db: Queryable, session_id: string, media: NewMedia): Promise<MediaRow> {
  return answer(db, 'select wa.create_media($1, $2) as answer', [session_id, media]);
}

/** Throws `whatsapp.media_not_found`. */
export function getUpload(
  db: Queryable,
  session_id: string,
  media_id: string,
): Promise<{ media: MediaRow; object_key: string }> {
  return answer(db, 'select wa.get_upload($1, $2) as answer', [session_id, media_id]);
}

export function completeUpload(db: Queryable, session_id: string, media_id: string): Promise<MediaRow> {
  return answer(db, 'select wa.complete_upload($1, $2) as answer', [session_id, media_id]);
}

/** Forgets files of any session that were announced before `before` and never sent; the keys of their objects. */
export async function forgetUploads(db: Queryable, { before, limit }: { before: Date; limit: number }) {
  const rows = await db.call<{ object_key: string }>('select * from wa.forget_uploads($1, $2)', [
    before.toISOString(),
    limit,
  ]);
  return rows.map(({ object_key }) => object_key);
}
