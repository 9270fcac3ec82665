import { hash } from 'node:crypto';
import { decodeProtectedHeader, errors, jwtVerify, type CryptoKey, type JWTPayload, type JWTVerifyOptions } from 'jose';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { AppError } from '../platform/errors.ts';
import { tokenExpired, tokenInvalid, tokenMissing } from './errors.ts';
import { createKeySet } from './key-set.ts';
import type { Scope } from './rules/scopes.ts';

/** What a verified access token says of the person, or an API key of itself. */
export interface Claims {
  user_id: string;
  email: string | null;
  name: string | null;
  /** The auth server's session, the same over refreshes. */
  session_id: string | null;
  /** When the token was made, in milliseconds since the epoch, where it says so. */
  issued_at: number | null;
  /** When the token ends, in milliseconds since the epoch. */
  expires_at: number;
  /** The API key that acts, as `user_id`; null for a person. */
  api_key: { id: string; workspace_id: string; scopes: readonly Scope[] } | null;
}

/** An HS256 secret. One with a `kid` verifies the tokens that name it; one without, any token no named secret claims. */
export interface SharedSecret {
  kid?: string;
  secret: string;
}

export interface TokenVerifierOptions {
  supabase_url: string;
  /** Expected `iss` and `aud`. */
  issuer: string;
  audience: string;
  secrets?: readonly SharedSecret[];
  /** Called with every refusal, before it is thrown. */
  onRefused?: (error: AppError) => void;
  clock?: () => Date;
  /** How many verified tokens are remembered. */
  cache_size?: number;
}

/** Allowed difference between our clock and the issuer's: so long a token is taken after its end. */
export const CLOCK_TOLERANCE_MS = 30_000;
/** The last second that has a date of four digits. */
const LAST_SECOND = 253_402_300_799;

export interface TokenVerifier {
  /**
   * The claims of a Supabase user's access token. Throws `unauthenticated` (`auth.token_missing`, `auth.token_invalid`,
   * `auth.token_expired`), or `unavailable` (`auth.keys_unavailable`) while the key that it names cannot be looked up.
   */
  verify(token: string | undefined): Promise<Claims>;
}

/** API keys (`anon`, `service_role`) are signed by the same keys: only a person's token has this role. */
const userPayload = z.object({
  sub: z.uuid(),
  role: z.literal('authenticated'),
  iat: z.number().min(0).max(LAST_SECOND).optional(),
  exp: z.number().max(LAST_SECOND),
  email: z.string().optional(),
  session_id: z.string().optional(),
  user_metadata: z.object({ full_name: z.unknown(), name: z.unknown() }).partial().optional(),
});

function toClaims(payload: JWTPayload): Claims {
  const parsed = userPayload.safeParse(payload);
  if (!parsed.success) throw tokenInvalid(z.prettifyError(parsed.error));
  const { sub, iat, exp, email, session_id, user_metadata } = parsed.data;
  const name = [user_metadata?.full_name, user_metadata?.name].find(
    (value) => typeof value === 'string' && value.trim(),
  );
  return {
    user_id: sub.toLowerCase(),
    email: email ? email : null,
    name: typeof name === 'string' ? name.trim() : null,
    session_id: session_id ?? null,
    issued_at: iat === undefined ? null : iat * 1000,
    expires_at: exp * 1000,
    api_key: null,
  };
}

function readHeader(token: string): { alg: string; kid: string | undefined } {
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    if (typeof alg === 'string' && (kid === undefined || typeof kid === 'string')) return { alg, kid };
  } catch {
    // Falls through: whatever is not a signed JWT is refused the same way.
  }
  throw tokenInvalid('malformed header');
}

/** A key and the only algorithm it may be used with. */
interface Candidate {
  alg: string;
  key: CryptoKey | Uint8Array;
}

async function verifyWithAny(token: string, candidates: Candidate[], checks: JWTVerifyOptions): Promise<JWTPayload> {
  for (const { key, alg } of candidates) {
    try {
      return (await jwtVerify(token, key, { ...checks, algorithms: [alg] })).payload;
    } catch (error) {
      if (error instanceof errors.JWSSignatureVerificationFailed) continue;
      if (error instanceof errors.JWTExpired) throw tokenExpired();
      throw error instanceof errors.JOSEError ? tokenInvalid(error.message) : error;
    }
  }
  throw tokenInvalid('no key verifies the signature');
}

/**
 * Verifies Supabase access tokens (RFC 7519) by the issuer's published keys (ES256, RS256) or by shared secrets (HS256).
 * Which algorithm a token may use follows from the key that it names, never from the token, and keys come only from
 * configuration: `jku`, `x5u` and `jwk` headers are ignored. Verified tokens are remembered by SHA-256 until they expire.
 */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const clock = options.clock ?? (() => new Date());
  const secrets = (options.secrets ?? []).map(({ kid, secret }) => ({ kid, alg: 'HS256', key: Buffer.from(secret) }));
  const verified = new LRUCache<string, Claims>({ max: options.cache_size ?? 20_000 });
  const verifying = new Map<string, Promise<Claims>>();
  let generation = 0;

  function refused(error: AppError): AppError {
    options.onRefused?.(error);
    return error;
  }

  const key_set = createKeySet({
    jwks_url: `${options.supabase_url.replace(/\/+$/, '')}/auth/v1/.well-known/jwks.json`,
    clock,
    onChanged() {
      generation += 1;
      verified.clear();
    },
  });

  async function candidatesFor(alg: string, kid: string | undefined): Promise<Candidate[]> {
    if (alg === 'HS256') {
      const named = secrets.filter((secret) => kid !== undefined && secret.kid === kid);
      return named.length > 0 ? named : secrets.filter((secret) => kid === undefined || secret.kid === undefined);
    }
    if (alg !== 'ES256' && alg !== 'RS256') throw tokenInvalid(`algorithm ${alg}`);
    if (kid === undefined) throw tokenInvalid('no key id');
    const key = await key_set.find(kid);
    if (!key) throw tokenInvalid('unknown key id');
    if (key.alg !== alg) throw tokenInvalid(`algorithm ${alg} with a key for ${key.alg}`);
    return [key];
  }

  async function verifyAfresh(token: string): Promise<Claims> {
    const { alg, kid } = readHeader(token);
    const candidates = await candidatesFor(alg, kid);
    const payload = await verifyWithAny(token, candidates, {
      issuer: options.issuer,
      audience: options.audience,
      clockTolerance: CLOCK_TOLERANCE_MS / 1000,
      currentDate: clock(),
      requiredClaims: ['exp', 'sub'],
    });
    return toClaims(payload);
  }

  async function verifyAndRemember(token: string, token_hash: string): Promise<Claims> {
    const started_in = generation;
    try {
      const claims = await verifyAfresh(token);
      // Keys that changed meanwhile may no longer hold the one that verified this token.
      if (started_in === generation) verified.set(token_hash, claims);
      return claims;
    } catch (error) {
      throw error instanceof AppError ? refused(error) : error;
    } finally {
      verifying.delete(token_hash);
    }
  }

  return {
    async verify(token) {
      if (!token) throw refused(tokenMissing());
      key_set.keepFresh();
      const token_hash = hash('sha256', token, 'base64url');
      const known = verified.get(token_hash);
      if (known) {
        if (known.expires_at + CLOCK_TOLERANCE_MS > clock().getTime()) return known;
        verified.delete(token_hash);
        throw refused(tokenExpired());
      }
      const pending = verifying.get(token_hash) ?? verifyAndRemember(token, token_hash);
      verifying.set(token_hash, pending);
      return pending;
    },
  };
}
