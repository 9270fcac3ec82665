import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { randomUUID } from 'node:crypto';
import { type CryptoKey, exportSPKI, importJWK, SignJWT } from 'jose';
import { startTestIssuer, userClaims } from '@potentia/domain/auth/testing/issuer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';
import { type Door, doorsOf, fillPath } from '../testing/doors.ts';

const SECRET = 'a shared secret of thirty-two characters';

let backends: Backends;
let api: TestApi;
let doors: Door[];
let owner: Person;
let canvas_id: string;
let block_id: string;

beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends, { SUPABASE_JWT_SECRETS: `known:${SECRET}` });
  doors = doorsOf(api.app).filter((door) => !door.is_public);
  owner = await person(backends.issuer);
  canvas_id = await api.makeCanvas(owner);
  [block_id = ''] = await api.addBlocks(owner, canvas_id, ['hello']);
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Tokens that must not open any door, each made by somebody who tries. */
const FORGERIES: Record<string, () => Promise<string | undefined>> = {
  'no token': () => Promise.resolve(undefined),
  'not a token at all': () => Promise.resolve('nonsense'),
  'an expired token': () => {
    const now = Math.floor(Date.now() / 1000);
    return backends.issuer.sign({ iat: now - 7_200, exp: now - 3_600 });
  },
  'a token that is not valid yet': () => backends.issuer.sign({ nbf: Math.floor(Date.now() / 1000) + 3_600 }),
  'a token of another issuer': async () => {
    await using other = await startTestIssuer();
    return await other.sign();
  },
  'our key under another issuer’s name': () => backends.issuer.sign({ iss: 'https://elsewhere.example/auth/v1' }),
  'a token for another audience': () => backends.issuer.sign({ aud: 'elsewhere' }),
  'a service role key': () => backends.issuer.sign({ role: 'service_role' }),
  'alg none': () =>
    Promise.resolve(`${base64({ alg: 'none', typ: 'JWT' })}.${base64(userClaims(backends.issuer.issuer))}.`),
  'HS256 signed with the public key': async () => {
    const [key] = backends.issuer.keys;
    if (!key) throw new Error('no key');
    const pem = await exportSPKI((await importJWK(key.public_jwk, key.alg, { extractable: true })) as CryptoKey);
    return new SignJWT(userClaims(backends.issuer.issuer))
      .setProtectedHeader({ alg: 'HS256', kid: key.kid })
      .sign(Buffer.from(pem));
  },
  'an unknown key id': () => backends.issuer.sign({}, { header: { kid: randomUUID() } }),
  'HS256 with a secret that is not ours': () =>
    new SignJWT(userClaims(backends.issuer.issuer))
      .setProtectedHeader({ alg: 'HS256', kid: 'known' })
      .sign(Buffer.from('another secret of thirty-two characters!')),
};

it('what is refused is counted by its code', async () => {
  const count = async () =>
    Number(
      /^potentia_auth_refused_total\{.*code="auth\.token_expired".*\} (\d+)$/m.exec(
        (await api.call(null, 'GET', '/metrics')).text,
      )?.[1] ?? 0,
    );
  const before = await count();
  const token = await FORGERIES['an expired token']?.();
  await api.call({ ...owner, token: token ?? '' }, 'GET', '/api/v1/me');
  expect(await count()).toBe(before + 1);
});

describe('every door that needs a person', () => {
  it.each(Object.keys(FORGERIES))('refuses %s with 401 and says how to come back', async (name) => {
    const token = await FORGERIES[name]?.();
    expect(doors.length).toBeGreaterThan(15);
    for (const door of doors) {
      const who = token === undefined ? null : { ...owner, token };
      const answer = await api.call(
        who,
        door.method,
        fillPath(door.path, { canvas_id, block_id, user_id: owner.user_id }),
      );
      expect({ door: door.name, status: answer.status }).toEqual({ door: door.name, status: 401 });
      expect(answer.headers['content-type']).toMatch('application/problem+json');
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer /);
      expect(answer.body.code).toMatch(/^auth\.token_(missing|invalid|expired)$/);
    }
  });

  it('takes a token in no other place than the Authorization header', async () => {
    const by_query = await api.call(null, 'GET', `/api/v1/canvases?access_token=${owner.token}`);
    const by_cookie = await api.call(null, 'GET', '/api/v1/canvases', undefined, { cookie: `token=${owner.token}` });
    expect([by_query.status, by_cookie.status]).toEqual([401, 401]);
  });

  it('lets a token signed by a configured secret in', async () => {
    const token = await new SignJWT(userClaims(backends.issuer.issuer))
      .setProtectedHeader({ alg: 'HS256', kid: 'known' })
      .sign(Buffer.from(SECRET));
    expect((await api.call({ ...owner, token }, 'GET', '/api/v1/me')).status).toBe(200);
  });
});

describe('a canvas', () => {
  it('does not open for an editor what only admins may', async () => {
    const editor = await person(backends.issuer);
    await api.call(editor, 'GET', '/api/v1/me');
    await api.call(owner, 'POST', `/api/v1/canvases/${canvas_id}/members`, { user_id: editor.user_id, role: 'editor' });
    const path = `/api/v1/canvases/${canvas_id}`;
    const refused = await Promise.all([
      api.call(editor, 'POST', `${path}/archive`),
      api.call(editor, 'DELETE', path),
      api.call(editor, 'POST', `${path}/members`, { user_id: editor.user_id, role: 'admin' }),
    ]);
    expect(refused.map((answer) => answer.status)).toEqual([403, 403, 403]);
    expect((await api.call(editor, 'PATCH', path, { title: 'by an editor' })).status).toBe(200);
  });
});
