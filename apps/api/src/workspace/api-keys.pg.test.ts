import { giveApiKey } from '@potentia/domain/auth/testing/api-key';
import type { Scope } from '@potentia/domain/auth/rules/scopes';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
let owner: Person;
let workspace_id: string;
let canvas_id: string;

beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  owner = await person(backends.issuer);
  workspace_id = (await api.call(owner, 'POST', '/api/v1/workspaces', { name: 'Keys' })).body.id;
  canvas_id = await api.makeCanvas(owner, { workspace_id, title: 'shared' });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

const keysPath = () => `/api/v1/workspaces/${workspace_id}/api-keys`;
const bearer = async (...scopes: Scope[]): Promise<Person> => {
  const home = { workspace_id, owner_user_id: owner.user_id };
  return { ...(await giveApiKey(backends.database.db, home, scopes)), email: '' };
};

describe('an API key over HTTP', () => {
  it('is made and shown once, works as a bearer at once, is listed without itself, and ends when it is revoked', async () => {
    const body = { name: 'CI', scopes: ['canvas:read'] };
    const made = await api.call(owner, 'POST', keysPath(), body);
    expect(made).toMatchObject({ status: 201, headers: { 'cache-control': 'no-store' } });
    const key: Person = { user_id: made.body.id, token: made.body.key, email: '' };
    expect((await api.call(key, 'GET', `/api/v1/canvases/${canvas_id}`)).body).toMatchObject({ id: canvas_id });
    const list = await api.call(owner, 'GET', keysPath());
    expect(list.text).toContain(made.body.last_four);
    expect(list.text).not.toContain(key.token);

    expect((await api.call(owner, 'DELETE', `${keysPath()}/${key.user_id}`)).status).toBe(204);
    expect((await api.call(key, 'GET', `/api/v1/canvases/${canvas_id}`)).status).toBe(404);
    expect((await api.call(key, 'GET', '/api/v1/canvases')).body.items).toEqual([]);
  });

  it('does what its scopes say, and nothing that names none', async () => {
    const reader = await bearer('canvas:read');
    const missing = { status: 403, body: { code: 'api_key.scope_missing' } };
    expect((await api.call(reader, 'GET', `/api/v1/canvases/${canvas_id}/blocks`)).status).toBe(200);
    const patch = ['PATCH', `/api/v1/canvases/${canvas_id}/meta`, { title: 'x' }] as const;
    expect(await api.call(reader, ...patch)).toMatchObject(missing);
    expect((await api.call(await bearer('canvas:write'), ...patch)).status).toBe(200);
    expect(await api.call(reader, 'GET', `/api/v1/workspaces/${workspace_id}`)).toMatchObject(missing);
    expect((await api.call(await bearer('workspace:read'), 'GET', `/api/v1/workspaces/${workspace_id}`)).status).toBe(
      200,
    );
    const admin = await bearer('workspace:admin', 'canvas:write');
    expect((await api.call(admin, 'GET', keysPath())).status).toBe(200);
    expect(await api.call(admin, 'POST', keysPath(), { name: 'more', scopes: ['canvas:read'] })).toMatchObject(missing);
    expect(await api.call(admin, 'GET', '/api/v1/me')).toMatchObject(missing);
  });

  it('sees nothing of other workspaces, and no list of people has it', async () => {
    const key = await bearer('canvas:write', 'workspace:admin');
    const stranger = await person(backends.issuer);
    const foreign = await api.makeCanvas(stranger, { title: 'foreign' });
    expect((await api.call(key, 'GET', `/api/v1/canvases/${foreign}`)).status).toBe(404);
    for (const path of [`/api/v1/canvases/${canvas_id}/members`, `/api/v1/workspaces/${workspace_id}/members`]) {
      const list = await api.call(owner, 'GET', path);
      expect(list.body.items.map((one: { user_id: string }) => one.user_id)).toEqual([owner.user_id]);
    }
    const invite = { user_id: key.user_id, role: 'viewer' };
    const mine = await api.makeCanvas(owner, { title: 'mine' });
    expect((await api.call(owner, 'POST', `/api/v1/canvases/${mine}/members`, invite)).status).toBe(404);
  });

  it('that is unknown or malformed is answered like any bad token', async () => {
    for (const token of ['pot_', 'pot_nonsense', `${(await bearer('canvas:read')).token}x`]) {
      const answer = await api.call({ user_id: '', email: '', token }, 'GET', '/api/v1/canvases');
      expect(answer).toMatchObject({ status: 401, body: { code: 'auth.token_invalid' } });
    }
  });

  it('spends the budget of its workspace', async () => {
    await using small = await startApi(backends, { RATE_LIMITS: '[{"limit":3,"window_ms":60000}]' });
    const [one, two] = [await bearer('canvas:read'), await bearer('canvas:read')];
    const statuses = [];
    for (const key of [one, two, one, two]) statuses.push((await small.call(key, 'GET', '/api/v1/canvases')).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
  });

  it('costs one look-up, and then none', async () => {
    const key = await bearer('canvas:read');
    const { context } = api;
    const texts: string[] = [];
    const call = context.db.call.bind(context.db);
    context.db.call = (text, ...rest) => (texts.push(text), call(text, ...rest));
    for (let n = 0; n < 3; n++) await api.call(key, 'GET', `/api/v1/canvases/${canvas_id}`);
    context.db.call = call;
    expect(texts.filter((text) => text.includes('use_api_key'))).toHaveLength(1);
    expect(texts.filter((text) => text.includes('ensure_user'))).toHaveLength(0);
  });
});
