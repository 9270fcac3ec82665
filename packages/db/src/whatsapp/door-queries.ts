import { callOne, type Queryable } from '../client.ts';

const answer = async <T>(db: Queryable, text: string, params: readonly unknown[]): Promise<T> =>
  (await callOne<{ answer: T }>(db, text, params)).answer;

interface SessionScope {
  user_id: string;
  session_id: string;
}

/** The card of a session, as far as its doors need it. */
export interface DoorSession {
  id: string;
  workspace_id: string;
  name: string;
  desired_state: 'disconnected' | 'connected' | 'logged_out' | 'deleted';
  status: string;
  status_reason: string | null;
  close_code: number | null;
  status_at: string;
  phone: string | null;
  lid: string | null;
  profile_name: string | null;
  worker_id: string | null;
  generation: number;
}

export interface OpenedSession {
  session: DoorSession;
  role: 'member' | 'admin' | 'owner';
}

/** All of these throw `whatsapp.session_not_found`, and `workspace.forbidden` below the role that is needed. */
export function openWhatsappSession(
  db: Queryable,
  { user_id, session_id, needed_role }: SessionScope & { needed_role: 'member' | 'admin' },
): Promise<OpenedSession> {
  return answer(db, 'select app.open_whatsapp_session($1, $2, $3) as answer', [user_id, session_id, needed_role]);
}

/** What became of a message that waits here until a worker takes it. */
export interface SendState {
  status: 'waiting' | 'failed';
  error_code: string | null;
}

export type OpenedSend = OpenedSession & {
  /** Others of this session wait here, and a new one comes after them. */
  is_waiting: boolean;
  /** The message itself waits, or waited, here. */
  known: (SendState & { request_hash: string }) | null;
};

export function openWhatsappSend(
  db: Queryable,
  { user_id, session_id, message_id }: SessionScope & { message_id: string },
): Promise<OpenedSend> {
  return answer(db, 'select app.open_whatsapp_send($1, $2, $3) as answer', [user_id, session_id, message_id]);
}

export interface NewSend extends SessionScope {
  send_id: string;
  message_id: string;
  /** Sealed. */
  request: string;
  request_hash: string;
  /** Messages that may wait for one session. */
  limit: number;
  request_id: string;
  traceparent: string | null;
}

/** Throws `whatsapp.queue_full`, `whatsapp.key_reused`. */
export function queueWhatsappSend(db: Queryable, send: NewSend): Promise<SendState & { is_new: boolean }> {
  return answer(db, 'select app.queue_whatsapp_send($1, $2, $3, $4, $5, $6, $7, $8, $9) as answer', [
    send.user_id,
    send.session_id,
    send.send_id,
    send.message_id,
    send.request,
    send.request_hash,
    send.limit,
    send.request_id,
    send.traceparent,
  ]);
}

/** Null: no such message waits here. */
export function getWhatsappSend(
  db: Queryable,
  { user_id, session_id, message_id }: SessionScope & { message_id: string },
): Promise<SendState | null> {
  return answer(db, 'select app.get_whatsapp_send($1, $2, $3) as answer', [user_id, session_id, message_id]);
}

/** The audit row of what a worker did. `after` names ids, nothing that was said. */
export async function auditWhatsapp(
  db: Queryable,
  input: SessionScope & { action: string; after: object; request_id: string },
): Promise<void> {
  const { user_id, session_id, action, after, request_id } = input;
  await db.call('select app.audit_whatsapp($1, $2, $3, $4, $5)', [user_id, session_id, action, after, request_id]);
}

export interface WaitingSend {
  id: string;
  message_id: string;
  /** Sealed. */
  request: string;
  requested_by: string;
  request_id: string | null;
  traceparent: string | null;
}

/** As job_user, as those below. The oldest that wait for one session. */
export function takeWhatsappSends(
  db: Queryable,
  { session_id, limit }: { session_id: string; limit: number },
): Promise<WaitingSend[]> {
  return answer(db, 'select app.take_whatsapp_sends($1, $2) as answer', [session_id, limit]);
}

/** `error_code` null: a worker has taken it. */
export async function settleWhatsappSend(
  db: Queryable,
  { send_id, error_code }: { send_id: string; error_code: string | null },
): Promise<void> {
  await db.call('select app.settle_whatsapp_send($1, $2)', [send_id, error_code]);
}

/** Sessions that are held and have something waiting. What waited for longer than `wait_ms` has failed then. */
export function sweepWhatsappSends(
  db: Queryable,
  { wait_ms, keep_ms, limit }: { wait_ms: number; keep_ms: number; limit: number },
): Promise<string[]> {
  const text = `select app.sweep_whatsapp_sends($1 * interval '1 ms', $2 * interval '1 ms', $3) as answer`;
  return answer(db, text, [wait_ms, keep_ms, limit]);
}
