import { randomUUID } from 'node:crypto';
import { decodeJwt, SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import {
  API_AUDIENCE,
  createTokenSource,
  SERVICE_TOKEN_TTL_S,
  signServiceToken,
  verifyServiceToken,
  WORKER_AUDIENCE,
  type ServiceSecrets,
} from './service-token.ts';

const [old, current, other] = ['o'.repeat(32), 'c'.repeat(32), 'x'.repeat(32)];
const secrets: ServiceSecrets = [current, old];
const now = new Date('2026-11-21T10:00:00Z');
const after = (seconds: number): Date => new Date(now.getTime() + seconds * 1_000);
const seconds = (offset = 0): number => now.getTime() / 1_000 + offset;

const sign = (more: Partial<Parameters<typeof signServiceToken>[1]> = {}, by = secrets) =>
  signServiceToken(by, { issuer: 'api', audience: WORKER_AUDIENCE, now, ...more });
const verify = (token: string | undefined, more: { audience?: string; now?: Date } = {}) =>
  verifyServiceToken(secrets, token, { audience: WORKER_AUDIENCE, now, ...more });

const refusal = (code: string) => expect.objectContaining({ name: 'AppError', kind: 'unauthenticated', code });
const invalid = refusal('auth.token_invalid');

const claims = { iss: 'api', aud: WORKER_AUDIENCE, jti: 'j', iat: seconds(), exp: seconds(30) };
const forge = (more: Record<string, unknown> = {}, header: Record<string, unknown> = {}) =>
  new SignJWT({ ...claims, ...more }).setProtectedHeader({ alg: 'HS256', ...header }).sign(Buffer.from(current));

describe('a token between services', () => {
  it('says who asks, for which session and under which generation', async () => {
    const session = { session_id: randomUUID(), generation: 7 };
    expect(await verify(await sign({ session }))).toEqual({ issuer: 'api', ...session });
    expect(await verify(await sign())).toEqual({ issuer: 'api', session_id: null, generation: null });
  });

  it('is another one each time, and ends within a minute', async () => {
    const [one, two] = [decodeJwt(await sign()), decodeJwt(await sign())];
    expect(one.jti).not.toBe(two.jti);
    expect(one.exp! - one.iat!).toBe(SERVICE_TOKEN_TTL_S);
  });

  it('of a source is the same for one session and generation, for as long as it has half of its life', async () => {
    const tokenFor = createTokenSource(secrets, { issuer: 'api', audience: WORKER_AUDIENCE });
    const session = { session_id: randomUUID(), generation: 7 };
    const token = await tokenFor(session);
    expect(await tokenFor({ ...session })).toBe(token);
    const others = [await tokenFor({ ...session, generation: 8 }), await tokenFor()];
    expect(new Set([token, ...others]).size).toBe(3);
    expect(await verifyServiceToken(secrets, token, { audience: WORKER_AUDIENCE })).toEqual({
      issuer: 'api',
      ...session,
    });
  });

  it('that was taken once is refused all the same when it has expired, elsewhere, and when its secret is gone', async () => {
    const token = await sign({}, [old]);
    await verify(token);
    await verify(token);
    await expect(verify(token, { now: after(SERVICE_TOKEN_TTL_S + 11) })).rejects.toEqual(
      refusal('auth.token_expired'),
    );
    await expect(verify(token, { audience: API_AUDIENCE })).rejects.toEqual(invalid);
    await expect(verifyServiceToken([current], token, { audience: WORKER_AUDIENCE, now })).rejects.toEqual(invalid);
  });

  it('is taken when any of the secrets signed it', async () => {
    await verify(await sign({}, [old]));
    await verify(await sign({}, [current]));
    await expect(verify(await sign({}, [other]))).rejects.toEqual(invalid);
  });

  it('is taken while the clocks differ a little, and no longer', async () => {
    const token = await sign();
    await verify(token, { now: after(SERVICE_TOKEN_TTL_S + 9) });
    await verify(token, { now: after(-9) });
    await expect(verify(token, { now: after(SERVICE_TOKEN_TTL_S + 11) })).rejects.toEqual(
      refusal('auth.token_expired'),
    );
    await expect(verify(token, { now: after(-11) })).rejects.toEqual(invalid);
  });
});

describe('a token is refused', () => {
  it('when there is none', async () => {
    await expect(verify(undefined)).rejects.toEqual(refusal('auth.token_missing'));
    await expect(verify('')).rejects.toEqual(refusal('auth.token_missing'));
  });

  it('when it is for another audience', async () => {
    await expect(verify(await sign({ audience: API_AUDIENCE }))).rejects.toEqual(invalid);
    await expect(verify(await sign(), { audience: API_AUDIENCE })).rejects.toEqual(invalid);
  });

  it.each([
    ['with no audience', { aud: undefined }],
    ['with no end', { exp: undefined }],
    ['with no beginning', { iat: undefined }],
    ['with no id', { jti: undefined }],
    ['of nobody', { iss: '' }],
    ['that lives for an hour', { exp: seconds(3_600) }],
    ['that lives for a minute from tomorrow on', { iat: seconds(86_400), exp: seconds(86_430) }],
    ['of a session that is no id', { sid: '../x' }],
    ['of a generation that is no number', { gen: '7' }],
    ['that is not valid yet', { nbf: seconds(30) }],
  ])('%s, whoever signed it', async (_name, more) => {
    await expect(verify(await forge(more))).rejects.toEqual(invalid);
  });

  it('with alg none, in any spelling, or another algorithm', async () => {
    const unsigned = new UnsecuredJWT(claims).encode();
    await expect(verify(unsigned)).rejects.toEqual(invalid);
    const [, body = ''] = unsigned.split('.');
    for (const alg of ['nOnE', 'NONE', '']) {
      const header = Buffer.from(JSON.stringify({ alg })).toString('base64url');
      await expect(verify(`${header}.${body}.`)).rejects.toEqual(invalid);
    }
    const long = 'k'.repeat(64);
    const with512 = await new SignJWT(claims).setProtectedHeader({ alg: 'HS512' }).sign(Buffer.from(long));
    await expect(verifyServiceToken([long], with512, { audience: WORKER_AUDIENCE, now })).rejects.toEqual(invalid);
  });

  it.each(['garbage', 'a.b.c', 'e30.e30.e30', '....', '\u0000'])('when it is garbage: %j', async (token) => {
    await expect(verify(token)).rejects.toEqual(invalid);
  });

  it('when anything of it was changed', async () => {
    const [header = '', , signature = ''] = (await sign()).split('.');
    const payload = Buffer.from(JSON.stringify({ ...claims, gen: 99 })).toString('base64url');
    await expect(verify(`${header}.${payload}.${signature}`)).rejects.toEqual(invalid);
  });
});
