import { randomUUID, type webcrypto } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { AppError } from './errors.ts';

/*
 * How one of our services proves to another who it is: a token of a minute (HS256) for one audience, which a caller uses for half of it.
 */

export const API_AUDIENCE = 'potentia-api';
export const WORKER_AUDIENCE = 'whatsapp-worker';

/** Seconds that a token is taken after it was made; longer ones are refused, whoever signed them. */
export const SERVICE_TOKEN_TTL_S = 60;
/** Tokens that are remembered, given out or verified. */
const MAX_TOKENS = 10_000;
/** Seconds that the clocks of two services may differ. */
const CLOCK_TOLERANCE_S = 10;

/** The first signs, all verify: secrets are changed by putting a new one last, then first, then alone. */
export type ServiceSecrets = readonly [string, ...string[]];

/** What a token says beside its end. */
export interface ServiceClaims {
  /** The service that asks, such as `api`. */
  issuer: string;
  /** A WhatsApp session, and the generation of the lease under which it is commanded. */
  session_id: string | null;
  generation: number | null;
}

export interface NewServiceToken {
  issuer: string;
  audience: string;
  session?: { session_id: string; generation: number };
  now?: Date;
}

const payload = z.object({
  iss: z.string().min(1).max(64),
  jti: z.string().min(1).max(64),
  iat: z.number(),
  exp: z.number(),
  sid: z.uuid().optional(),
  gen: z.int().min(0).optional(),
});

/** Secrets are few, and to make a key of one costs more than to check a signature with it. */
const keys = new Map<string, Promise<webcrypto.CryptoKey>>();

function keyOf(secret: string): Promise<webcrypto.CryptoKey> {
  const known = keys.get(secret);
  if (known) return known;
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = crypto.subtle.importKey('raw', Buffer.from(secret), algorithm, false, ['sign', 'verify']);
  keys.set(secret, key);
  return key;
}

const refused = (cause: unknown): AppError =>
  new AppError('unauthenticated', 'auth.token_invalid', 'The access token is not valid', {}, { cause });

/** A new token, good for `SERVICE_TOKEN_TTL_S`. */
export async function signServiceToken(secrets: ServiceSecrets, token: NewServiceToken): Promise<string> {
  const { issuer, audience, session, now = new Date() } = token;
  const issued_at = Math.floor(now.getTime() / 1_000);
  return new SignJWT(session === undefined ? {} : { sid: session.session_id, gen: session.generation })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setJti(randomUUID())
    .setIssuedAt(issued_at)
    .setExpirationTime(issued_at + SERVICE_TOKEN_TTL_S)
    .sign(await keyOf(secrets[0]));
}

/** Makes tokens of one service for one audience, and gives each out for half of its life: a signature costs more than what it guards. */
export function createTokenSource(secrets: ServiceSecrets, { issuer, audience }: { issuer: string; audience: string }) {
  const made = new LRUCache<string, Promise<string>>({ max: MAX_TOKENS, ttl: (SERVICE_TOKEN_TTL_S * 1_000) / 2 });
  return (session?: { session_id: string; generation: number }): Promise<string> => {
    const key = session ? `${session.session_id} ${session.generation}` : '';
    const known = made.get(key);
    if (known) return known;
    const token = signServiceToken(secrets, { issuer, audience, ...(session && { session }) });
    made.set(key, token);
    return token;
  };
}

interface Verified {
  claims: ServiceClaims;
  iat: number;
  exp: number;
}

/** Tokens whose signature was good, by the secrets and the audience that they were good for. */
const verified = new WeakMap<ServiceSecrets, LRUCache<string, Verified>>();

/**
 * What the token says that was made for `audience`. Throws `unauthenticated`: `auth.token_missing`, `auth.token_expired`,
 * and `auth.token_invalid` for whatever was not signed by one of the secrets, for another audience, or for too long.
 */
export async function verifyServiceToken(
  secrets: ServiceSecrets,
  token: string | undefined,
  { audience, now = new Date() }: { audience: string; now?: Date },
): Promise<ServiceClaims> {
  if (!token) throw new AppError('unauthenticated', 'auth.token_missing', 'An access token is required');
  const known = verified.get(secrets) ?? new LRUCache<string, Verified>({ max: MAX_TOKENS });
  verified.set(secrets, known);
  const key = `${audience} ${token}`;
  const before = known.get(key);
  const now_s = now.getTime() / 1_000;
  if (before && before.iat - CLOCK_TOLERANCE_S <= now_s && now_s < before.exp + CLOCK_TOLERANCE_S) return before.claims;
  const checks = { audience, algorithms: ['HS256'], clockTolerance: CLOCK_TOLERANCE_S, currentDate: now };
  for (const secret of secrets) {
    try {
      const found = toClaims((await jwtVerify(token, await keyOf(secret), checks)).payload, now);
      known.set(key, found);
      return found.claims;
    } catch (error) {
      if (error instanceof errors.JWSSignatureVerificationFailed) continue;
      if (error instanceof errors.JWTExpired)
        throw new AppError('unauthenticated', 'auth.token_expired', 'The access token has expired');
      throw error instanceof errors.JOSEError ? refused(error.message) : error;
    }
  }
  throw refused('no secret verifies the signature');
}

function toClaims(claims: unknown, now: Date): Verified {
  const parsed = payload.safeParse(claims);
  if (!parsed.success) throw refused(z.prettifyError(parsed.error));
  const { iss, iat, exp, sid, gen } = parsed.data;
  const latest = now.getTime() / 1_000 + SERVICE_TOKEN_TTL_S + CLOCK_TOLERANCE_S;
  if (exp - iat > SERVICE_TOKEN_TTL_S || exp > latest) throw refused('it lives for too long');
  return { claims: { issuer: iss, session_id: sid ?? null, generation: gen ?? null }, iat, exp };
}
