import { callOne, type Queryable } from '../client.ts';
import type { LeaseHolder } from './state-queries.ts';

const answer = async <T>(db: Queryable, text: string, params: readonly unknown[]): Promise<T> =>
  (await callOne<{ answer: T }>(db, text, params)).answer;

const holderParams = ({ session_id, worker_id, generation }: LeaseHolder): unknown[] => [
  session_id,
  worker_id,
  generation,
];

export interface NewOutboxMessage {
  id: string;
  /** WhatsApp's. */
  message_id: string;
  idempotency_key: string;
  request_hash: string;
  to: Record<string, string>;
  /** With its `type`. */
  content: Record<string, unknown>;
  reply_to: string | null;
  requested_by: string | null;
  request_id: string | null;
  traceparent: string | null;
  /** Messages that may wait in the session. */
  queue_limit: number;
}

export interface Enqueued {
  /** As `wa.message_json` shows it. */
  message: Record<string, unknown> & { id: string; message_id: string };
  /** False: the key had made it before. */
  is_new: boolean;
  chat_id: string;
  seq: number;
}

/**
 * Throws `lease.lost`, `whatsapp.key_reused`, `whatsapp.queue_full`, `whatsapp.chat_not_found`, `whatsapp.message_not_found`,
 * `whatsapp.media_not_found`, and what else `wa.enqueue_message` tells of what a message names.
 */
export function enqueueMessage(db: Queryable, holder: LeaseHolder, message: NewOutboxMessage): Promise<Enqueued> {
  return answer(db, 'select wa.enqueue_message($1, $2, $3, $4) as answer', [...holderParams(holder), message]);
}

/** What has still to go, or to be acknowledged, in its order. */
export function listOutbox(
  db: Queryable,
  session_id: string,
  limit: number,
): Promise<{ id: string; chat_id: string; seq: number }[]> {
  return db.call('select * from wa.list_outbox($1, $2)', [session_id, limit]);
}

/** A message that another one names, and who wrote it. */
export interface ReferenceRow {
  message_id: string;
  type: string;
  from_me: boolean;
  lid: string | null;
  phone: string | null;
  /** Base64; null: deleted, or never sent. */
  proto: string | null;
}

export interface OutboxRow {
  id: string;
  chat_id: string;
  message_id: string;
  seq: number;
  type: string;
  content: Record<string, unknown>;
  status: 'queued' | 'sent';
  attempts: number;
  /** Base64; null: no attempt was made yet. */
  proto: string | null;
  at: string;
  sent_at: string | null;
  request_id: string | null;
  kind: 'person' | 'group';
  group_id: string | null;
  lid: string | null;
  phone: string | null;
  is_on_whatsapp: boolean | null;
  checked_at: string | null;
  is_new_conversation: boolean;
  quoted: ReferenceRow | null;
  target: ReferenceRow | null;
  media: { kind: string; media_type: string; file_name: string | null; size: number; object_key: string } | null;
}

/** Of those that are named, the ones that are still to be sent. */
export function readOutbox(db: Queryable, session_id: string, ids: readonly string[]): Promise<OutboxRow[]> {
  return answer(db, 'select wa.read_outbox($1, $2) as answer', [session_id, ids]);
}

export interface OutboxHold {
  id: string;
  reason: string;
  /** ISO 8601. */
  until: string;
}

/** Says why messages wait. Throws `lease.lost`. */
export async function holdOutbox(db: Queryable, holder: LeaseHolder, holds: readonly OutboxHold[]): Promise<void> {
  await db.call('select wa.hold_outbox($1, $2, $3, $4, $5, $6)', [
    ...holderParams(holder),
    holds.map(({ id }) => id),
    holds.map(({ reason }) => reason),
    holds.map(({ until }) => until),
  ]);
}

export interface PaceRow {
  /** Conversations begun in this UTC day. */
  cold_sent: number;
  linked_at: string | null;
  restricted_until: string | null;
}

/** Null: there is no such session. */
export function readPace(db: Queryable, session_id: string): Promise<PaceRow | null> {
  return answer(db, 'select wa.read_pace($1) as answer', [session_id]);
}

/** A message as it was sent to this chat, in base64. */
export function readProto(
  db: Queryable,
  session_id: string,
  message_id: string,
  chat: { lid?: string; phone?: string; group_id?: string },
): Promise<string | null> {
  return answer(db, 'select wa.read_proto($1, $2, $3) as answer', [session_id, message_id, chat]);
}
