import { ensureUser as ensureUserRow, type UserRow } from '@potentia/db/auth/queries';
import type { Db } from '@potentia/db/client';
import { LRUCache } from 'lru-cache';
import { fromDb } from '../platform/db-errors.ts';
import type { Claims } from './verify-token.ts';

/** Who asks: what the token says of them. */
export type TokenUser = Pick<Claims, 'user_id' | 'email' | 'name'> & Partial<Pick<Claims, 'issued_at'>>;

/**
 * Makes the verb `ensureUser(db, user)`: the first valid token of a person creates their row and their personal space,
 * and one with another email updates the row, unless it is older than the one that the row was last told by. Each replica
 * asks Postgres once per person and token; of each of the last `size` people it remembers the newest token, and of
 * that one alone, since an address can come back. Throws `unavailable`.
 */
export function createEnsureUser(size = 50_000): (db: Db, user: TokenUser) => Promise<UserRow> {
  const newest = new LRUCache<string, { user: TokenUser; row: Promise<UserRow> }>({ max: size });

  return function ensureUser(db, user) {
    const known = newest.get(user.user_id);
    if (known && !tellsMore(user, known.user)) return known.row;
    const { user_id, email, name, issued_at = null } = user;
    const at = issued_at === null ? null : new Date(issued_at).toISOString();
    const row = fromDb(() => ensureUserRow(db, { user_id, email, name, issued_at: at }));
    const entry = { user, row };
    newest.set(user_id, entry);
    row.catch(() => newest.peek(user_id) === entry && newest.delete(user_id));
    return row;
  };
}

/** Whether a token may say what `known` has not said: a later one, even if it says the same, or another of the same time. */
function tellsMore(token: TokenUser, known: TokenUser): boolean {
  const later = (token.issued_at ?? 0) - (known.issued_at ?? 0);
  return later > 0 || (later === 0 && (token.email !== known.email || token.name !== known.name));
}
