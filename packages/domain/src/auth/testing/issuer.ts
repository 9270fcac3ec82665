import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose';

export interface SigningKey {
  kid: string;
  alg: string;
  private_key: CryptoKey;
  public_jwk: JWK;
}

export interface TestIssuer extends AsyncDisposable {
  /** What `SUPABASE_URL` would be. */
  url: string;
  issuer: string;
  /** The published keys. Change it to rotate. */
  keys: SigningKey[];
  /** How often the key set was asked for. */
  fetches: number;
  /** `refuse` answers 503, `hang` never answers. */
  outage: 'none' | 'refuse' | 'hang';
  addKey(alg?: 'ES256' | 'RS256'): Promise<SigningKey>;
  /** A token that is valid unless `claims` or `header` make it otherwise, signed by the last key unless told. */
  sign(claims?: JWTPayload, options?: { key?: SigningKey; header?: Record<string, unknown> }): Promise<string>;
}

/** The claims of a person's access token, valid for an hour. */
export function userClaims(issuer: string, overrides: JWTPayload = {}): JWTPayload {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: issuer,
    aud: 'authenticated',
    sub: randomUUID(),
    role: 'authenticated',
    email: 'ada@example.com',
    user_metadata: { full_name: 'Ada' },
    session_id: randomUUID(),
    iat: now,
    exp: now + 3600,
    ...overrides,
  };
}

async function makeKey(alg: 'ES256' | 'RS256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const kid = randomUUID();
  return { kid, alg, private_key: privateKey, public_jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

/** An auth server that does nothing but publish keys, and signs whatever a test asks it to. */
export async function startTestIssuer(): Promise<TestIssuer> {
  const server = createServer((_request, response) => {
    test_issuer.fetches += 1;
    if (test_issuer.outage === 'hang') return;
    if (test_issuer.outage === 'refuse') {
      response.writeHead(503).end();
      return;
    }
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ keys: test_issuer.keys.map((key) => key.public_jwk) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const issuer = `${url}/auth/v1`;

  const test_issuer: TestIssuer = {
    url,
    issuer,
    keys: [await makeKey('ES256')],
    fetches: 0,
    outage: 'none',
    async addKey(alg = 'ES256') {
      const key = await makeKey(alg);
      test_issuer.keys.push(key);
      return key;
    },
    async sign(claims = {}, { key = test_issuer.keys.at(-1), header = {} } = {}) {
      if (!key) throw new Error('The issuer has no key to sign with');
      return new SignJWT(userClaims(issuer, claims))
        .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })
        .sign(key.private_key);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return test_issuer;
}
