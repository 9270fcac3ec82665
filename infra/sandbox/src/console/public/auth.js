import { ApiError, requestJson } from './api.js';

/** A token with less than this left is renewed before it is used. */
const MARGIN_MS = 30_000;

/** Signs in at the auth server (GoTrue's wire). Throws `ApiError`. */
export async function signIn(config, email, password) {
  const headers = { apikey: config.anon_key, 'content-type': 'application/json' };
  const answer = await requestJson(`${config.auth_url}/token?grant_type=password`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ email, password }),
  });
  return createSession(config, answer);
}

/** Makes an account at the auth server and signs in with it. Throws `ApiError`. */
export async function signUp(config, email, password) {
  const headers = { apikey: config.anon_key, 'content-type': 'application/json' };
  const body = JSON.stringify({ email, password });
  return createSession(config, await requestJson(`${config.auth_url}/signup`, { method: 'POST', headers, body }));
}

/** A signed-in person, whose access token is renewed through the API as it runs out. */
function createSession(config, first) {
  let tokens = first;
  let renewing = null;
  let ended = false;
  const listeners = new Set();

  async function renew() {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ refresh_token: tokens.refresh_token });
    tokens = await requestJson(`${config.api_url}/api/v1/auth/refresh`, { method: 'POST', headers, body });
    for (const listener of listeners) listener();
  }

  const { id, email, user_metadata } = first.user;
  return {
    user: { id, email, name: user_metadata.full_name ?? user_metadata.name ?? email },
    access_token: () => tokens.access_token,
    expires_at: () => new Date(tokens.expires_at * 1000),
    onChange(listener) {
      listeners.add(listener);
    },
    /** A token that is good for a while. Callers at the same time share one renewal. Throws `ApiError`, 401 once it is over. */
    async token({ renew: wanted = false } = {}) {
      if (ended) throw new ApiError(401, { detail: 'Signed out' });
      if (wanted || tokens.expires_at * 1000 - Date.now() < MARGIN_MS) {
        renewing ??= renew().finally(() => (renewing = null));
        await renewing;
      }
      return tokens.access_token;
    },
    async signOut() {
      ended = true;
      const headers = { apikey: config.anon_key, authorization: `Bearer ${tokens.access_token}` };
      await requestJson(`${config.auth_url}/logout?scope=local`, { method: 'POST', headers }).catch(() => null);
    },
  };
}
