import { useApiKey } from '@potentia/db/auth/api-key-queries';
import type { Queryable } from '@potentia/db/client';
import { LRUCache } from 'lru-cache';
import { AppError } from '../platform/errors.ts';
import { fromDb } from '../platform/db-errors.ts';
import { hashApiKey, isApiKey } from './api-key-text.ts';
import { tokenExpired, tokenInvalid } from './errors.ts';
import { api_key_scopes } from './rules/scopes.ts';
import type { Claims } from './verify-token.ts';

/**
 * How long a key that was found is taken without asking again. What a revoked key may do ends at once all the same: its
 * membership is gone, and every query asks for that.
 */
const KNOWN_MS = 10_000;
/** How long a key that is none is refused without asking again. */
const UNKNOWN_MS = 5_000;
/** Keys that are remembered; those that are none apart from the others, so that no flood of them drives the others out. */
const MAX_REMEMBERED = 10_000;
/** The end of a key that has none: the last second that has a date of four digits. */
const NEVER = 253_402_300_799_000;

export interface ApiKeyVerifierOptions {
  db: Queryable;
  /** Called with every refusal, before it is thrown. */
  onRefused?: (error: AppError) => void;
  clock?: () => Date;
}

/**
 * Makes the check of API keys: one statement when a key was not seen lately, else none. `verify` throws `unauthenticated`
 * (`auth.token_invalid`, `auth.token_expired`) and, while Postgres is away, `unavailable`.
 */
export function createApiKeyVerifier({ db, onRefused, clock = () => new Date() }: ApiKeyVerifierOptions) {
  const known = new LRUCache<string, { claims: Claims; until: number }>({ max: MAX_REMEMBERED });
  const unknown = new LRUCache<string, number>({ max: MAX_REMEMBERED });
  const asking = new Map<string, Promise<Claims>>();
  const now = (): number => clock().getTime();

  async function find(key_hash: string): Promise<Claims> {
    const row = await fromDb(() => useApiKey(db, key_hash));
    if (!row) {
      unknown.set(key_hash, now() + UNKNOWN_MS);
      throw tokenInvalid('unknown API key');
    }
    const { id, workspace_id, name } = row;
    const scopes = api_key_scopes.filter((scope) => row.scopes.includes(scope));
    const claims = {
      user_id: id,
      email: null,
      name,
      session_id: null,
      issued_at: null,
      expires_at: row.expires_at === null ? NEVER : Date.parse(row.expires_at),
      api_key: { id, workspace_id, scopes },
    };
    known.set(key_hash, { claims, until: now() + KNOWN_MS });
    return claims;
  }

  function recall(key_hash: string): Claims | undefined {
    const entry = known.get(key_hash);
    if (entry && entry.until > now()) return entry.claims;
    if ((unknown.get(key_hash) ?? 0) > now()) throw tokenInvalid('unknown API key');
    return undefined;
  }

  async function verifyText(text: string): Promise<Claims> {
    if (!isApiKey(text)) throw tokenInvalid('malformed API key');
    const key_hash = hashApiKey(text);
    let claims = recall(key_hash);
    if (!claims) {
      const answer = asking.get(key_hash) ?? find(key_hash).finally(() => asking.delete(key_hash));
      asking.set(key_hash, answer);
      claims = await answer;
    }
    if (claims.expires_at <= now()) throw tokenExpired();
    return claims;
  }

  return {
    async verify(text: string): Promise<Claims> {
      try {
        return await verifyText(text);
      } catch (error) {
        if (error instanceof AppError && error.kind === 'unauthenticated') onRefused?.(error);
        throw error;
      }
    },
  };
}
