import { callOne, type Queryable } from '../client.ts';
import type { LeaseHolder } from './state-queries.ts';

const answer = async <T>(db: Queryable, text: string, params: readonly unknown[]): Promise<T> =>
  (await callOne<{ answer: T }>(db, text, params)).answer;

export interface ContactRow {
  contact_id: string;
  lid: string | null;
  phone: string | null;
  name: string | null;
  is_business: boolean;
  is_on_whatsapp: boolean | null;
}

export interface NumberCheck {
  phone: string;
  lid: string | null;
  is_on_whatsapp: boolean;
}

/** Keeps what WhatsApp said about numbers; the contacts, in their order. Throws `lease.lost`. */
export function takeChecks(
  db: Queryable,
  { session_id, worker_id, generation }: LeaseHolder,
  checks: readonly NumberCheck[],
): Promise<ContactRow[]> {
  return answer(db, 'select wa.take_checks($1, $2, $3, $4) as answer', [session_id, worker_id, generation, checks]);
}

/** Of those numbers, the ones that the session knows. */
export function findContacts(
  db: Queryable,
  session_id: string,
  phones: readonly string[],
): Promise<{ contact: ContactRow; checked_at: string | null }[]> {
  return answer(db, 'select wa.find_contacts($1, $2) as answer', [session_id, phones]);
}

export interface RecipientRow {
  kind: 'person' | 'group' | 'broadcast';
  lid: string | null;
  phone: string | null;
  group_id: string | null;
}

/** Makes nobody. Throws `whatsapp.chat_not_found` for a `chat_id`. */
export function findRecipient(db: Queryable, session_id: string, to: object): Promise<RecipientRow> {
  return answer(db, 'select wa.find_recipient($1, $2) as answer', [session_id, to]);
}

export type UnreadRow = RecipientRow & {
  messages: { message_id: string; lid: string | null; phone: string | null }[];
};

/** Of the messages that are named, or of all (null), those that are not read. Throws `whatsapp.chat_not_found`. */
export function listUnread(
  db: Queryable,
  session_id: string,
  chat_id: string,
  message_ids: readonly string[] | null,
  limit: number,
): Promise<UnreadRow> {
  return answer(db, 'select wa.list_unread($1, $2, $3, $4) as answer', [session_id, chat_id, message_ids, limit]);
}

/** How many were not read before. Throws `lease.lost`. */
export function markRead(
  db: Queryable,
  { session_id, worker_id, generation }: LeaseHolder,
  chat_id: string,
  message_ids: readonly string[],
): Promise<number> {
  const params = [session_id, worker_id, generation, chat_id, message_ids];
  return answer(db, 'select wa.mark_read($1, $2, $3, $4, $5) as answer', params);
}

export interface GroupRow {
  chat_id: string;
  group_id: string;
  participants: { contact: ContactRow; role: 'member' | 'admin' | 'superadmin' }[];
}

/** What is known here of groups. */
export function readGroups(db: Queryable, session_id: string, group_ids: readonly string[]): Promise<GroupRow[]> {
  return answer(db, 'select wa.read_groups($1, $2) as answer', [session_id, group_ids]);
}
