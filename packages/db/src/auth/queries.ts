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

/** What somebody is told of themselves. */
export interface MeRow extends UserRow {
  /** Null: they have chosen none. */
  locale: 'en' | 'id' | null;
  time_zone: string;
}

/** Throws `user.not_found`, also for the user of an API key. */
export async function getMe(db: Queryable, { user_id }: { user_id: string }): Promise<MeRow> {
  const { me } = await callOne<{ me: MeRow }>(db, 'select app.get_me($1) as me', [user_id]);
  return me;
}

export interface MeChange {
  user_id: string;
  patch: { name?: string; locale?: 'en' | 'id'; time_zone?: string };
  request_id: string;
}

/** Changes what `patch` names. Throws `user.not_found`. */
export async function updateMe(db: Queryable, { user_id, patch, request_id }: MeChange): Promise<MeRow> {
  const params = [user_id, patch, request_id];
  const { me } = await callOne<{ me: MeRow }>(db, 'select app.update_me($1, $2, $3) as me', params);
  return me;
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
