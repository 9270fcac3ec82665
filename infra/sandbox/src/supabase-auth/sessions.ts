import { randomInt, randomUUID } from 'node:crypto';
import { AuthError, validationFailed } from './errors.ts';
import type { SigningKeys } from './keys.ts';
import type { AuthStore, RefreshToken, Session, User } from './store.ts';
import { presentUser } from './users.ts';

export interface SessionsOptions {
  store: AuthStore;
  keys: SigningKeys;
  issuer: () => string;
  clock: () => Date;
  access_token_ttl_s: number;
  /** How long after it was spent a refresh token still answers: for clients that refresh twice at once. */
  reuse_interval_ms: number;
}

export interface Sessions {
  /** A new session of `user`, as GoTrue answers a sign-in. */
  signIn(user: User, method: string): Promise<Record<string, unknown>>;
  /** Spends a refresh token for a new one. Throws `refresh_token_not_found`, `refresh_token_already_used`. */
  refresh(refresh_token: string): Promise<Record<string, unknown>>;
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const makeRefreshToken = (): string => Array.from({ length: 12 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');

export function createSessions(options: SessionsOptions): Sessions {
  const { store, keys, issuer, clock, access_token_ttl_s, reuse_interval_ms } = options;

  async function present(user: User, session: Session, refresh_token: string): Promise<Record<string, unknown>> {
    const iat = Math.floor(clock().getTime() / 1000);
    const exp = iat + access_token_ttl_s;
    const access_token = await keys.sign({
      iss: issuer(),
      sub: user.id,
      aud: 'authenticated',
      exp,
      iat,
      email: user.email,
      phone: '',
      app_metadata: user.app_metadata,
      user_metadata: user.user_metadata,
      role: user.role,
      aal: 'aal1',
      amr: session.amr,
      session_id: session.id,
      is_anonymous: false,
    });
    return {
      access_token,
      token_type: 'bearer',
      expires_in: access_token_ttl_s,
      expires_at: exp,
      refresh_token,
      user: presentUser(user),
    };
  }

  function issueRefreshToken(session_id: string, parent: string | null): string {
    const token = makeRefreshToken();
    store.addRefreshToken({ token, parent, session_id, revoked: false, updated_at: clock().getTime() });
    return token;
  }

  /** What a spent token still gets: its child if that is unspent, another one within the interval, else the end of the family. */
  function reuse(spent: RefreshToken): string {
    const active = store.refreshTokensOf(spent.session_id).find((token) => !token.revoked);
    if (active?.parent === spent.token) return active.token;
    if (clock().getTime() <= spent.updated_at + reuse_interval_ms) return rotate(spent);
    for (const token of store.refreshTokensOf(spent.session_id)) {
      token.revoked = true;
      token.updated_at = 0;
    }
    throw new AuthError(400, 'refresh_token_already_used', 'Invalid Refresh Token: Already Used');
  }

  function rotate(token: RefreshToken): string {
    if (!token.revoked) {
      token.revoked = true;
      token.updated_at = clock().getTime();
    }
    return issueRefreshToken(token.session_id, token.token);
  }

  return {
    async signIn(user, method) {
      const now = clock();
      const amr = [{ method, timestamp: Math.floor(now.getTime() / 1000) }];
      const session = { id: randomUUID(), user_id: user.id, created_at: now.toISOString(), amr };
      store.addSession(session);
      user.last_sign_in_at = now.toISOString();
      const refresh_token = issueRefreshToken(session.id, null);
      await store.save();
      return present(user, session, refresh_token);
    },
    async refresh(refresh_token) {
      if (refresh_token.length < 12) throw validationFailed('Refresh token is not valid');
      const token = store.findRefreshToken(refresh_token);
      const session = token && store.findSession(token.session_id);
      const user = session && store.findUser(session.user_id);
      if (!token || !session || !user) {
        throw new AuthError(400, 'refresh_token_not_found', 'Invalid Refresh Token: Refresh Token Not Found');
      }
      try {
        const issued = token.revoked ? reuse(token) : rotate(token);
        return await present(user, session, issued);
      } finally {
        await store.save();
      }
    },
  };
}
