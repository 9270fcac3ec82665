import type { Db } from '@potentia/db/client';
import { seedApiKey, type SeededWorkspace } from '@potentia/db/testing/seed';
import { hashApiKey, makeApiKey } from '../api-key-text.ts';
import type { Scope } from '../rules/scopes.ts';

/** An API key of a workspace that works: its text, and the user that it acts as. */
export async function giveApiKey(
  db: Db,
  workspace: SeededWorkspace,
  scopes: Scope[],
  overrides: { expires_at?: string } = {},
): Promise<{ user_id: string; token: string }> {
  const token = makeApiKey();
  const { id } = await seedApiKey(db, workspace, { scopes, key_hash: hashApiKey(token), ...overrides });
  return { user_id: id, token };
}
