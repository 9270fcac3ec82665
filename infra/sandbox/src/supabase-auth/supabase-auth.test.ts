import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSandbox, type Sandbox } from '../app.ts';

const password = 'correct horse battery';
let now_ms = Date.now();
let sandbox: Sandbox;
let admin: SupabaseClient;

const connect = (to: Sandbox, key = to.anon_key): SupabaseClient =>
  createClient(to.url, key, { auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false } });

let counter = 0;
const makeEmail = (): string => `person-${String((counter += 1))}@example.com`;

/** A signed-in client of its own, as every person has. */
async function signUp(email = makeEmail()) {
  const client = connect(sandbox);
  const { data, error } = await client.auth.signUp({ email, password, options: { data: { full_name: 'Ada' } } });
  if (error || !data.session || !data.user) throw error ?? new Error('no session');
  return { client, email, session: data.session, user: data.user };
}

const refreshWith = (refresh_token: string) => connect(sandbox).auth.refreshSession({ refresh_token });
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${sandbox.url}${path}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', apikey: sandbox.anon_key, ...headers },
  });

beforeAll(async () => {
  sandbox = await buildSandbox({ clock: () => new Date(now_ms) });
  await sandbox.listen();
  admin = connect(sandbox, sandbox.service_role_key);
});
afterAll(() => sandbox.close());

describe('signing up and in', () => {
  it('gives a session at once, and the same person back at every sign-in', async () => {
    const { email, user, session } = await signUp();
    expect(user).toMatchObject({ email, aud: 'authenticated', role: 'authenticated', is_anonymous: false });
    expect(user.user_metadata).toMatchObject({ full_name: 'Ada', email, sub: user.id });
    expect(user.identities).toEqual([expect.objectContaining({ provider: 'email', user_id: user.id })]);
    expect(session).toMatchObject({ token_type: 'bearer', expires_in: 3600 });

    const { data } = await connect(sandbox).auth.signInWithPassword({ email: email.toUpperCase(), password });
    expect(data.user?.id).toBe(user.id);
    expect(data.session?.access_token).not.toBe(session.access_token);
  });

  it('issues tokens with the claims of Supabase, verified by the published keys', async () => {
    const { session, user, email } = await signUp();
    const issuer = `${sandbox.url}/auth/v1`;
    const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`));
    const { payload, protectedHeader } = await jwtVerify(session.access_token, keys, { issuer });
    expect(protectedHeader).toMatchObject({ alg: 'ES256', typ: 'JWT', kid: expect.any(String) as string });
    expect(payload).toMatchObject({
      sub: user.id,
      aud: 'authenticated',
      role: 'authenticated',
      email,
      aal: 'aal1',
      amr: [{ method: 'password', timestamp: expect.any(Number) as number }],
      session_id: expect.any(String) as string,
      user_metadata: { full_name: 'Ada' },
      app_metadata: { provider: 'email', providers: ['email'] },
      is_anonymous: false,
    });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3600);
    const { data } = await connect(sandbox).auth.getClaims(session.access_token);
    expect(data?.claims.sub).toBe(user.id);
  });

  it.each([
    ['an address that is taken', { email: 'taken@example.com', password }, 422, 'user_already_exists'],
    ['a weak password', { email: 'weak@example.com', password: '12345' }, 422, 'weak_password'],
    ['a password that is too long', { email: 'long@example.com', password: 'x'.repeat(73) }, 400, 'validation_failed'],
    ['no password', { email: 'none@example.com', password: '' }, 400, 'validation_failed'],
    ['no address', { email: '', password }, 422, 'anonymous_provider_disabled'],
    ['an address that is none', { email: 'not-an-address', password }, 400, 'validation_failed'],
  ])('refuses to sign up %s', async (_name, credentials, status, code) => {
    await connect(sandbox).auth.signUp({ email: 'taken@example.com', password });
    const { error } = await connect(sandbox).auth.signUp(credentials);
    expect(error).toMatchObject({ status, code });
  });

  it('refuses a wrong password and an unknown person alike', async () => {
    const { email } = await signUp();
    for (const credentials of [
      { email, password: 'wrong' },
      { email: 'nobody@example.com', password },
    ]) {
      const { error } = await connect(sandbox).auth.signInWithPassword(credentials);
      expect(error).toMatchObject({ status: 400, code: 'invalid_credentials', message: 'Invalid login credentials' });
    }
  });

  it('refuses grants that it does not have', async () => {
    const { error } = await connect(sandbox)
      .auth.exchangeCodeForSession('code')
      .catch((error: unknown) => ({ error }));
    expect(error).toBeTruthy();
    expect((await post('/auth/v1/token?grant_type=magic', {})).status).toBe(400);
    expect((await connect(sandbox).auth.signInAnonymously()).error).toMatchObject({
      code: 'anonymous_provider_disabled',
    });
  });
});

describe('refreshing', () => {
  it('rotates: each refresh spends the token and keeps the session', async () => {
    const { session } = await signUp();
    const { data } = await refreshWith(session.refresh_token);
    expect(data.session?.refresh_token).not.toBe(session.refresh_token);
    const { data: again } = await refreshWith(data.session?.refresh_token ?? '');
    const idOf = async (token = '') => (await connect(sandbox).auth.getClaims(token)).data?.claims.session_id;
    expect(await idOf(again.session?.access_token)).toBe(await idOf(session.access_token));
  });

  it('answers the parent of the unspent token with that same token, however late: its answer may have been lost', async () => {
    const { session } = await signUp();
    const first = await refreshWith(session.refresh_token);
    now_ms += 60_000;
    const second = await refreshWith(session.refresh_token);
    expect(second.data.session?.refresh_token).toBe(first.data.session?.refresh_token);
  });

  it('takes a spent token for a short while, and later its reuse ends the whole family', async () => {
    const { session } = await signUp();
    const child = (await refreshWith(session.refresh_token)).data.session?.refresh_token ?? '';
    const grandchild = (await refreshWith(child)).data.session?.refresh_token ?? '';
    const within = await refreshWith(session.refresh_token);
    expect(within.data.session?.refresh_token).toEqual(expect.any(String));

    now_ms += 10_001;
    const late = await refreshWith(session.refresh_token);
    expect(late.error).toMatchObject({ status: 400, code: 'refresh_token_already_used' });
    for (const token of [child, grandchild, within.data.session?.refresh_token ?? '']) {
      expect((await refreshWith(token)).error).toMatchObject({ code: 'refresh_token_already_used' });
    }
  });

  it('refuses tokens that it never issued', async () => {
    expect((await refreshWith('abcdefghijkl')).error).toMatchObject({ status: 400, code: 'refresh_token_not_found' });
    expect((await refreshWith('short')).error).toMatchObject({ status: 400, code: 'validation_failed' });
  });
});

describe('one’s own user', () => {
  it('is read and changed: data merges, null removes', async () => {
    const { client, user } = await signUp();
    expect((await client.auth.getUser()).data.user).toMatchObject({ id: user.id });
    const { data } = await client.auth.updateUser({ data: { full_name: null, theme: 'dark' } });
    expect(data.user?.user_metadata).toMatchObject({ theme: 'dark' });
    expect(data.user?.user_metadata).not.toHaveProperty('full_name');
    const email = makeEmail();
    expect((await client.auth.updateUser({ email })).data.user?.email).toBe(email);
  });

  it('takes a new password, which ends the other sessions', async () => {
    const { client, email } = await signUp();
    const other = (await connect(sandbox).auth.signInWithPassword({ email, password })).data.session;
    expect((await client.auth.updateUser({ password })).error).toMatchObject({ status: 422, code: 'same_password' });
    expect((await client.auth.updateUser({ password: 'another password' })).error).toBeNull();
    expect((await refreshWith(other?.refresh_token ?? '')).error).toMatchObject({ code: 'refresh_token_not_found' });
    expect((await client.auth.refreshSession()).error).toBeNull();
    const { error } = await connect(sandbox).auth.signInWithPassword({ email, password: 'another password' });
    expect(error).toBeNull();
  });

  it('cannot take another person’s address, a weak password or admin data', async () => {
    const { client, session } = await signUp();
    const { email } = await signUp();
    expect((await client.auth.updateUser({ email })).error).toMatchObject({ status: 422, code: 'email_exists' });
    expect((await client.auth.updateUser({ password: 'x' })).error).toMatchObject({ code: 'weak_password' });
    const response = await fetch(`${sandbox.url}/auth/v1/user`, {
      method: 'PUT',
      headers: {
        apikey: sandbox.anon_key,
        authorization: `Bearer ${session.access_token}`,
        'content-type': 'application/json',
      },
      body: '{"app_metadata":{"admin":true}}',
    });
    expect(await response.json()).toMatchObject({ code: 403, error_code: 'not_admin' });
  });

  it('is nobody’s with a token that is none', async () => {
    const { error } = await connect(sandbox).auth.getUser('a.b.c');
    expect(error).toMatchObject({ status: 403, code: 'bad_jwt' });
  });
});

describe('signing out', () => {
  it('locally ends this session only', async () => {
    const { client, email, session } = await signUp();
    const other = (await connect(sandbox).auth.signInWithPassword({ email, password })).data.session;
    expect((await client.auth.signOut({ scope: 'local' })).error).toBeNull();
    expect((await refreshWith(session.refresh_token)).error).toMatchObject({ code: 'refresh_token_not_found' });
    expect((await connect(sandbox).auth.getUser(session.access_token)).error).toMatchObject({
      name: 'AuthSessionMissingError',
    });
    expect((await refreshWith(other?.refresh_token ?? '')).error).toBeNull();
  });

  it('elsewhere ends the others, and everywhere ends all', async () => {
    const { client, email } = await signUp();
    const other = connect(sandbox);
    await other.auth.signInWithPassword({ email, password });
    expect((await client.auth.signOut({ scope: 'others' })).error).toBeNull();
    expect((await other.auth.refreshSession()).error).toMatchObject({ code: 'refresh_token_not_found' });
    const { data } = await client.auth.refreshSession();
    expect((await client.auth.signOut()).error).toBeNull();
    expect((await refreshWith(data.session?.refresh_token ?? '')).error).toMatchObject({
      code: 'refresh_token_not_found',
    });
  });

  it('knows no other scope', async () => {
    const { session } = await signUp();
    const answer = await post('/auth/v1/logout?scope=nowhere', '', { authorization: `Bearer ${session.access_token}` });
    expect(answer.status).toBe(400);
  });
});

describe('the service role', () => {
  it('creates, lists, reads, changes and deletes people', async () => {
    const [email, id] = [makeEmail(), crypto.randomUUID()];
    const { data } = await admin.auth.admin.createUser({
      id,
      email,
      password,
      email_confirm: true,
      user_metadata: { full_name: 'Grace' },
      app_metadata: { plan: 'team' },
    });
    expect(data.user).toMatchObject({ id, email, app_metadata: { plan: 'team', provider: 'email' } });
    expect((await admin.auth.admin.createUser({ email, password })).error).toMatchObject({
      status: 422,
      code: 'email_exists',
    });
    expect((await admin.auth.admin.createUser({ id, email: makeEmail() })).error).toMatchObject({ status: 400 });
    expect((await admin.auth.admin.createUser({})).error).toMatchObject({ status: 400, code: 'validation_failed' });

    const { data: list } = await admin.auth.admin.listUsers({ page: 1, perPage: 2 });
    expect(list.users).toHaveLength(2);
    expect(list).toMatchObject({ aud: 'authenticated', nextPage: 2 });
    expect((await admin.auth.admin.listUsers({ page: -1 })).error).toMatchObject({ status: 400 });

    await connect(sandbox).auth.signInWithPassword({ email, password });
    const changed = await admin.auth.admin.updateUserById(id, {
      email: makeEmail(),
      password: 'another password',
      user_metadata: { full_name: 'Grace H.' },
    });
    expect(changed.data.user?.user_metadata).toMatchObject({ full_name: 'Grace H.' });
    expect((await admin.auth.admin.updateUserById(id, { email: (await signUp()).email })).error).toMatchObject({
      code: 'email_exists',
    });
    expect((await admin.auth.admin.getUserById(id)).data.user).toMatchObject({ id });
    expect((await admin.auth.admin.deleteUser(id)).error).toBeNull();
    expect((await admin.auth.admin.getUserById(id)).error).toMatchObject({ status: 404, code: 'user_not_found' });
  });

  it('invites: the person exists, unconfirmed, and cannot sign in before a password is set', async () => {
    const email = makeEmail();
    const { data } = await admin.auth.admin.inviteUserByEmail(email, { data: { team: 'blue' } });
    expect(data.user).toMatchObject({ email, invited_at: expect.any(String) as string });
    expect(data.user?.confirmed_at).toBeUndefined();
    expect((await admin.auth.admin.inviteUserByEmail(email)).data.user?.id).toBe(data.user?.id);
    expect((await connect(sandbox).auth.signInWithPassword({ email, password })).error).toMatchObject({
      code: 'invalid_credentials',
    });
    const id = data.user?.id ?? '';
    await admin.auth.admin.updateUserById(id, { password });
    expect((await connect(sandbox).auth.signInWithPassword({ email, password })).error).toMatchObject({
      code: 'email_not_confirmed',
    });
    await admin.auth.admin.updateUserById(id, { email_confirm: true });
    expect((await connect(sandbox).auth.signInWithPassword({ email, password })).data.user?.id).toBe(id);
    expect((await admin.auth.admin.inviteUserByEmail(email)).error).toMatchObject({ code: 'email_exists' });
  });

  it('is nobody else', async () => {
    const { session } = await signUp();
    const asPerson = await post('/auth/v1/invite', {}, { authorization: `Bearer ${session.access_token}` });
    expect(await asPerson.json()).toEqual({ code: 403, error_code: 'not_admin', msg: 'User not allowed' });
    expect((await post('/auth/v1/invite', {}, { authorization: 'Bearer nonsense' })).status).toBe(403);
    expect((await post('/auth/v1/invite', {})).status).toBe(401);
    expect((await connect(sandbox).auth.admin.listUsers()).error).toMatchObject({ status: 403 });
  });
});

describe('the gateway', () => {
  it('asks for an API key, and opens only the key set', async () => {
    const bare = await fetch(`${sandbox.url}/auth/v1/settings`);
    expect([bare.status, ((await bare.json()) as { msg: string }).msg]).toEqual([401, 'No API key found in request']);
    expect((await fetch(`${sandbox.url}/auth/v1/settings`, { headers: { apikey: 'other' } })).status).toBe(401);
    const keys = await fetch(`${sandbox.url}/auth/v1/.well-known/jwks.json`);
    const [key] = ((await keys.json()) as { keys: object[] }).keys;
    expect(key).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' });
    expect(key).not.toHaveProperty('d');
  });

  it('answers settings and health', async () => {
    const get = async (path: string) =>
      (await fetch(`${sandbox.url}${path}`, { headers: { apikey: sandbox.anon_key } })).json();
    expect(await get('/auth/v1/settings')).toMatchObject({ mailer_autoconfirm: true, external: { email: true } });
    expect(await get('/auth/v1/health')).toMatchObject({ name: 'GoTrue' });
    expect(await get('/health')).toMatchObject({ status: 'ok' });
  });

  it('lets any page call it', async () => {
    const preflight = await fetch(`${sandbox.url}/auth/v1/token`, {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example.com', 'access-control-request-headers': 'apikey,x-client-info' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
    expect(preflight.headers.get('access-control-allow-headers')).toBe('apikey,x-client-info');
  });

  it.each(['{', '[]', '7', '{"email":7}', '{"email":"a@example.com","password":"secret","data":[]}'])(
    'answers a body that it cannot use with 400: %s',
    async (body) => {
      const answer = await post('/auth/v1/signup', body);
      expect([answer.status, ((await answer.json()) as { error_code: string }).error_code]).toEqual([400, 'bad_json']);
    },
  );

  it('answers a body that is too large with 413', async () => {
    expect((await post('/auth/v1/signup', { email: 'x'.repeat(1_100_000) })).status).toBe(413);
  });
});

describe('keys and data', () => {
  it('survive a restart, and rotation leaves every session and token valid', async () => {
    const data_dir = await mkdtemp(join(tmpdir(), 'sandbox-'));
    const open = async () => {
      const opened = await buildSandbox({ data_dir, public_url: 'http://auth.example.com' });
      await opened.app.listen({ host: '127.0.0.1', port: 0 });
      const { port } = opened.app.server.address() as { port: number };
      return { opened, client: connect({ ...opened, url: `http://127.0.0.1:${String(port)}` }), port };
    };
    const first = await open();
    const { data } = await first.client.auth.signUp({ email: 'ada@example.com', password });
    const old_token = data.session?.access_token ?? '';
    const rotated = await fetch(`http://127.0.0.1:${String(first.port)}/sandbox/auth/rotate-keys`, { method: 'POST' });
    const { kid } = (await rotated.json()) as { kid: string };
    await first.opened.close();

    const second = await open();
    expect((await second.client.auth.getUser(old_token)).data.user?.email).toBe('ada@example.com');
    const { data: refreshed } = await second.client.auth.refreshSession({
      refresh_token: data.session?.refresh_token ?? '',
    });
    const new_token = refreshed.session?.access_token ?? '';
    expect(decodeProtectedHeader(new_token).kid).toBe(kid);
    expect((await second.client.auth.getClaims(new_token)).data?.claims.iss).toBe('http://auth.example.com/auth/v1');
    await second.opened.close();

    expect((await stat(join(data_dir, 'auth-keys.json'))).mode & 0o077).toBe(0);
    expect(await readFile(join(data_dir, 'auth.json'), 'utf8')).not.toContain(password);
    await rm(data_dir, { recursive: true });
  });

  it('may begin with a shared secret and move to keys by rotating', async () => {
    const jwt_secret = 's'.repeat(40);
    await using shared = await buildSandbox({ jwt_secret });
    await shared.listen();
    const client = connect(shared);
    const { data } = await client.auth.signUp({ email: 'ada@example.com', password });
    const old_token = data.session?.access_token ?? '';
    expect(decodeProtectedHeader(old_token)).toEqual({ alg: 'HS256', typ: 'JWT' });
    await jwtVerify(old_token, Buffer.from(jwt_secret));
    await fetch(`${shared.url}/sandbox/auth/rotate-keys`, { method: 'POST' });
    const { data: refreshed } = await client.auth.refreshSession();
    expect(decodeProtectedHeader(refreshed.session?.access_token ?? '').alg).toBe('ES256');
    expect((await client.auth.getUser(old_token)).error).toBeNull();
  });

  it('hold two demo users when they have a password', async () => {
    await using demo = await buildSandbox({ demo_password: password });
    await demo.listen();
    const { data } = await connect(demo).auth.signInWithPassword({ email: 'demo-two@example.com', password });
    expect(data.user?.user_metadata.full_name).toBe('Demo Two');
  });
});
