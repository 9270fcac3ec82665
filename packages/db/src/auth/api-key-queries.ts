import { callOne, type Queryable } from '../client.ts';

/** A key as it is shown: never the key itself. */
export interface ApiKeyRow {
  /** Also the id of the user that it acts as. */
  id: string;
  workspace_id: string;
  name: string;
  scopes: string[];
  /** How the key begins. */
  prefix: string;
  last_four: string;
  created_by: string;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  revoked_at: string | null;
}

export interface ApiKeyInput {
  user_id: string;
  workspace_id: string;
  id: string;
  name: string;
  scopes: readonly string[];
  prefix: string;
  last_four: string;
  /** SHA-256, in hex. */
  key_hash: string;
  expires_at: string | null;
  request_id: string;
}

/** The key and the user that it acts as. Throws `workspace.forbidden`, `api_key.keys_make_no_keys`, `api_key.too_many`. */
export async function createApiKey(db: Queryable, input: ApiKeyInput): Promise<ApiKeyRow> {
  const { api_key } = await callOne<{ api_key: ApiKeyRow }>(
    db,
    'select app.create_api_key($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) as api_key',
    [
      input.user_id,
      input.workspace_id,
      input.id,
      input.name,
      input.scopes,
      input.prefix,
      input.last_four,
      Buffer.from(input.key_hash, 'hex'),
      input.expires_at,
      input.request_id,
    ],
  );
  return api_key;
}

export interface UsedApiKey {
  id: string;
  workspace_id: string;
  name: string;
  scopes: string[];
  expires_at: string | null;
}

/** The key with this hash (hex), also one that has expired; null where there is none. Notes the use. */
export async function useApiKey(db: Queryable, key_hash: string): Promise<UsedApiKey | null> {
  const [row] = await db.call<UsedApiKey>('select * from app.use_api_key($1)', [Buffer.from(key_hash, 'hex')]);
  return row ?? null;
}

/** Newest first, the revoked too. `cursor_id` is the last one read. */
export async function listApiKeys(
  db: Queryable,
  input: { user_id: string; workspace_id: string; cursor_id: string | null; limit: number },
): Promise<ApiKeyRow[]> {
  const params = [input.user_id, input.workspace_id, input.cursor_id, input.limit];
  const rows = await db.call<{ api_key: ApiKeyRow }>('select api_key from app.list_api_keys($1, $2, $3, $4)', params);
  return rows.map(({ api_key }) => api_key);
}

/** False: it was revoked already. Throws `api_key.not_found`. */
export async function revokeApiKey(
  db: Queryable,
  input: { user_id: string; workspace_id: string; api_key_id: string; request_id: string },
): Promise<boolean> {
  const params = [input.user_id, input.workspace_id, input.api_key_id, input.request_id];
  return (await callOne<{ revoked: boolean }>(db, 'select app.revoke_api_key($1, $2, $3, $4) as revoked', params))
    .revoked;
}

/** Ends keys that have expired, at most `limit`; how many. As job_user. */
export async function expireApiKeys(db: Queryable, limit: number): Promise<number> {
  return (await callOne<{ count: number }>(db, 'select app.expire_api_keys($1) as count', [limit])).count;
}
