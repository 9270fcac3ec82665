import { createHash } from 'node:crypto';
import { seedSession } from '@potentia/db/testing/seed-whatsapp';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi, type TestApi } from '../testing/api.ts';
import { type Cast, keyFor, makeCast, makeWorld, type World } from '../testing/world.ts';

let backends: Backends;
let api: TestApi;
/** Another replica, on the same backends. */
let other: TestApi;
let cast: Cast;
let world: World;
beforeAll(async () => {
  backends = await startBackends();
  [api, other] = await Promise.all([
    startApi(backends, { PUBLIC_URL: 'https://api.example.com/', WHATSAPP_STREAM_MS: '20000' }),
    startApi(backends, { WHATSAPP_STREAM_MS: '20000' }),
  ]);
  cast = await makeCast(api, backends);
  world = await makeWorld(api, backends, cast);
});
afterAll(async () => {
  await Promise.all([api[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
  await backends[Symbol.asyncDispose]();
});

const QR = 'https://wa.me/settings/linked_devices#a,b,c,d,e';

async function session(overrides: { status?: string } = { status: 'pairing' }): Promise<string> {
  const home = { workspace_id: world.workspace_id, owner_user_id: cast.owner.user_id };
  const { worker_id } = world.worker;
  return (await seedSession(backends.database, home, { worker_id, name: 'Front desk', ...overrides })).session_id;
}
const putQr = (session_id: string, text = QR, serial = 1, life_ms = 60_000) =>
  api.context.live_codes.put('qr', session_id, {
    text,
    serial,
    expires_at: new Date(Date.now() + life_ms).toISOString(),
  });
const at = (session_id: string, rest: string): string => `/api/v1/whatsapp/sessions/${session_id}/${rest}`;
const set = (session_id: string, what: string) =>
  backends.database.asOwner(`update app.whatsapp_sessions set ${what} where id = $1`, [session_id]);

describe('the QR code', () => {
  it('comes as JSON, PNG, SVG or text, and is kept by nobody on the way', async () => {
    const session_id = await session();
    await putQr(session_id);
    const as = (accept?: string) =>
      api.call(cast.admin, 'GET', at(session_id, 'qr'), undefined, accept === undefined ? {} : { accept });
    const json = await as();
    expect([json.status, json.body]).toMatchObject([200, { session_id, qr: QR, serial: 1 }]);
    expect(json.headers['cache-control']).toBe('no-store');
    const png = await as('image/png');
    expect(png.headers).toMatchObject({ 'content-type': 'image/png', 'cache-control': 'no-store' });
    expect(png.text.slice(1, 4)).toBe('PNG');
    const svg = await as('image/avif,image/svg+xml,*/*;q=0.8');
    expect([svg.headers['content-type'], svg.text.slice(0, 4)]).toEqual(['image/svg+xml', '<svg']);
    expect((await as('text/plain')).text).toMatch(/█[^]*\n$/);
    expect((await as('application/json')).body.qr).toBe(QR);
  });

  it('that there is none is told with the status of the session, and one that has expired is none', async () => {
    const session_id = await session({ status: 'connected' });
    await putQr(session_id, QR, 1, 30);
    await expect.poll(() => api.call(cast.admin, 'GET', at(session_id, 'qr')).then(({ status }) => status)).toBe(409);
    const none = await api.call(cast.admin, 'GET', at(session_id, 'qr'));
    expect(none.body).toMatchObject({ code: 'whatsapp.no_qr', current: { status: 'connected' } });
  });

  it('is for admins: not for members, guests, strangers, or keys that do not manage', async () => {
    const session_id = await session();
    await putQr(session_id);
    const reader = await keyFor(world, 'whatsapp:write', true);
    for (const [method, path, body] of [
      ['GET', 'qr'],
      ['POST', 'qr/page'],
      ['POST', 'pairing-code', { phone: '6281200000001' }],
    ] as const) {
      const ask = async (who: Parameters<typeof api.call>[0]) => {
        const answer = await api.call(who, method, at(session_id, path), body);
        expect(answer.text).not.toContain('linked_devices#');
        return [answer.status, answer.body.code];
      };
      expect(await ask(cast.member), path).toEqual([403, 'workspace.forbidden']);
      for (const who of [cast.guest, cast.stranger])
        expect(await ask(who)).toEqual([404, 'whatsapp.session_not_found']);
      expect(await ask(reader)).toEqual([403, 'api_key.scope_missing']);
      expect(await ask(null)).toEqual([401, 'auth.token_missing']);
    }
  });

  it('and a pairing code are in no table, whoever asked for them', async () => {
    const session_id = await session();
    await putQr(session_id);
    await api.call(cast.admin, 'GET', at(session_id, 'qr'));
    await api.call(cast.admin, 'POST', at(session_id, 'qr/page'));
    const body = { phone: '6281200000001' };
    const key = { 'idempotency-key': 'pair' };
    const paired = await api.call(cast.admin, 'POST', at(session_id, 'pairing-code'), body, key);
    expect([paired.status, paired.body.code]).toEqual([200, 'ABCD1234']);
    expect(paired.headers['cache-control']).toBe('no-store');
    for (const table of [
      'audit_logs',
      'outbox',
      'idempotency_keys',
      'whatsapp_sessions',
      'user_events',
      'webhook_deliveries',
    ]) {
      const rows = await backends.database.asOwner(`select * from app.${table}`);
      expect(JSON.stringify(rows), table).not.toMatch(/linked_devices#|ABCD1234/);
    }
  });
});

describe('the page without a login', () => {
  const open = async (session_id: string): Promise<string> => {
    const made = await api.call(cast.admin, 'POST', at(session_id, 'qr/page'));
    expect(made.status).toBe(201);
    const [page, token = ''] = made.body.url.split('#');
    expect(page).toBe('https://api.example.com/api/v1/whatsapp/qr-page');
    return token;
  };
  const read = (token: string, from = api) => from.call(null, 'POST', '/api/v1/whatsapp/qr-page', { token });

  it('runs only what stands on it, holds nothing of a session, and is framed by nobody', async () => {
    const page = await api.call(null, 'GET', '/api/v1/whatsapp/qr-page');
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    const csp = page.headers['content-security-policy'] ?? '';
    for (const tag of ['script', 'style']) {
      const text = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(page.text)?.[1] ?? '';
      const hash = createHash('sha256').update(text).digest('base64');
      expect(csp).toContain(`${tag}-src 'sha256-${hash}'`);
    }
    expect(csp).toContain("default-src 'none'");
    expect(csp).toContain("frame-ancestors 'none'");
    expect(csp).not.toContain('unsafe');
    expect(page.headers['referrer-policy']).toBe('no-referrer');
  });

  it('shows the code over any replica, the next one, and at the end that it is connected', async () => {
    const session_id = await session();
    const token = await open(session_id);
    expect((await read(token)).body).toMatchObject({
      name: 'Front desk',
      status: 'pairing',
      qr: null,
      pairing_code: null,
    });
    await putQr(session_id);
    const first = await read(token, other);
    expect(first.body.qr).toMatchObject({ serial: 1 });
    expect(first.body.qr.svg).toMatch(/^<svg /);
    expect(first.headers['cache-control']).toBe('no-store');
    await putQr(session_id, `${QR}2`, 2);
    const second = await read(token);
    expect(second.body.qr.serial).toBe(2);
    expect(second.body.qr.svg).not.toBe(first.body.qr.svg);
    await api.context.live_codes.forget(session_id);
    await set(session_id, `status = 'connected'`);
    expect((await read(token)).body).toMatchObject({ status: 'connected', qr: null });
  });

  it('ends with the right of who made it, and with the session', async () => {
    const [mine, gone] = [await session(), await session()];
    const [token, last] = [await open(mine), await open(gone)];
    const text = 'update app.workspace_members set role = $3 where workspace_id = $1 and user_id = $2';
    const become = (role: string) => backends.database.asOwner(text, [world.workspace_id, cast.admin.user_id, role]);
    await become('member');
    expect((await read(token)).body.code).toBe('whatsapp.page_not_found');
    await become('admin');
    expect((await read(token)).status).toBe(200);
    await set(gone, `desired_state = 'deleted'`);
    expect((await read(last)).body.code).toBe('whatsapp.page_not_found');
  });

  it('shows nothing to a token that is none, or whose time is over', async () => {
    const session_id = await session();
    const token = await open(session_id);
    const flipped = (token.startsWith('A') ? 'B' : 'A') + token.slice(1);
    for (const none of [flipped, 'x', '*'.repeat(43)])
      expect((await read(none)).body.code).toBe('whatsapp.page_not_found');
    const hash = createHash('sha256').update(token).digest('hex');
    await api.context.qr_pages.put(hash, { session_id, user_id: cast.admin.user_id }, 1);
    await expect.poll(() => read(token).then(({ status }) => status)).toBe(404);
  });
});
