import { ensureUser as ensureUserRow, type UserRow } from '@potentia/db/auth/queries';
import type { Db } from '@potentia/db/client';
import { LRUCache } from 'lru-cache';
import { fromDb } from '../platform/db-errors.ts';
import type { Claims } from './verify-token.ts';

/** Who asks: what the token says of them. */
export type TokenUser = Pick<Claims, 'user_id' | 'email' | 'name'>;

/**
 * Makes the verb `ensureUser(db, claims)`: the first valid token of a person creates their row and their personal space,
 * and one that carries another email updates the row. Each replica asks Postgres once per person and change; it
 * remembers the last `size` people. Throws `unavailable`.
 */
export function createEnsureUser(size = 50_000): (db: Db, user: TokenUser) => Promise<UserRow> {
  const seen = new LRUCache<string, Promise<UserRow>>({ max: size });

  return function ensureUser(db, { user_id, email, name }) {
    const key = JSON.stringify([user_id, email, name]);
    const known = seen.get(key);
    if (known) return known;
    const row = fromDb(() => ensureUserRow(db, { user_id, email, name }));
    seen.set(key, row);
    row.catch(() => seen.delete(key));
    return row;
  };
}
