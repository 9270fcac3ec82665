import { addMember, type SeededWorkspace } from '@potentia/db/testing/seed';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

const WORKSPACES = '/api/v1/workspaces';

/** A person who has called once, and so has a row. */
async function somebody(): Promise<Person> {
  const who = await person(backends.issuer);
  await api.call(who, 'GET', '/api/v1/me');
  return who;
}

/** A workspace, made over HTTP, with one person of each role. */
async function company() {
  const owner = await somebody();
  const made = await api.call(owner, 'POST', WORKSPACES, { name: 'Company' });
  const home: SeededWorkspace = { workspace_id: made.body.id, owner_user_id: owner.user_id };
  const join = async (role: 'admin' | 'member' | 'guest'): Promise<Person> => {
    const who = await somebody();
    await addMember(backends.database.db, home, role, who);
    return who;
  };
  return {
    made,
    path: `${WORKSPACES}/${made.body.id}`,
    workspace_id: home.workspace_id,
    owner,
    admin: await join('admin'),
    member: await join('member'),
    guest: await join('guest'),
    stranger: await somebody(),
  };
}

const refused = (answer: Answer, status: number, code: string): void => {
  expect([answer.status, answer.body.code]).toEqual([status, code]);
};

describe('a workspace over HTTP', () => {
  it('is made once per Idempotency-Key, with Location and ETag', async () => {
    const owner = await somebody();
    const headers = { 'idempotency-key': randomUUID() };
    const first = await api.call(owner, 'POST', WORKSPACES, { name: 'Company', icon: '🏢' }, headers);
    expect(first).toMatchObject({
      status: 201,
      headers: { location: `${WORKSPACES}/${first.body.id}`, etag: '"1"' },
      body: { name: 'Company', icon: '🏢', role: 'owner', is_personal: false },
    });
    const again = await api.call(owner, 'POST', WORKSPACES, { name: 'Company', icon: '🏢' }, headers);
    expect(again).toMatchObject({ status: 201, body: first.body, headers: { 'idempotency-replayed': 'true' } });
    const unknown = await api.call(owner, 'POST', WORKSPACES, { name: 'x', seat_limit: 9 });
    refused(unknown, 400, 'request.invalid');
    expect(unknown.body.errors).toEqual([{ pointer: '/seat_limit', message: 'Unknown field' }]);
    refused(await api.call(owner, 'POST', WORKSPACES, {}), 400, 'request.invalid');
    expect((await api.call(null, 'POST', WORKSPACES, { name: 'x' })).status).toBe(401);
  });

  it('is in the list of whoever is in it, after their personal space, which /me names', async () => {
    const { workspace_id, owner, guest } = await company();
    for (const [who, role] of [
      [owner, 'owner'],
      [guest, 'guest'],
    ] as const) {
      const me = await api.call(who, 'GET', '/api/v1/me');
      const { body } = await api.call(who, 'GET', WORKSPACES);
      expect(body).toMatchObject({
        items: [
          { id: me.body.personal_workspace_id, is_personal: true, role: 'owner', owner_user_id: who.user_id },
          { id: workspace_id, is_personal: false, role },
        ],
        next_cursor: null,
      });
      const page = await api.call(who, 'GET', `${WORKSPACES}?limit=1`);
      const next = await api.call(who, 'GET', `${WORKSPACES}?limit=1&cursor=${page.body.next_cursor}`);
      expect([...page.body.items, ...next.body.items]).toEqual(body.items);
    }
    expect((await api.call(owner, 'GET', '/workspaces')).status).toBe(200);
    refused(await api.call(owner, 'GET', `${WORKSPACES}?cursor=nonsense`), 400, 'request.invalid');
  });

  it('changes by If-Match, and answers 412 with the current one to a stale version', async () => {
    const { path, owner, admin, member } = await company();
    const changed = await api.call(admin, 'PATCH', path, { name: 'Firm' }, { 'if-match': '"1"' });
    expect(changed).toMatchObject({ status: 200, headers: { etag: '"2"' }, body: { name: 'Firm', version: 2 } });
    const stale = await api.call(owner, 'PATCH', path, { name: 'Late' }, { 'if-match': '"1"' });
    refused(stale, 412, 'workspace.version_conflict');
    expect(stale.body.current).toMatchObject({ name: 'Firm', version: 2, role: 'owner' });
    refused(await api.call(member, 'PATCH', path, { name: 'x' }), 403, 'workspace.forbidden');
    refused(await api.call(owner, 'PATCH', path, { owner_user_id: owner.user_id }), 400, 'request.invalid');
  });

  it('is deleted by its exact name, and restored', async () => {
    const { path, owner, admin, member } = await company();
    const canvas_id = await api.makeCanvas(member, { workspace_id: path.split('/').at(-1) });
    const nameless = await api.call(owner, 'DELETE', path);
    refused(nameless, 400, 'request.invalid');
    expect(nameless.body.errors).toEqual([{ pointer: '/name', message: 'To delete a workspace, give its exact name' }]);
    const wrong = await api.call(owner, 'DELETE', `${path}?name=company`);
    refused(wrong, 409, 'workspace.name_mismatch');
    expect(wrong.body.detail).toContain('exact name');
    refused(await api.call(admin, 'DELETE', `${path}?name=Company`), 403, 'workspace.forbidden');
    const deleted = await api.call(owner, 'DELETE', `${path}?name=Company`);
    expect(deleted.status).toBe(200);
    expect(deleted.body.purge_at > deleted.body.deleted_at).toBe(true);
    refused(await api.call(member, 'GET', path), 404, 'workspace.not_found');
    refused(await api.call(member, 'GET', `/api/v1/canvases/${canvas_id}`), 404, 'canvas.not_found');
    refused(
      await api.call(member, 'POST', '/api/v1/canvases', { workspace_id: deleted.body.id }),
      404,
      'workspace.not_found',
    );
    expect((await api.call(owner, 'GET', path)).body).toEqual(deleted.body);
    expect((await api.call(owner, 'GET', WORKSPACES)).body.items).toHaveLength(1);
    expect((await api.call(owner, 'GET', `${WORKSPACES}?include_deleted=true`)).body.items).toHaveLength(2);
    expect((await api.call(owner, 'POST', `${path}/restore`)).body).toMatchObject({ deleted_at: null });
    expect((await api.call(member, 'GET', `/api/v1/canvases/${canvas_id}`)).status).toBe(200);
  });

  it('answers what one may not see exactly as what does not exist', async () => {
    const { path, guest, stranger } = await company();
    const nowhere = `${WORKSPACES}/${randomUUID()}`;
    const doors: [string, string, unknown?][] = [
      ['GET', ''],
      ['PATCH', '', { name: 'x' }],
      ['DELETE', '?name=Company'],
      ['POST', '/restore'],
      ['POST', '/transfer', { user_id: guest.user_id }],
      ['POST', '/leave'],
      ['GET', '/members'],
      ['PATCH', `/members/${guest.user_id}`, { role: 'admin' }],
      ['DELETE', `/members/${guest.user_id}`],
    ];
    for (const [method, rest, body] of doors) {
      const [foreign, none] = [
        await api.call(stranger, method, path + rest, body),
        await api.call(stranger, method, nowhere + rest, body),
      ];
      refused(foreign, 404, 'workspace.not_found');
      const bare = ({ request_id: _id, instance: _path, ...shown }: Record<string, unknown>) => shown;
      expect(bare(foreign.body), `${method} ${rest}`).toEqual(bare(none.body));
    }
  });
});

describe('the members of a workspace over HTTP', () => {
  it('are listed for everybody in it', async () => {
    const { path, owner, admin, member, guest } = await company();
    const { body } = await api.call(guest, 'GET', `${path}/members`);
    expect(body.items.map(({ user_id, email, role }: Record<string, string>) => [user_id, email, role])).toEqual([
      [owner.user_id, owner.email, 'owner'],
      [admin.user_id, admin.email, 'admin'],
      [member.user_id, member.email, 'member'],
      [guest.user_id, guest.email, 'guest'],
    ]);
    const page = await api.call(owner, 'GET', `${path}/members?limit=3`);
    const next = await api.call(owner, 'GET', `${path}/members?limit=3&cursor=${page.body.next_cursor}`);
    expect([...page.body.items, ...next.body.items]).toEqual(body.items);
  });

  it('get other roles and are removed by admins; the owner is fixed, and told why', async () => {
    const { path, owner, admin, member, guest } = await company();
    const at = (who: Person): string => `${path}/members/${who.user_id}`;
    expect((await api.call(admin, 'PATCH', at(guest), { role: 'member' })).body).toEqual({
      user_id: guest.user_id,
      role: 'member',
    });
    refused(await api.call(member, 'PATCH', at(guest), { role: 'admin' }), 403, 'workspace.forbidden');
    refused(await api.call(admin, 'PATCH', at(admin), { role: 'owner' }), 400, 'request.invalid');
    for (const answer of [
      await api.call(admin, 'PATCH', at(owner), { role: 'member' }),
      await api.call(admin, 'DELETE', at(owner)),
      await api.call(owner, 'POST', `${path}/leave`),
    ]) {
      refused(answer, 409, 'workspace.owner_fixed');
      expect(answer.body.detail).toContain('transfer');
    }
    expect((await api.call(admin, 'DELETE', at(member))).status).toBe(204);
    refused(await api.call(member, 'GET', path), 404, 'workspace.not_found');
    expect((await api.call(guest, 'POST', `${path}/leave`)).status).toBe(204);
    refused(await api.call(guest, 'GET', `${path}/members`), 404, 'workspace.not_found');
    refused(await api.call(admin, 'DELETE', at(guest)), 404, 'workspace.member_not_found');
  });

  it('take over the workspace, never a personal one', async () => {
    const { path, owner, member, stranger } = await company();
    refused(
      await api.call(owner, 'POST', `${path}/transfer`, { user_id: stranger.user_id }),
      404,
      'workspace.member_not_found',
    );
    expect((await api.call(owner, 'POST', `${path}/transfer`, { user_id: member.user_id })).body).toMatchObject({
      owner_user_id: member.user_id,
      role: 'admin',
    });
    const { body: me } = await api.call(owner, 'GET', '/api/v1/me');
    const personal = `${WORKSPACES}/${me.personal_workspace_id}`;
    for (const answer of [
      await api.call(owner, 'POST', `${personal}/transfer`, { user_id: member.user_id }),
      await api.call(owner, 'POST', `${personal}/leave`),
      await api.call(owner, 'DELETE', `${personal}?name=Personal`),
    ]) {
      refused(answer, 409, 'workspace.personal');
    }
  });
});
