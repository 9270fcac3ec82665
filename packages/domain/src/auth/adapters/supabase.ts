import { AuthClient } from '@supabase/supabase-js';
import { providerUnavailable, refreshInvalid, refreshLimited } from '../errors.ts';
import type { AuthProvider, Session } from '../refresh-session.ts';

export interface SupabaseAuthOptions {
  supabase_url: string;
  anon_key: string;
  /** How long one exchange may take, in milliseconds. */
  timeout_ms?: number;
}

/**
 * supabase-js answers a network failure, a 5xx or a body that is no JSON with up to 30 s of retries, which no request can
 * wait for: it is handed each of them as a status that it does not retry.
 */
const FAILED_DEPENDENCY = 424;

/** What the auth server answers about the token itself. */
const REFUSALS = new Set<number | undefined>([400, 401, 403, 422]);

function fetchOnce(timeout_ms: number): typeof fetch {
  return async (input, init) => {
    const failed = (cause: string): Response => Response.json({ message: cause }, { status: FAILED_DEPENDENCY });
    try {
      const response = await fetch(input, { ...init, signal: AbortSignal.timeout(timeout_ms), redirect: 'error' });
      if (response.status >= 500) return failed(`The auth server answered ${String(response.status)}`);
      const body: unknown = await response.json();
      return Response.json(body, { status: response.status });
    } catch (error) {
      return failed(error instanceof Error ? error.message : String(error));
    }
  };
}

/** Supabase Auth (GoTrue) through supabase-js. */
export function createSupabaseAuth({ supabase_url, anon_key, timeout_ms = 3_000 }: SupabaseAuthOptions): AuthProvider {
  const url = `${supabase_url.replace(/\/+$/, '')}/auth/v1`;
  const fetchWithDeadline = fetchOnce(timeout_ms);

  return {
    async refresh(refresh_token): Promise<Session> {
      // A client of its own for each exchange: one that is shared gives everybody who asks while a refresh is in flight
      // the session of whoever asked first.
      const client = new AuthClient({
        url,
        headers: { apikey: anon_key, authorization: `Bearer ${anon_key}` },
        fetch: fetchWithDeadline,
        persistSession: false,
        autoRefreshToken: false,
        detectSessionInUrl: false,
      });
      const { data, error } = await client.refreshSession({ refresh_token });
      if (error) {
        if (error.status === 429) throw refreshLimited();
        throw REFUSALS.has(error.status) ? refreshInvalid(error) : providerUnavailable(error);
      }
      const { session } = data;
      if (!session) throw providerUnavailable();
      const expires_at = session.expires_at ?? Math.floor(Date.now() / 1000) + session.expires_in;
      return {
        access_token: session.access_token,
        refresh_token: session.refresh_token,
        token_type: 'bearer',
        expires_in: session.expires_in,
        expires_at,
        user_id: session.user.id,
      };
    },
  };
}
