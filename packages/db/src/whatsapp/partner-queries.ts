import { callOne, type Queryable } from '../client.ts';

const answer = async <T>(db: Queryable, text: string, params: readonly unknown[]): Promise<T> =>
  (await callOne<{ answer: T }>(db, text, params)).answer;

/** A session as somebody sees it who links a phone to it. */
export interface LinkedSession {
  id: string;
  phone: string | null;
  name: string;
}

export interface LinkRow {
  id: string;
  session: LinkedSession;
  phone: string | null;
  lid: string | null;
  created_at: string;
}

/**
 * A new code in place of the one before. `session_id` null: the one that is meant, `open_session_id`, to which anybody may link, or
 * the person's only one. Throws `request.invalid`, `whatsapp.session_not_found`, `whatsapp.not_connected`.
 */
export function createWhatsappLinkCode(
  db: Queryable,
  input: {
    user_id: string;
    session_id: string | null;
    open_session_id: string | null;
    code_id: string;
    code_hash: Uint8Array;
    life_ms: number;
    request_id: string;
  },
): Promise<{ session: LinkedSession & { phone: string }; expires_at: string }> {
  const { user_id, session_id, open_session_id, code_id, code_hash, life_ms, request_id } = input;
  return answer(db, `select app.create_whatsapp_link_code($1, $2, $3, $4, $5, $6 * interval '1 ms', $7) as answer`, [
    user_id,
    session_id,
    open_session_id,
    code_id,
    code_hash,
    life_ms,
    request_id,
  ]);
}

/** One's links that count, the newest first. */
export function listWhatsappLinks(db: Queryable, { user_id }: { user_id: string }): Promise<LinkRow[]> {
  return answer(db, 'select app.list_whatsapp_links($1) as answer', [user_id]);
}

/** Throws `whatsapp.link_not_found`. */
export async function deleteWhatsappLink(
  db: Queryable,
  { user_id, link_id, request_id }: { user_id: string; link_id: string; request_id: string },
): Promise<void> {
  await db.call('select app.delete_whatsapp_link($1, $2, $3)', [user_id, link_id, request_id]);
}

/** How WhatsApp knows whom a message goes to. */
export type PartnerRecipient = { lid: string } | { phone: string } | { chat_id: string };

/** What somebody wrote and this process is to answer. */
export interface WhatsappTurnRow {
  id: string;
  user_id: string;
  session_id: string;
  chat_id: string;
  message_id: string;
  content: string;
  /** Who pays; null: the person's own space. */
  workspace_id: string | null;
  /** Counts this one. */
  attempts: number;
  request_id: string | null;
  traceparent: string | null;
  created_at: string;
  to: PartnerRecipient;
  /** Null: nobody has chosen one. */
  locale: 'en' | 'id' | null;
  time_zone: string;
}

/**
 * As job_user, as all below. The first message of a chat that waits, for `lease_ms`. Null: nothing waits. `busy_ms`: somebody else
 * answers it, and is held to for so long.
 */
export function takeWhatsappTurn(
  db: Queryable,
  input: { session_id: string; chat_id: string; owner: string; lease_ms: number },
): Promise<WhatsappTurnRow | { busy_ms: number } | null> {
  const { session_id, chat_id, owner, lease_ms } = input;
  return answer(db, `select app.take_whatsapp_turn($1, $2, $3, $4 * interval '1 ms') as answer`, [
    session_id,
    chat_id,
    owner,
    lease_ms,
  ]);
}

interface HeldTurn {
  turn_id: string;
  owner: string;
}

/** False: somebody else has it, or it is over. */
export function renewWhatsappTurn(
  db: Queryable,
  { turn_id, owner, lease_ms }: HeldTurn & { lease_ms: number },
): Promise<boolean> {
  return answer(db, `select app.renew_whatsapp_turn($1, $2, $3 * interval '1 ms') as answer`, [
    turn_id,
    owner,
    lease_ms,
  ]);
}

/** Whoever comes next may take it; the sweeper does not look for `quiet_ms`. */
export async function releaseWhatsappTurn(
  db: Queryable,
  { turn_id, owner, quiet_ms }: HeldTurn & { quiet_ms: number },
): Promise<void> {
  await db.call(`select app.release_whatsapp_turn($1, $2, $3 * interval '1 ms')`, [turn_id, owner, quiet_ms]);
}

/** A message of the house's own, sealed, on its way to who hands it to the worker. */
export interface PartnerSend {
  id: string;
  message_id: string;
  request: string;
  request_hash: string;
}

interface Traced {
  request_id: string;
  traceparent: string | null;
}

/** The end of a turn and its answer, in one transaction. False: nothing is said, since somebody else has it by now, or the link has ended. */
export function settleWhatsappTurn(
  db: Queryable,
  input: HeldTurn &
    Traced & {
      end: { status: 'answered' | 'failed'; error_code: string | null; run_id: string | null };
      sends: PartnerSend[];
    },
): Promise<boolean> {
  const { turn_id, owner, end, sends, request_id, traceparent } = input;
  return answer(db, 'select app.settle_whatsapp_turn($1, $2, $3, $4, $5, $6) as answer', [
    turn_id,
    owner,
    end,
    sends,
    request_id,
    traceparent,
  ]);
}

/** Of a line of the house's: to whom it goes. Null: it is not to be said any more. */
export function getWhatsappLine(
  db: Queryable,
  { session_id, chat_id, user_id }: { session_id: string; chat_id: string; user_id: string | null },
): Promise<{
  to: PartnerRecipient;
  locale: 'en' | 'id' | null;
  /** Of the account of whoever is linked. */
  email: string | null;
  /** What somebody is told who is not linked. */
  unlinked_reply: string | null;
  requested_by: string;
} | null> {
  return answer(db, 'select app.get_whatsapp_line($1, $2, $3) as answer', [session_id, chat_id, user_id]);
}

/** Queues a line of the house's; under the same key it is there once. */
export async function sayWhatsappLine(
  db: Queryable,
  input: Traced & { session_id: string; requested_by: string; sends: PartnerSend[] },
): Promise<void> {
  const { session_id, requested_by, sends, request_id, traceparent } = input;
  await db.call('select app.say_whatsapp_line($1, $2, $3, $4, $5)', [
    session_id,
    requested_by,
    sends,
    request_id,
    traceparent,
  ]);
}

/** Wakes chats in which somebody has waited for `after_ms` and nobody is at work; how many. Forgets what is over. */
export function sweepWhatsappTurns(
  db: Queryable,
  { after_ms, limit }: { after_ms: number; limit: number },
): Promise<number> {
  return answer(db, `select app.sweep_whatsapp_turns($1 * interval '1 ms', $2) as answer`, [after_ms, limit]);
}
