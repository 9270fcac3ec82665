import { callOne, type Queryable } from '../client.ts';

export interface UserRow {
  user_id: string;
  email: string | null;
  name: string;
  personal_workspace_id: string;
}

export interface EnsureUserInput {
  user_id: string;
  email: string | null;
  name: string | null;
  /** ISO 8601: when the token was made that says so; without it now. An older one changes no address. */
  issued_at?: string | null;
}

/** The user's row, personal workspace and event head; made on first sight, the e-mail address refreshed. */
export function ensureUser(
  db: Queryable,
  { user_id, email, name, issued_at = null }: EnsureUserInput,
): Promise<UserRow> {
  return callOne(db, 'select * from app.ensure_user($1, $2, $3, $4)', [user_id, email, name, issued_at]);
}

export interface UserHead {
  user_id: string;
  epoch: string;
  seq: number;
}

/** Checks nothing: numbers only. Who does not exist has no row. */
export function getUserHeads(db: Queryable, user_ids: readonly string[]): Promise<UserHead[]> {
  return db.call('select * from app.get_user_heads($1)', [user_ids]);
}

/** What `/ws/me` delivers after `after_seq`, in order, at most `limit` (1000). */
export function getUserEvents(
  db: Queryable,
  { user_id, after_seq, limit }: { user_id: string; after_seq: number; limit: number },
): Promise<{ seq: number; frame: string }[]> {
  return db.call('select * from app.get_user_events($1, $2, $3)', [user_id, after_seq, limit]);
}
