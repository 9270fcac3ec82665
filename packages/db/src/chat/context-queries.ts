import { callOne, type Queryable } from '../client.ts';

export interface ContextRow {
  id: string;
  title: string;
  titled_by: 'rules' | 'model' | 'user' | 'import';
  summary: string | null;
  status: 'active' | 'archived';
  import_source: string | null;
  external_id: string | null;
  version: number;
  created_at: string;
  updated_at: string;
  last_message_at: string;
}

export interface ChatSettingsRow {
  role_prompt_id: string | null;
  is_memory_enabled: boolean;
  active_context_id: string | null;
  version: number;
}

/** What is another person's is not found (`chat.context_not_found`), by every query here. */
export interface ContextScope {
  user_id: string;
  context_id: string;
}

export interface ContextWrite extends ContextScope {
  request_id: string;
}

export interface ContextPosition {
  last_message_at: string;
  id: string;
}

const callContext = async (db: Queryable, text: string, params: unknown[]): Promise<ContextRow> =>
  (await callOne<{ context: ContextRow }>(db, `select ${text} as context`, params)).context;

/** Joining or deleting one with all that was said in it is no small statement; below what Postgres allows the roles of services. */
const BIG_TIMEOUT_MS = 4_500;

/** The one that was last spoken in first. */
export function listContexts(
  db: Queryable,
  input: { user_id: string; status: 'active' | 'archived'; after: ContextPosition | null; limit: number },
): Promise<({ context: ContextRow } & ContextPosition)[]> {
  return db.call('select context, last_message_at, id from app.list_contexts($1, $2, $3, $4, $5)', [
    input.user_id,
    input.status,
    input.after?.last_message_at ?? null,
    input.after?.id ?? null,
    input.limit,
  ]);
}

export function getContext(db: Queryable, { user_id, context_id }: ContextScope): Promise<ContextRow> {
  return callContext(db, 'app.get_context($1, $2)', [user_id, context_id]);
}

/** Throws `chat.too_many_contexts`. */
export function createContext(db: Queryable, input: ContextWrite & { title: string }): Promise<ContextRow> {
  const params = [input.user_id, input.context_id, input.title, input.request_id];
  return callContext(db, 'app.create_context($1, $2, $3, $4)', params);
}

/** Throws `chat.version_conflict` (precondition, with `current`). */
export function updateContext(
  db: Queryable,
  input: ContextWrite & { expected_version: number | null; title: string },
): Promise<ContextRow> {
  const params = [input.user_id, input.context_id, input.expected_version, input.title, input.request_id];
  return callContext(db, 'app.update_context($1, $2, $3, $4, $5)', params);
}

export function setContextStatus(
  db: Queryable,
  input: ContextWrite & { status: 'active' | 'archived' },
): Promise<ContextRow> {
  const params = [input.user_id, input.context_id, input.status, input.request_id];
  return callContext(db, 'app.set_context_status($1, $2, $3, $4)', params);
}

/** Moves the oldest `limit` messages of a context that has more of them; how many, and how many remain. */
export function moveMessages(
  db: Queryable,
  input: { user_id: string; context_id: string; into_context_id: string; limit: number },
): Promise<{ moved: number; remaining: number }> {
  const params = [input.user_id, input.context_id, input.into_context_id, input.limit];
  return callOne(db, 'select * from app.move_messages($1, $2, $3, $4)', params, { timeout_ms: BIG_TIMEOUT_MS });
}

/** `moved`: how many messages went before. */
export async function mergeContexts(
  db: Queryable,
  input: ContextWrite & { into_context_id: string; moved: number },
): Promise<ContextRow> {
  const text = 'select app.merge_contexts($1, $2, $3, $4, $5) as context';
  const params = [input.user_id, input.context_id, input.into_context_id, input.request_id, input.moved];
  return (await callOne<{ context: ContextRow }>(db, text, params, { timeout_ms: BIG_TIMEOUT_MS })).context;
}

export async function deleteContext(db: Queryable, input: ContextWrite): Promise<string[]> {
  const params = [input.user_id, input.context_id, input.request_id];
  const text = 'select app.delete_context($1, $2, $3) as run_ids';
  return (await callOne<{ run_ids: string[] }>(db, text, params, { timeout_ms: BIG_TIMEOUT_MS })).run_ids;
}

export async function getChatSettings(db: Queryable, { user_id }: { user_id: string }): Promise<ChatSettingsRow> {
  const text = 'select app.get_chat_settings($1) as settings';
  return (await callOne<{ settings: ChatSettingsRow }>(db, text, [user_id])).settings;
}

/** Throws `role_prompt.not_found`, `chat.version_conflict` (precondition, with `current`). */
export async function updateChatSettings(
  db: Queryable,
  input: {
    user_id: string;
    expected_version: number | null;
    patch: { role_prompt_id?: string | null | undefined; is_memory_enabled?: boolean | undefined };
    request_id: string;
  },
): Promise<ChatSettingsRow> {
  const text = 'select app.update_chat_settings($1, $2, $3, $4) as settings';
  const params = [input.user_id, input.expected_version, input.patch, input.request_id];
  return (await callOne<{ settings: ChatSettingsRow }>(db, text, params)).settings;
}
