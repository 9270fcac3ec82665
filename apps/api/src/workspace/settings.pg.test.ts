import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Person, person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends, { CORS_ORIGINS: 'https://everywhere.example' });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

/** A workspace of a new owner's, and where its settings are. */
async function newWorkspace() {
  const owner = await person(backends.issuer);
  const { body } = await api.call(owner, 'POST', '/api/v1/workspaces', { name: 'Acme' });
  const workspace_id: string = body.id;
  return { owner, workspace_id, path: `/api/v1/workspaces/${workspace_id}/settings` };
}

/** Somebody in the workspace, put there past all invitations. */
async function memberOf(workspace_id: string, role: string): Promise<Person> {
  const who = await person(backends.issuer);
  await api.call(who, 'GET', '/api/v1/me');
  await backends.database.asOwner(
    'insert into app.workspace_members (workspace_id, user_id, role) values ($1, $2, $3)',
    [workspace_id, who.user_id, role],
  );
  return who;
}

describe('settings', () => {
  it('of a new workspace are the defaults, with every feature', async () => {
    const { owner, path } = await newWorkspace();
    const { status, headers, body } = await api.call(owner, 'GET', path);
    expect(status).toBe(200);
    expect(headers.etag).toBe('"0"');
    expect(body).toEqual({
      cors_origins: [],
      rate_limits: [],
      locale: 'en',
      time_zone: 'UTC',
      invite_domains: [],
      features: { share_links: true, transfers: true },
      version: 0,
      updated_at: null,
    });
  });

  it('change by what is named, and keep the rest', async () => {
    const { owner, path } = await newWorkspace();
    await api.call(owner, 'PATCH', path, { locale: 'id', features: { share_links: false } });
    const { body } = await api.call(owner, 'PATCH', path, {
      time_zone: 'Asia/Jakarta',
      features: { transfers: false },
      invite_domains: ['Example.COM', 'münchen.example', 'example.com'],
    });
    expect(body).toMatchObject({
      locale: 'id',
      time_zone: 'Asia/Jakarta',
      features: { share_links: false, transfers: false },
      invite_domains: ['example.com', 'xn--mnchen-3ya.example'],
      version: 2,
    });
    expect((await api.call(owner, 'GET', path)).body).toEqual(body);
  });

  it('change only at the version that If-Match names', async () => {
    const { owner, path } = await newWorkspace();
    const first = await api.call(owner, 'PATCH', path, { locale: 'id' }, { 'if-match': '"0"' });
    expect([first.status, first.headers.etag]).toEqual([200, '"1"']);
    const stale = await api.call(owner, 'PATCH', path, { locale: 'en' }, { 'if-match': '"0"' });
    expect(stale.status).toBe(412);
    expect(stale.body).toMatchObject({ code: 'settings.version_conflict', current: { locale: 'id', version: 1 } });
  });

  it('are seen by members and changed by admins; to others there is no such workspace', async () => {
    const { workspace_id, path } = await newWorkspace();
    const patch = { locale: 'id' };
    const expected: Record<string, [number, number]> = { admin: [200, 200], member: [200, 403], guest: [403, 403] };
    for (const [role, statuses] of Object.entries(expected)) {
      const who = await memberOf(workspace_id, role);
      const got = [await api.call(who, 'GET', path), await api.call(who, 'PATCH', path, patch)];
      expect(
        got.map(({ status }) => status),
        role,
      ).toEqual(statuses);
    }
    const stranger = await person(backends.issuer);
    for (const method of ['GET', 'PATCH']) {
      const body = method === 'PATCH' ? patch : undefined;
      expect((await api.call(stranger, method, path, body)).body.code).toBe('workspace.not_found');
      expect((await api.call(null, method, path, body)).status).toBe(401);
    }
  });

  it.each([
    [{}, ''],
    [{ colour: 'red' }, '/colour'],
    [{ cors_origins: ['https://app.example.com/'] }, '/cors_origins/0'],
    [{ cors_origins: ['*'] }, '/cors_origins/0'],
    [{ cors_origins: ['javascript://a'] }, '/cors_origins/0'],
    [{ locale: 'fr' }, '/locale'],
    [{ time_zone: 'Mars/Olympus' }, '/time_zone'],
    [{ time_zone: '+07:00' }, '/time_zone'],
    [{ invite_domains: ['@example.com'] }, '/invite_domains/0'],
    [{ rate_limits: [{ limit: 0, window_ms: 1 }] }, '/rate_limits/0/limit'],
    [{ rate_limits: [{ limit: 1, window_ms: 1, event: 'mutate', method: 'GET' }] }, '/rate_limits/0/event'],
    [{ features: { time_travel: true } }, '/features/time_travel'],
    [{ features: { share_links: 'yes' } }, '/features/share_links'],
  ])('%j is refused, naming %s, and changes nothing', async (patch, pointer) => {
    const { owner, path } = await newWorkspace();
    const { status, body } = await api.call(owner, 'PATCH', path, patch);
    expect(status).toBe(400);
    expect(body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
    expect((await api.call(owner, 'GET', path)).body.version).toBe(0);
  });

  it('leave a line in the audit log that says what was and what is', async () => {
    const { owner, path, workspace_id } = await newWorkspace();
    await api.call(owner, 'PATCH', path, { locale: 'id' });
    const rows = await backends.database.asOwner(
      `select actor_user_id, before, after from app.audit_logs where workspace_id = $1 and action = 'settings.update'`,
      [workspace_id],
    );
    expect(rows).toEqual([{ actor_user_id: owner.user_id, before: { locale: 'en' }, after: { locale: 'id' } }]);
  });
});

describe('the origins of a workspace', () => {
  const asPage = (origin: string) => ({ origin });
  const allowed = (answer: { headers: Record<string, string | undefined> }) =>
    answer.headers['access-control-allow-origin'];

  it('may read what is the workspace’s, and nobody else’s', async () => {
    const [mine, other] = [await newWorkspace(), await newWorkspace()];
    const origin = `https://${mine.workspace_id}.example`;
    await api.call(mine.owner, 'PATCH', mine.path, { cors_origins: [origin] });
    const readMine = () => api.call(mine.owner, 'GET', mine.path, undefined, asPage(origin));
    await vi.waitFor(async () => expect(allowed(await readMine())).toBe(origin), { timeout: 5_000 });
    expect(allowed(await api.call(other.owner, 'GET', other.path, undefined, asPage(origin)))).toBeUndefined();
    const canvas_id = await api.makeCanvas(mine.owner, { workspace_id: mine.workspace_id });
    const canvas = await api.call(mine.owner, 'GET', `/api/v1/canvases/${canvas_id}`, undefined, asPage(origin));
    expect(allowed(canvas)).toBe(origin);
    const foreign = await api.makeCanvas(other.owner, { workspace_id: other.workspace_id });
    const kept = await api.call(other.owner, 'GET', `/api/v1/canvases/${foreign}`, undefined, asPage(origin));
    expect([kept.status, allowed(kept)]).toEqual([200, undefined]);
  });

  it('are answered their preflights; unknown ones are not', async () => {
    const { owner, path, workspace_id } = await newWorkspace();
    const origin = `https://${workspace_id}.example`;
    const preflight = (from: string) =>
      api.call(null, 'OPTIONS', path, undefined, { origin: from, 'access-control-request-method': 'PATCH' });
    expect(allowed(await preflight('https://unknown.example'))).toBeUndefined();
    expect(allowed(await preflight(`https://${'a'.repeat(1_000)}.example`))).toBeUndefined();
    expect(allowed(await preflight('https://everywhere.example'))).toBe('https://everywhere.example');
    await api.call(owner, 'PATCH', path, { cors_origins: [origin] });
    await vi.waitFor(async () => expect(allowed(await preflight(origin))).toBe(origin), { timeout: 5_000 });
  });
});

describe('the limits of a workspace', () => {
  it('count on every replica once they are set, where they are stricter than the operator’s', async () => {
    await using other_replica = await startApi(backends);
    const { owner, path, workspace_id } = await newWorkspace();
    const canvas_id = await api.makeCanvas(owner, { workspace_id });
    const read = (replica: TestApi) => replica.call(owner, 'GET', `/api/v1/canvases/${canvas_id}`);
    expect((await read(other_replica)).status).toBe(200);

    const rule = { method: 'GET', route: '/api/v1/canvases/{canvas_id}', limit: 3, window_ms: 60_000 };
    await api.call(owner, 'PATCH', path, { rate_limits: [rule] });
    await vi.waitFor(
      async () => {
        for (const replica of [api, other_replica]) {
          const { status, headers } = await read(replica);
          expect([status, headers['ratelimit-policy']]).toEqual([429, '"default";q=3;w=60']);
        }
      },
      { timeout: 5_000 },
    );
    expect((await api.call(owner, 'GET', path)).status).toBe(200);
  });
});
