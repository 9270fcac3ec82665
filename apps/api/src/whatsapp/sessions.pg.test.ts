import { randomUUID } from 'node:crypto';
import { addMember, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import { giveApiKey } from '@potentia/domain/auth/testing/api-key';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import type { Scope } from '@potentia/domain/auth/rules/scopes';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';
import { type Gateway, startGateway } from '../testing/gateway-kit.ts';
import { mustBe } from '../testing/world.ts';

const SESSIONS = '/api/v1/whatsapp/sessions';

let backends: Backends;
let api: TestApi;
let gateway: Gateway;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  gateway = startGateway(api, backends);
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

let owner: Person;
let workspace: SeededWorkspace;
const somebody = async (): Promise<Person> => {
  const who = await person(backends.issuer);
  await api.call(who, 'GET', '/api/v1/me');
  return who;
};
const inWorkspace = async (role: 'admin' | 'member' | 'guest'): Promise<Person> => {
  const who = await somebody();
  await addMember(backends.database.db, workspace, role, who);
  return who;
};
beforeEach(async () => {
  owner = await somebody();
  workspace = await seedWorkspace(backends.database.db, owner);
});

const key = async (...scopes: Scope[]): Promise<Person> => ({
  ...(await giveApiKey(backends.database.db, workspace, scopes)),
  email: '',
});
const makeHere = (more: object = {}) => gateway.makeSession(owner, { workspace_id: workspace.workspace_id, ...more });
const auditOf = (session_id: string) =>
  backends.database.asOwner<{ action: string; before: unknown; after: unknown }>(
    'select action, before, after from app.audit_logs where target_id = $1 order by id',
    [session_id],
  );

describe('a card', () => {
  test('is made with nothing linked, no QR code and no worker', async () => {
    const settings = { cold_per_day: 5 };
    const card = await makeHere({ name: 'Toko Budi', settings, unlinked_reply: 'Halo' });
    expect(card).toMatchObject({
      workspace_id: workspace.workspace_id,
      name: 'Toko Budi',
      desired_state: 'disconnected',
      status: 'created',
      qr: null,
      phone: null,
      worker_id: null,
      generation: 0,
      settings,
      unlinked_reply: 'Halo',
      version: 1,
      created_by: owner.user_id,
    });
    expect(await gateway.card(owner, card.id)).toEqual(card);
    expect((await auditOf(card.id)).map(({ action }) => action)).toEqual(['whatsapp_session.create']);
  });

  test('is made in the personal space where no workspace is named, and once for a key', async () => {
    const body = { name: 'Mine' };
    const headers = { 'idempotency-key': randomUUID() };
    const [one, two] = [
      await api.call(owner, 'POST', SESSIONS, body, headers),
      await api.call(owner, 'POST', SESSIONS, body, headers),
    ];
    expect([one.status, two.status, two.headers['idempotency-replayed']]).toEqual([201, 201, 'true']);
    expect(two.body).toEqual(one.body);
    expect(one.body.workspace_id).not.toBe(workspace.workspace_id);
    const list = mustBe(200, await api.call(owner, 'GET', `${SESSIONS}?workspace_id=${one.body.workspace_id}`));
    expect(list.items).toEqual([one.body]);
    const other = await api.call(owner, 'POST', SESSIONS, { name: 'Other' }, headers);
    expect([other.status, other.body.code]).toEqual([422, 'idempotency.key_reused']);
  });

  test('is listed with those of all workspaces, page by page, the newest first', async () => {
    const cards = [await makeHere(), await gateway.makeSession(owner), await makeHere()];
    const ids: string[] = [];
    let cursor = '';
    do {
      const page = mustBe(200, await api.call(owner, 'GET', `${SESSIONS}?limit=2${cursor && `&cursor=${cursor}`}`));
      ids.push(...page.items.map(({ id }: { id: string }) => id));
      cursor = page.next_cursor ?? '';
    } while (cursor !== '');
    expect(ids).toEqual(cards.map(({ id }) => id).reverse());
  });

  test('is changed only at the version that If-Match names, and says what changed', async () => {
    const card = await makeHere();
    const path = `${SESSIONS}/${card.id}`;
    const changed = await api.call(owner, 'PATCH', path, { name: 'New', unlinked_reply: 'Hi' }, { 'if-match': '"1"' });
    expect(changed.body).toMatchObject({ name: 'New', unlinked_reply: 'Hi', version: 2 });
    expect(changed.headers['etag']).toBe('"2"');
    const late = await api.call(owner, 'PATCH', path, { name: 'Late' }, { 'if-match': '"1"' });
    expect([late.status, late.body.code, late.body.current.version]).toEqual([412, 'whatsapp.version_conflict', 2]);
    // What stays as it was is no change.
    expect((await api.call(owner, 'PATCH', path, { name: 'New' })).body.version).toBe(2);
    expect((await auditOf(card.id)).map(({ action }) => action)).toEqual([
      'whatsapp_session.create',
      'whatsapp_session.update',
    ]);
    for (const body of [{}, { name: '' }, { status: 'connected' }, { settings: { surprise: 1 } }])
      expect((await api.call(owner, 'PATCH', path, body)).status).toBe(400);
  });

  test('is gone for everybody once it is deleted, and takes the place of no other', async () => {
    const card = await makeHere();
    expect((await api.call(owner, 'DELETE', `${SESSIONS}/${card.id}`)).status).toBe(204);
    for (const method of ['GET', 'DELETE'])
      expect((await api.call(owner, method, `${SESSIONS}/${card.id}`)).body.code).toBe('whatsapp.session_not_found');
    expect(await backends.database.asOwner('select 1 from app.whatsapp_sessions where id = $1', [card.id])).toEqual([]);
  });
});

describe('who may', () => {
  const asked: [string, string, object | undefined][] = [
    ['PATCH', '', { name: 'Theirs' }],
    ['POST', '/connect', {}],
    ['POST', '/disconnect', undefined],
    ['POST', '/logout', undefined],
    ['POST', '/migrate', {}],
    ['POST', '/restore', undefined],
    ['DELETE', '', undefined],
  ];

  test('manage a session: admins and keys with workspace:admin; members see it; nobody else knows of it', async () => {
    const card = await makeHere();
    const path = `${SESSIONS}/${card.id}`;
    const member = await inWorkspace('member');
    const nobodies = [await inWorkspace('guest'), await somebody()];
    const removed = await inWorkspace('admin');
    const gone = `/api/v1/workspaces/${workspace.workspace_id}/members/${removed.user_id}`;
    mustBe(204, await api.call(owner, 'DELETE', gone));
    const foreign = await giveApiKey(backends.database.db, await seedWorkspace(backends.database.db), [
      'workspace:admin',
    ]);

    mustBe(200, await api.call(member, 'GET', path));
    for (const who of [...nobodies, removed, { ...foreign, email: '' }]) {
      const nothing = { status: 404, code: 'whatsapp.session_not_found' };
      for (const [method, below, body] of asked) {
        const { status, body: problem } = await api.call(who, method, path + below, body);
        expect({ status, code: problem.code }, `${method} ${below}`).toEqual(nothing);
      }
    }
    for (const [method, below, body] of asked) {
      const { status, body: problem } = await api.call(member, method, path + below, body);
      expect([status, problem.code], `${method} ${below}`).toEqual([403, 'workspace.forbidden']);
      expect((await api.call(null, method, path + below, body)).status).toBe(401);
      const weak = await api.call(await key('whatsapp:write', 'canvas:write'), method, path + below, body);
      expect([weak.status, weak.body.code]).toEqual([403, 'api_key.scope_missing']);
    }
    expect((await auditOf(card.id)).length).toBe(1);
    mustBe(200, await api.call(await inWorkspace('admin'), 'PATCH', path, { name: 'By an admin' }));
    mustBe(200, await api.call(await key('workspace:admin'), 'PATCH', path, { name: 'By a key' }));
  });

  test('make one: admins', async () => {
    const { workspace_id } = workspace;
    const make = async (who: Person | null) =>
      (await api.call(who, 'POST', SESSIONS, { workspace_id, name: 'x' })).status;
    expect([await make(await inWorkspace('admin')), await make(await key('workspace:admin'))]).toEqual([201, 201]);
    expect([await make(await inWorkspace('member')), await make(await inWorkspace('guest'))]).toEqual([403, 403]);
    expect([await make(await somebody()), await make(null)]).toEqual([404, 401]);
    const homeless = await api.call(await key('workspace:admin'), 'POST', SESSIONS, { name: 'x' });
    expect(homeless.body.errors).toEqual([expect.objectContaining({ pointer: '/workspace_id' })]);
  });

  test('see them in lists: members and keys with whatsapp:read, of their own workspaces alone', async () => {
    const card = await makeHere();
    const seen = async (who: Person) =>
      (mustBe(200, await api.call(who, 'GET', SESSIONS)).items as { id: string }[]).map(({ id }) => id);
    for (const who of [await inWorkspace('member'), await key('whatsapp:read'), await key('whatsapp:write')])
      expect(await seen(who)).toEqual([card.id]);
    const guest = await inWorkspace('guest');
    const stranger = await somebody();
    for (const who of [guest, stranger]) {
      expect(await seen(who)).toEqual([]);
      const named = mustBe(200, await api.call(who, 'GET', `${SESSIONS}?workspace_id=${workspace.workspace_id}`));
      expect(named.items).toEqual([]);
    }
    expect((await api.call(await key('canvas:read'), 'GET', SESSIONS)).status).toBe(403);
  });
});

describe('usage', () => {
  test('is told by session and day to members, of the days that are asked for', async () => {
    const { workspace_id } = workspace;
    const card = await makeHere();
    for (const [day, sent] of Object.entries({ '2026-11-01': 1, '2026-11-02': 2, '2026-11-03': 3 }))
      await backends.database.asOwner(
        'insert into app.whatsapp_usage (workspace_id, session_id, day, sent) values ($1, $2, $3, $4)',
        [workspace_id, card.id, day, sent],
      );
    const path = `/api/v1/whatsapp/usage?workspace_id=${workspace_id}&from=2026-11-02&to=2026-11-03`;
    const { items } = mustBe(200, await api.call(await inWorkspace('member'), 'GET', path));
    expect(items.map(({ day, sent }: { day: string; sent: number }) => [day, sent])).toEqual([
      ['2026-11-03', 3],
      ['2026-11-02', 2],
    ]);
    expect(mustBe(200, await api.call(await key('whatsapp:read'), 'GET', path)).items).toEqual(items);
    expect((await api.call(await inWorkspace('guest'), 'GET', path)).status).toBe(403);
    expect((await api.call(await somebody(), 'GET', path)).status).toBe(404);
    for (const [from, to] of [
      ['2026-11-03', '2026-11-02'],
      ['2024-01-01', '2026-01-01'],
      ['2026-13-01', '2026-13-02'],
    ]) {
      const wrong = `/api/v1/whatsapp/usage?workspace_id=${workspace_id}&from=${from}&to=${to}`;
      expect((await api.call(owner, 'GET', wrong)).status).toBe(400);
    }
  });
});
