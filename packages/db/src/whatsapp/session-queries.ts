import { callOne, type Queryable } from '../client.ts';

export type DesiredState = 'disconnected' | 'connected' | 'logged_out' | 'deleted';

export interface SessionRow {
  id: string;
  workspace_id: string;
  name: string;
  desired_state: DesiredState;
  /** What the worker said last. */
  status: string;
  status_reason: string | null;
  close_code: number | null;
  status_at: string;
  /** That there is a QR code; the code is in Redis alone. */
  qr: { serial: number; expires_at: string } | null;
  phone: string | null;
  lid: string | null;
  profile_name: string | null;
  worker_id: string | null;
  generation: number;
  placed_at: string | null;
  settings: Record<string, unknown>;
  unlinked_reply: string | null;
  version: number;
  created_by: string;
  created_at: string;
  updated_at: string;
}

interface SessionScope {
  user_id: string;
  session_id: string;
}
interface Traced {
  request_id: string;
  traceparent: string | null;
}

const answer = async <T>(db: Queryable, text: string, params: readonly unknown[]): Promise<T> =>
  (await callOne<{ answer: T }>(db, text, params)).answer;

/** `workspace_id` null: the personal space. Throws `workspace.not_found`, `workspace.forbidden` below admin, `whatsapp.too_many_sessions`. */
export function createWhatsappSession(
  db: Queryable,
  input: SessionScope & {
    workspace_id: string | null;
    fields: { name: string; settings?: object | undefined; unlinked_reply?: string | null | undefined };
    /** Sessions that a workspace may have. */
    limit: number;
    request_id: string;
  },
): Promise<SessionRow> {
  const { user_id, session_id, workspace_id, fields, limit, request_id } = input;
  return answer(db, 'select app.create_whatsapp_session($1, $2, $3, $4, $5, $6) as answer', [
    user_id,
    session_id,
    workspace_id,
    fields,
    limit,
    request_id,
  ]);
}

/** Throws `whatsapp.session_not_found`, as do those below; they `workspace.forbidden` below admin too. */
export function getWhatsappSession(db: Queryable, { user_id, session_id }: SessionScope): Promise<SessionRow> {
  return answer(db, 'select app.get_whatsapp_session($1, $2) as answer', [user_id, session_id]);
}

/** Of all workspaces or one, the newest first. */
export function listWhatsappSessions(
  db: Queryable,
  input: {
    user_id: string;
    workspace_id: string | null;
    after: { created_at: string; id: string } | null;
    limit: number;
  },
): Promise<{ session: SessionRow; created_at: string; id: string }[]> {
  const { user_id, workspace_id, after, limit } = input;
  return db.call('select * from app.list_whatsapp_sessions($1, $2, $3, $4, $5)', [
    user_id,
    workspace_id,
    after?.created_at ?? null,
    after?.id ?? null,
    limit,
  ]);
}

/** Throws `whatsapp.version_conflict`. `expected_version` null: whatever it is now. */
export function updateWhatsappSession(
  db: Queryable,
  input: SessionScope & Traced & { expected_version: number | null; patch: object },
): Promise<SessionRow> {
  const { user_id, session_id, expected_version, patch, request_id, traceparent } = input;
  return answer(db, 'select app.update_whatsapp_session($1, $2, $3, $4, $5, $6) as answer', [
    user_id,
    session_id,
    expected_version,
    patch,
    request_id,
    traceparent,
  ]);
}

/** How a session is linked that is not. */
export type SessionLogin = { by: 'qr' } | { by: 'pairing_code'; phone: string };

export function askWhatsappSession(
  db: Queryable,
  input: SessionScope & Traced & { action: 'connect' | 'disconnect' | 'logout'; login: SessionLogin | null },
): Promise<SessionRow> {
  const { user_id, session_id, action, login, request_id, traceparent } = input;
  return answer(db, 'select app.ask_whatsapp_session($1, $2, $3, $4, $5, $6) as answer', [
    user_id,
    session_id,
    action,
    login,
    request_id,
    traceparent,
  ]);
}

export async function deleteWhatsappSession(db: Queryable, input: SessionScope & Traced): Promise<void> {
  const { user_id, session_id, request_id, traceparent } = input;
  await db.call('select app.delete_whatsapp_session($1, $2, $3, $4)', [user_id, session_id, request_id, traceparent]);
}

/** `worker_id` null: whichever has most room. Throws `whatsapp.not_placed`, `worker.not_alive`. */
export function migrateWhatsappSession(
  db: Queryable,
  input: SessionScope & Traced & { worker_id: string | null },
): Promise<SessionRow> {
  const { user_id, session_id, worker_id, request_id, traceparent } = input;
  const params = [user_id, session_id, worker_id, request_id, traceparent];
  return answer(db, 'select app.migrate_whatsapp_session($1, $2, $3, $4, $5) as answer', params);
}

/** Throws `whatsapp.connected`. */
export function restoreWhatsappSession(db: Queryable, input: SessionScope & Traced): Promise<SessionRow> {
  const { user_id, session_id, request_id, traceparent } = input;
  const params = [user_id, session_id, request_id, traceparent];
  return answer(db, 'select app.restore_whatsapp_session($1, $2, $3, $4) as answer', params);
}

/** Whose limits count; null: the person may know of none. */
export function getWhatsappTenant(db: Queryable, { user_id, session_id }: SessionScope): Promise<string | null> {
  return answer(db, 'select app.get_whatsapp_tenant($1, $2) as answer', [user_id, session_id]);
}

export interface SessionUsageRow {
  session_id: string;
  day: string;
  sent: number;
  received: number;
  media_bytes: number;
  updated_at: string;
}

/** Of the days from `from` to `to`, both included, the newest first. Throws `workspace.not_found`, `workspace.forbidden` for guests. */
export function listWhatsappUsage(
  db: Queryable,
  { user_id, workspace_id, from, to }: { user_id: string; workspace_id: string; from: string; to: string },
): Promise<SessionUsageRow[]> {
  return answer(db, 'select app.list_whatsapp_usage($1, $2, $3, $4) as answer', [user_id, workspace_id, from, to]);
}

/** Where a session is, by the decision that stands. */
export interface SessionRoute {
  session_id: string;
  worker_id: string;
  url: string;
  generation: number;
}

export interface ReachedSession {
  workspace_id: string;
  session_id: string;
  status: string;
  desired_state: DesiredState;
  generation: number;
  /** Null: nobody holds it. */
  route: SessionRoute | null;
  /** Another worker that is alive, which answers reads as well; null: there is none. */
  other: SessionRoute | null;
}

/** Whether somebody may do what needs this role with a session, and where it is. */
export function getWhatsappRoute(
  db: Queryable,
  { user_id, session_id, needed_role }: SessionScope & { needed_role: 'member' | 'admin' },
): Promise<ReachedSession> {
  return answer(db, 'select app.get_whatsapp_route($1, $2, $3) as answer', [user_id, session_id, needed_role]);
}
