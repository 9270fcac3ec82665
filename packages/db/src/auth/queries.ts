import type { Queryable } from '../client.ts';

export interface UserRow {
  user_id: string;
  email: string | null;
  name: string;
  personal_workspace_id: string;
}

/** The user's row, personal workspace and event head; made on first sight, the e-mail address refreshed. */
export async function ensureUser(
  db: Queryable,
  user_id: string,
  email: string | null,
  name: string | null,
): Promise<UserRow> {
  const [row] = await db.call<UserRow>('select * from app.ensure_user($1, $2, $3)', [user_id, email, name]);
  return row!;
}
