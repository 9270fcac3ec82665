import { randomUUID } from 'node:crypto';
import { exportSPKI, importJWK, SignJWT, UnsecuredJWT, type CryptoKey } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTestIssuer, userClaims, type TestIssuer } from './testing/issuer.ts';
import { createTokenVerifier, type TokenVerifierOptions } from './verify-token.ts';

let issuer: TestIssuer;
let now_ms: number;
const inSeconds = (seconds: number): number => Math.floor(now_ms / 1000) + seconds;

beforeEach(async () => {
  issuer = await startTestIssuer();
  now_ms = Date.now();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await issuer[Symbol.asyncDispose]();
});

const makeVerifier = (options: Partial<TokenVerifierOptions> = {}) =>
  createTokenVerifier({
    supabase_url: issuer.url,
    issuer: issuer.issuer,
    audience: 'authenticated',
    clock: () => new Date(now_ms),
    ...options,
  });

const refusal = (code: string, kind = 'unauthenticated') => expect.objectContaining({ name: 'AppError', kind, code });
const invalid = refusal('auth.token_invalid');
const expired = refusal('auth.token_expired');
const unavailable = refusal('auth.keys_unavailable', 'unavailable');

const signShared = (secret: string, header: Record<string, unknown> = {}) =>
  new SignJWT(userClaims(issuer.issuer)).setProtectedHeader({ alg: 'HS256', ...header }).sign(Buffer.from(secret));

describe('a token of the configured issuer', () => {
  it.each(['ES256', 'RS256'] as const)('is accepted when signed with %s', async (alg) => {
    await issuer.addKey(alg);
    const sub = randomUUID();
    const exp = inSeconds(60);
    const iat = inSeconds(-5);
    const claims = await makeVerifier().verify(await issuer.sign({ sub, iat, exp, session_id: 's1' }));
    expect(claims).toEqual({
      user_id: sub,
      email: 'ada@example.com',
      name: 'Ada',
      session_id: 's1',
      issued_at: iat * 1000,
      expires_at: exp * 1000,
      api_key: null,
    });
  });

  it('is accepted without an email, a name or a session', async () => {
    const token = await issuer.sign({ email: '', user_metadata: { full_name: ' ' }, session_id: undefined });
    expect(await makeVerifier().verify(token)).toMatchObject({ email: null, name: null, session_id: null });
  });

  it('is accepted while our clocks differ by up to 30 seconds, and no longer', async () => {
    const verifier = makeVerifier();
    await verifier.verify(await issuer.sign({ exp: inSeconds(-25) }));
    await verifier.verify(await issuer.sign({ nbf: inSeconds(25) }));
    await expect(verifier.verify(await issuer.sign({ exp: inSeconds(-31) }))).rejects.toEqual(expired);
    await expect(verifier.verify(await issuer.sign({ nbf: inSeconds(35) }))).rejects.toEqual(invalid);
  });
});

describe('a token is refused', () => {
  it('when there is none', async () => {
    await expect(makeVerifier().verify(undefined)).rejects.toEqual(refusal('auth.token_missing'));
    await expect(makeVerifier().verify('')).rejects.toEqual(refusal('auth.token_missing'));
  });

  it.each([
    ['of another issuer', { iss: 'https://elsewhere.example.com/auth/v1' }],
    ['for another audience', { aud: 'anon' }],
    ['with no subject', { sub: undefined }],
    ['whose subject is no uuid', { sub: '42' }],
    ['with no expiry', { exp: undefined }],
    ['that ends after all dates', { exp: 1e15 }],
    ['of the anon key', { role: 'anon' }],
    ['of the service role key', { role: 'service_role' }],
    ['with no role', { role: undefined }],
  ])('%s', async (_name, claims) => {
    await expect(makeVerifier().verify(await issuer.sign(claims))).rejects.toEqual(invalid);
  });

  it('when it has expired', async () => {
    await expect(makeVerifier().verify(await issuer.sign({ exp: inSeconds(-60) }))).rejects.toEqual(expired);
  });

  it('when it is not valid yet', async () => {
    await expect(makeVerifier().verify(await issuer.sign({ nbf: inSeconds(60) }))).rejects.toEqual(invalid);
  });

  it.each([
    'garbage',
    'a.b.c',
    'e30.e30.e30',
    '....',
    `${Buffer.from('{"alg":5}').toString('base64url')}.e30.e30`,
    `${Buffer.from('{"alg":"ES256","kid":7}').toString('base64url')}.e30.e30`,
    `${Buffer.from('[]').toString('base64url')}.e30.e30`,
    '\u0000',
  ])('when it is garbage: %j', async (token) => {
    await expect(makeVerifier().verify(token)).rejects.toEqual(invalid);
  });

  it('with alg none, in any spelling', async () => {
    const unsigned = new UnsecuredJWT(userClaims(issuer.issuer)).encode();
    await expect(makeVerifier().verify(unsigned)).rejects.toEqual(invalid);
    const spelled = `${Buffer.from('{"alg":"nOnE"}').toString('base64url')}.${unsigned.split('.')[1] ?? ''}.`;
    await expect(makeVerifier().verify(spelled)).rejects.toEqual(invalid);
  });

  it.each(['raw', 'pem'])('when it is HS256 signed with the public key (%s)', async (form) => {
    const key = await issuer.addKey('RS256');
    const public_key = (await importJWK(key.public_jwk, 'RS256', { extractable: true })) as CryptoKey;
    const secret = form === 'pem' ? await exportSPKI(public_key) : JSON.stringify(key.public_jwk);
    const token = await signShared(secret, { kid: key.kid });
    await expect(makeVerifier().verify(token)).rejects.toEqual(invalid);
    await expect(makeVerifier({ secrets: [{ secret: 'x'.repeat(32) }] }).verify(token)).rejects.toEqual(invalid);
  });

  it('when its algorithm is not the one of the key that it names', async () => {
    const [es] = issuer.keys;
    const rs = await issuer.addKey('RS256');
    const token = await issuer.sign({}, { key: rs, header: { kid: es?.kid } });
    await expect(makeVerifier().verify(token)).rejects.toEqual(invalid);
  });

  it('when the payload was tampered with', async () => {
    const [header, , signature] = (await issuer.sign()).split('.');
    const payload = Buffer.from(JSON.stringify(userClaims(issuer.issuer))).toString('base64url');
    await expect(makeVerifier().verify(`${header ?? ''}.${payload}.${signature ?? ''}`)).rejects.toEqual(invalid);
  });

  it('when it brings its own key', async () => {
    await using stranger = await startTestIssuer();
    const [key] = stranger.keys;
    const header = { kid: undefined, jwk: key?.public_jwk, jku: `${stranger.issuer}/.well-known/jwks.json` };
    const token = await issuer.sign({}, { key, header });
    await expect(makeVerifier().verify(token)).rejects.toEqual(invalid);
    expect(stranger.fetches).toBe(0);
  });

  it('when its key id is unknown, with one fetch per cooldown however many ask', async () => {
    const verifier = makeVerifier();
    await verifier.verify(await issuer.sign());
    const forged = await Promise.all(
      Array.from({ length: 5 }, () => issuer.sign({}, { header: { kid: randomUUID() } })),
    );
    const answers = await Promise.allSettled(forged.map((token) => verifier.verify(token)));
    expect(answers.map((answer) => answer.status === 'rejected' && answer.reason)).toEqual(Array(5).fill(invalid));
    await expect(verifier.verify(await issuer.sign({}, { header: { kid: randomUUID() } }))).rejects.toEqual(invalid);
    expect(issuer.fetches).toBe(2);
    now_ms += 2_000;
    await expect(verifier.verify(await issuer.sign({}, { header: { kid: randomUUID() } }))).rejects.toEqual(invalid);
    expect(issuer.fetches).toBe(3);
  });
});

describe('rotation', () => {
  it('logs no one out: old and new keys live side by side, a new one is fetched when a token names it', async () => {
    const verifier = makeVerifier();
    const old_token = await issuer.sign();
    await verifier.verify(old_token);
    await issuer.addKey();
    const new_token = await issuer.sign();
    await verifier.verify(new_token);
    await verifier.verify(old_token);
    expect(issuer.fetches).toBe(2);
  });

  it('forgets verified tokens when the keys change, and refuses those of a key that was withdrawn', async () => {
    const verifier = makeVerifier();
    const old_token = await issuer.sign();
    await verifier.verify(old_token);
    await issuer.addKey();
    issuer.keys.shift();
    now_ms += 300_000;
    await verifier.verify(old_token);
    await vi.waitFor(() => expect(verifier.verify(old_token)).rejects.toEqual(invalid));
    await verifier.verify(await issuer.sign());
  });

  it('works for shared secrets: several at once, by key id or each in turn', async () => {
    const [first, second, named] = ['1'.repeat(32), '2'.repeat(32), '3'.repeat(32)];
    const secrets = [{ secret: first }, { secret: second }, { kid: 'k3', secret: named }];
    const verifier = makeVerifier({ secrets });
    await verifier.verify(await signShared(first));
    await verifier.verify(await signShared(second));
    await verifier.verify(await signShared(second, { kid: 'made-by-someone' }));
    await verifier.verify(await signShared(named, { kid: 'k3' }));
    await verifier.verify(await signShared(named));
    await expect(verifier.verify(await signShared(first, { kid: 'k3' }))).rejects.toEqual(invalid);
    await expect(verifier.verify(await signShared('4'.repeat(32)))).rejects.toEqual(invalid);
    await expect(makeVerifier().verify(await signShared(first))).rejects.toEqual(invalid);
    expect(issuer.fetches).toBe(0);
  });
});

describe('when the key set cannot be fetched', () => {
  it.each(['refuse', 'hang'] as const)('and never was, tokens are unavailable, not invalid (%s)', async (outage) => {
    issuer.outage = outage;
    const verifier = makeVerifier();
    const token = await issuer.sign();
    await expect(verifier.verify(token)).rejects.toEqual(unavailable);
    await expect(verifier.verify(token)).rejects.toEqual(unavailable);
    expect(issuer.fetches).toBe(1);
    issuer.outage = 'none';
    now_ms += 2_000;
    await verifier.verify(token);
  });

  it('the last known keys go on working, and a token of an unknown key is told to retry', async () => {
    const verifier = makeVerifier();
    await verifier.verify(await issuer.sign());
    issuer.outage = 'refuse';
    now_ms += 300_000;
    const of_new_key = await issuer.sign({}, { key: await issuer.addKey() });
    await expect(verifier.verify(of_new_key)).rejects.toEqual(unavailable);
    issuer.outage = 'none';
    now_ms += 10_000;
    await verifier.verify(of_new_key);
  });

  it('a key set that is none counts as away', async () => {
    issuer.keys = undefined as never;
    vi.spyOn(globalThis, 'fetch').mockResolvedValue(Response.json({ message: 'not here' }));
    await using other = await startTestIssuer();
    await expect(makeVerifier().verify(await other.sign())).rejects.toEqual(unavailable);
  });

  it('keys of other kinds and uses are left out', async () => {
    const [key] = issuer.keys;
    if (!key) throw new Error('no key');
    key.public_jwk.use = 'enc';
    const oct = { kty: 'oct', k: Buffer.from('x'.repeat(32)).toString('base64url'), kid: 'shared', alg: 'HS256' };
    issuer.keys.push({ ...key, kid: 'shared', public_jwk: oct });
    await expect(makeVerifier().verify(await issuer.sign({}, { key }))).rejects.toEqual(invalid);
    await expect(makeVerifier().verify(await signShared('x'.repeat(32), { kid: 'shared' }))).rejects.toEqual(invalid);
  });
});

describe('verified tokens', () => {
  it('are verified once, even when many ask at once, and are refused after they expire', async () => {
    const verify = vi.spyOn(crypto.subtle, 'verify');
    const verifier = makeVerifier();
    const token = await issuer.sign({ exp: inSeconds(60) });
    const all = await Promise.all(Array.from({ length: 20 }, () => verifier.verify(token)));
    await verifier.verify(token);
    expect(new Set(all).size).toBe(1);
    expect(verify).toHaveBeenCalledOnce();
    now_ms += 91_000;
    await expect(verifier.verify(token)).rejects.toEqual(expired);
    await expect(verifier.verify(token)).rejects.toEqual(expired);
  });

  it('are remembered up to a bound', async () => {
    const verify = vi.spyOn(crypto.subtle, 'verify');
    const verifier = makeVerifier({ cache_size: 1 });
    const [first, second] = [await issuer.sign(), await issuer.sign()];
    for (const token of [first, second, first]) await verifier.verify(token);
    expect(verify).toHaveBeenCalledTimes(3);
  });
});
