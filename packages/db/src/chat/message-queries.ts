import { callOne, type Queryable } from '../client.ts';

export interface MentionRow {
  text: string;
  from: string;
  to: string;
}

export interface MessageRow {
  id: string;
  context_id: string;
  seq: number;
  role: 'user' | 'assistant';
  author_name: string | null;
  content: string;
  source: 'chat' | 'import' | 'whatsapp';
  import_source: string | null;
  external_id: string | null;
  run_id: string | null;
  finish_reason: string | null;
  language: 'en' | 'id' | 'und';
  mentions: MentionRow[];
  created_at: string;
}

/** What an answer rests on; `id` null: it was deleted. */
export interface CitationRow {
  index: number;
  kind: string;
  id: string | null;
  leg: string;
  score: number | null;
}

export interface MessageFilter {
  /** ISO 8601, inclusive. */
  from?: string | undefined;
  /** ISO 8601, exclusive. */
  to?: string | undefined;
  role?: 'user' | 'assistant' | undefined;
  source?: 'chat' | 'import' | 'whatsapp' | undefined;
}

export interface MessagePosition {
  created_at: string;
  seq: number;
}

/** Of one context, or of all. Throws `chat.context_not_found`. */
export function listMessages(
  db: Queryable,
  input: {
    user_id: string;
    context_id: string | null;
    filter: MessageFilter;
    is_ascending: boolean;
    /** After, or when not ascending before, this one. */
    from: MessagePosition | null;
    limit: number;
  },
): Promise<({ message: MessageRow } & MessagePosition)[]> {
  return db.call('select message, created_at, seq from app.list_messages($1, $2, $3, $4, $5, $6, $7)', [
    input.user_id,
    input.context_id,
    input.filter,
    input.is_ascending,
    input.from?.created_at ?? null,
    input.from?.seq ?? null,
    input.limit,
  ]);
}

/** Throws `chat.message_not_found`. */
export async function getMessage(
  db: Queryable,
  { user_id, message_id }: { user_id: string; message_id: string },
): Promise<MessageRow & { citations: CitationRow[] }> {
  const text = 'select app.get_message($1, $2) as message';
  return (await callOne<{ message: MessageRow & { citations: CitationRow[] } }>(db, text, [user_id, message_id]))
    .message;
}

/** Throws `chat.message_not_found`. */
export async function deleteMessage(
  db: Queryable,
  input: { user_id: string; message_id: string; request_id: string },
): Promise<string[]> {
  const params = [input.user_id, input.message_id, input.request_id];
  const text = 'select array_remove(app.delete_message($1, $2, $3), null) as run_ids';
  return (await callOne<{ run_ids: string[] }>(db, text, params)).run_ids;
}
