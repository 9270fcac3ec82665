import { randomUUID } from 'node:crypto';
import {
  exportJWK,
  generateKeyPair,
  importJWK,
  jwtVerify,
  SignJWT,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose';
import { openJsonFile } from '../json-file.ts';
import { AuthError } from './errors.ts';

interface StoredKey {
  kid: string;
  created_at: string;
  private_jwk: JWK;
}

export interface SigningKeys {
  sign(claims: JWTPayload): Promise<string>;
  /** The claims of a token that one of the keys, or the shared secret, has signed. Throws GoTrue's `bad_jwt`. */
  verify(token: string): Promise<JWTPayload>;
  /** The public keys, newest first (RFC 7517). */
  jwks(): JWK[];
  /** Makes a new key that signs from now on. Older ones stay published. Returns its id. */
  rotate(): Promise<string>;
}

const publicJwk = ({ kid, private_jwk: { kty, crv, x, y } }: StoredKey): JWK => ({
  kty,
  crv,
  x,
  y,
  kid,
  alg: 'ES256',
  use: 'sig',
  key_ops: ['verify'],
});

async function makeKey(): Promise<StoredKey> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { kid: randomUUID(), created_at: new Date().toISOString(), private_jwk: await exportJWK(privateKey) };
}

/**
 * ES256 keys, the newest of which signs. With a `jwt_secret` tokens are HS256, as in Supabase projects that have not
 * moved to signing keys; the first rotation moves, and the secret goes on verifying what it has signed.
 */
export async function openSigningKeys(
  data_dir: string | undefined,
  jwt_secret: string | undefined,
): Promise<SigningKeys> {
  const file = await openJsonFile<{ keys: StoredKey[] }>(data_dir, 'auth-keys.json', { keys: [] });
  const secret = jwt_secret ? Buffer.from(jwt_secret) : undefined;
  const imported = new Map<string, { private_key: CryptoKey; public_key: CryptoKey }>();

  async function use(key: StoredKey): Promise<void> {
    imported.set(key.kid, {
      private_key: (await importJWK(key.private_jwk, 'ES256')) as CryptoKey,
      public_key: (await importJWK(publicJwk(key), 'ES256')) as CryptoKey,
    });
  }

  async function rotate(): Promise<string> {
    const key = await makeKey();
    await use(key);
    file.value.keys.unshift(key);
    await file.save();
    return key.kid;
  }

  await Promise.all(file.value.keys.map(use));
  if (!secret && file.value.keys.length === 0) await rotate();

  return {
    async sign(claims) {
      const kid = file.value.keys[0]?.kid;
      const key = kid ? imported.get(kid)?.private_key : secret;
      if (!key) throw new Error('There is no key to sign with');
      const header = kid ? { alg: 'ES256', kid, typ: 'JWT' } : { alg: 'HS256', typ: 'JWT' };
      return new SignJWT(claims).setProtectedHeader(header).sign(key);
    },
    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, ({ alg, kid }) => {
          const key = alg === 'ES256' ? imported.get(kid ?? '')?.public_key : alg === 'HS256' ? secret : undefined;
          if (!key) throw new Error(`unrecognized JWT kid ${String(kid)} for algorithm ${alg}`);
          return key;
        });
        return payload;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new AuthError(403, 'bad_jwt', `invalid JWT: unable to parse or verify signature, ${reason}`);
      }
    },
    jwks: () => file.value.keys.map(publicJwk),
    rotate,
  };
}
