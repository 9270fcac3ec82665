import { callOne, type Queryable } from '../client.ts';
import type { CitationRow, MentionRow, MessageRow } from './message-queries.ts';

export interface ImportedMessageRow {
  /** Its index in the request. */
  n: number;
  id: string;
  external_id: string;
  role: 'user' | 'assistant';
  author_name: string | null;
  content: string;
  created_at: string;
  language: 'en' | 'id' | 'und';
  mentions: MentionRow[];
  context_external_id: string | null;
}

/** A context that messages name; the id counts only when there is none yet. `external_id` null: that of the source itself. */
export interface ImportedContextRow {
  id: string;
  external_id: string | null;
  title: string;
  titled_by: 'import' | 'rules';
}

export interface ImportReportRow {
  imported: number;
  duplicates: number;
  conflicts: { index: number; external_id: string; message_id: string }[];
  contexts: { id: string; external_id: string | null; title: string; imported: number }[];
}

export interface ImportStatusRow {
  imported: number;
  indexed: number;
  pending: number;
  state: 'idle' | 'indexing';
  oldest_pending_at: string | null;
  vectors: { embedded: number; pending: number; failed: number; oldest_pending_at: string | null };
}

/** A thousand messages with their index entries; below what Postgres allows the roles of services. */
const IMPORT_TIMEOUT_MS = 4_500;

/** Each message once by (source, external_id). Throws `chat.too_many_messages`, `chat.too_many_contexts`. */
export async function importMessages(
  db: Queryable,
  input: {
    user_id: string;
    source: string;
    messages: ImportedMessageRow[];
    contexts: ImportedContextRow[];
    request_id: string;
  },
): Promise<ImportReportRow> {
  const text = 'select app.import_messages($1, $2, $3, $4, $5) as report';
  const params = [input.user_id, input.source, input.messages, input.contexts, input.request_id];
  return (await callOne<{ report: ImportReportRow }>(db, text, params, { timeout_ms: IMPORT_TIMEOUT_MS })).report;
}

export async function getImportStatus(db: Queryable, { user_id }: { user_id: string }): Promise<ImportStatusRow> {
  const text = 'select app.get_import_status($1) as status';
  return (await callOne<{ status: ImportStatusRow }>(db, text, [user_id])).status;
}

/** The zone of the person's calendar days. */
export async function getPersonTimeZone(db: Queryable, { user_id }: { user_id: string }): Promise<string> {
  return (await callOne<{ time_zone: string }>(db, 'select app.get_time_zone($1) as time_zone', [user_id])).time_zone;
}

export interface ExportedMessageRow {
  message: MessageRow;
  context: { external_id: string | null; title: string };
  citations: CitationRow[];
  created_at: string;
  seq: number;
}

/** The person's messages in their order, after that position, each with the title of its context and what it rests on. */
export function exportMessages(
  db: Queryable,
  input: { user_id: string; after: { created_at: string; seq: number } | null; limit: number },
): Promise<ExportedMessageRow[]> {
  return db.call('select message, context, citations, created_at, seq from app.export_messages($1, $2, $3, $4)', [
    input.user_id,
    input.after?.created_at ?? null,
    input.after?.seq ?? null,
    input.limit,
  ]);
}

/** That an export was begun. */
export async function auditChatExport(db: Queryable, input: { user_id: string; request_id: string }): Promise<void> {
  await db.call('select app.audit_chat_export($1, $2)', [input.user_id, input.request_id]);
}
