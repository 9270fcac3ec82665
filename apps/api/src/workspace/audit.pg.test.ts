import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { addMember } from '@potentia/db/testing/seed';
import { giveApiKey } from '@potentia/domain/auth/testing/api-key';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
let owner: Person;
let workspace_id: string;
let canvas_id: string;
let key: Person;

beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  owner = await person(backends.issuer, { user_metadata: { full_name: 'Ada' } });
  workspace_id = (await api.call(owner, 'POST', '/api/v1/workspaces', { name: 'Audited' })).body.id;
  const given = await giveApiKey(backends.database.db, homeOf(workspace_id), ['canvas:write']);
  key = { ...given, email: '' };
  canvas_id = await api.makeCanvas(owner, { workspace_id, title: 'first' });
  await api.call(key, 'PATCH', `/api/v1/canvases/${canvas_id}/meta`, { title: 'second' });
  await api.addBlocks(owner, canvas_id, ['one']);
  await backends.database.job_db.call(
    `select app.append_system_audit('test.job', $1, $2, 'block.purge', 'canvas', $3, null, '{"blocks": 3}', 'r')`,
    [workspace_id, canvas_id, canvas_id],
  );
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

const homeOf = (id: string) => ({ workspace_id: id, owner_user_id: owner.user_id });
const logs = (query = '', id = workspace_id) => `/api/v1/workspaces/${id}/audit-logs${query}`;
const actions = async (query = ''): Promise<string[]> => {
  const answer = await api.call(owner, 'GET', logs(query));
  expect(answer.status, answer.text).toBe(200);
  return answer.body.items.map((item: { action: string }) => item.action);
};

describe('the audit log', () => {
  it('tells who did what, newest first: a person, a key by its name, a job by its reason', async () => {
    const { body } = await api.call(owner, 'GET', logs());
    const told = body.items.map(({ action, actor }: { action: string; actor: object }) => ({ action, actor }));
    expect(told).toEqual([
      { action: 'block.purge', actor: { type: 'system', user_id: null, name: 'test.job' } },
      { action: 'block.mutate', actor: { type: 'user', user_id: owner.user_id, name: 'Ada' } },
      { action: 'canvas.update', actor: { type: 'api_key', user_id: key.user_id, name: 'Seeded key' } },
      { action: 'canvas.create', actor: { type: 'user', user_id: owner.user_id, name: 'Ada' } },
      { action: 'api_key.create', actor: { type: 'user', user_id: owner.user_id, name: 'Ada' } },
      { action: 'workspace.create', actor: { type: 'user', user_id: owner.user_id, name: 'Ada' } },
    ]);
    expect(body.items[2]).toMatchObject({ before: { title: 'first' }, after: { title: 'second' }, canvas_id });
  });

  it('is filtered by actor, action or how it begins, target, canvas and time, and by all of them at once', async () => {
    expect(await actions(`?actor_user_id=${key.user_id}`)).toEqual(['canvas.update']);
    expect(await actions('?action=canvas.')).toEqual(['canvas.update', 'canvas.create']);
    expect(await actions('?action=canvas.create')).toEqual(['canvas.create']);
    expect(await actions('?action=b')).toEqual(['block.purge', 'block.mutate']);
    expect(await actions('?action=api_key.')).toEqual(['api_key.create']);
    expect(await actions('?action=api.')).toEqual([]);
    expect(await actions('?target_type=api_key')).toEqual(['api_key.create']);
    expect(await actions(`?target_type=canvas&target_id=${canvas_id}`)).toHaveLength(4);
    expect(await actions(`?canvas_id=${canvas_id}&action=canvas.`)).toHaveLength(2);
    const { body } = await api.call(owner, 'GET', logs('?action=canvas.create'));
    const { created_at } = body.items[0] as { created_at: string };
    expect(await actions(`?from=${created_at}`)).not.toContain('api_key.create');
    expect(await actions(`?to=${created_at}`)).toEqual(['api_key.create', 'workspace.create']);
    expect(await actions(`?actor_user_id=${owner.user_id}&action=canvas.&from=${created_at}`)).toEqual([
      'canvas.create',
    ]);
  });

  it('comes in pages that hold every row once', async () => {
    const all = await actions();
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page = await api.call(owner, 'GET', logs(`?limit=2${cursor && `&cursor=${cursor}`}`));
      seen.push(...page.body.items.map((item: { action: string }) => item.action));
      cursor = page.body.next_cursor;
    }
    expect(seen).toEqual(all);
  });

  it('is for admins of the workspace: nobody else reads, exports or learns of it', async () => {
    const { db } = backends.database;
    const asMember = async (role: 'admin' | 'member' | 'guest') => {
      const who = await person(backends.issuer);
      await api.call(who, 'GET', '/api/v1/me');
      await addMember(db, homeOf(workspace_id), role, who);
      return who;
    };
    const [admin, member, guest] = [await asMember('admin'), await asMember('member'), await asMember('guest')];
    const stranger = await person(backends.issuer);
    for (const path of [logs(), logs('/export')]) {
      const status = async (who: Person | null) => (await api.call(who, 'GET', path)).status;
      expect(await status(admin)).toBe(200);
      expect([await status(member), await status(guest), await status(stranger), await status(null)]).toEqual([
        403, 403, 404, 401,
      ]);
      expect(await status(key)).toBe(403);
    }
  });

  it('refuses a filter that it does not know', async () => {
    for (const query of ['?actor=x', '?action=DROP', '?from=yesterday', '?cursor=x', '?target_id=%00'])
      expect((await api.call(owner, 'GET', logs(query))).status, query).toBe(400);
    expect((await api.call(owner, 'GET', logs('/export?limit=5'))).status).toBe(400);
  });
});

describe('the export', () => {
  /** A workspace with `rows` rows of some 1 KB beside its first. */
  async function makeLog(rows: number): Promise<string> {
    const id = (await api.call(owner, 'POST', '/api/v1/workspaces', { name: 'Much' })).body.id as string;
    await backends.database.asOwner(
      `insert into app.audit_logs (id, workspace_id, actor_type, actor_user_id, action, target_type, target_id, after, created_at)
       select app.uuidv7(), $1, 'user', $2, 'test.fill', 'test', n::text, jsonb_build_object('text', repeat('x', 1000)),
         now() - n * interval '1 second' from generate_series(1, $3::int) n`,
      [id, owner.user_id, rows],
    );
    return id;
  }

  it('holds every row once, a line each, as the list has them, and obeys its filters', async () => {
    const id = await makeLog(1_234);
    const answer = await api.call(owner, 'GET', logs('/export', id));
    expect(answer.headers).toMatchObject({
      'content-type': 'application/x-ndjson; charset=utf-8',
      'content-disposition': 'attachment; filename="audit-logs.ndjson"',
    });
    const lines = answer.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; action: string });
    expect(new Set(lines.map((line) => line.id)).size).toBe(1_235);
    expect(lines.slice(0, 50)).toEqual((await api.call(owner, 'GET', logs('', id))).body.items);
    const few = await api.call(owner, 'GET', logs('/export?action=workspace.', id));
    expect(few.text.trimEnd().split('\n')).toHaveLength(1);
    const none = await api.call(owner, 'GET', logs('/export?action=nothing.', id));
    expect(none).toMatchObject({ status: 200, text: '' });
  });

  it('reads no further than its client: pages wait for whoever does not read, and none is read for whoever left', async () => {
    const id = await makeLog(20_000);
    await using served = await startApi(backends, { LOG_LEVEL: 'silent' });
    await served.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = served.app.server.address() as AddressInfo;
    let pages = 0;
    const call = served.context.db.call.bind(served.context.db);
    served.context.db.call = (text, ...rest) => {
      if (text.includes('list_audit_logs')) pages += 1;
      return call(text, ...rest);
    };
    const headers = { authorization: `Bearer ${owner.token}` };
    const request = http.get({ host: '127.0.0.1', port, path: logs('/export', id), headers });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.pause();
    // What the kernel's buffers take is read; then it stands still far from the 40 pages that there are.
    let before = -1;
    await vi.waitFor(
      () => {
        const still = pages === before;
        before = pages;
        expect(still).toBe(true);
      },
      { interval: 300, timeout: 5_000 },
    );
    expect(pages).toBeLessThan(38);
    request.destroy();
    await new Promise((resolve) => setImmediate(resolve));
    expect(pages).toBeLessThan(40);
  });

  it('outlives the deadline of requests, which is for those that have not begun to answer', async () => {
    const id = await makeLog(1_500);
    await using served = await startApi(backends);
    const call = served.context.db.call.bind(served.context.db);
    served.context.db.call = async (text, ...rest) => {
      if (text.includes('list_audit_logs')) await new Promise((resolve) => setTimeout(resolve, 1_700));
      return call(text, ...rest);
    };
    const answer = await served.call(owner, 'GET', logs('/export', id));
    expect(answer.text.trimEnd().split('\n')).toHaveLength(1_501);
  }, 20_000);
});

it('the log can be added to, and neither changed nor emptied, by whoever serves; and it outlives its workspace', async () => {
  const { database } = backends;
  for (const db of [database.db, database.job_db])
    for (const text of [
      'update app.audit_logs set action = action',
      'delete from app.audit_logs',
      'truncate app.audit_logs',
    ])
      await expect(db.call(text), text).rejects.toMatchObject({ code: 'db.forbidden' });
  const id = (await api.call(owner, 'POST', '/api/v1/workspaces', { name: 'Short-lived' })).body.id as string;
  await database.asOwner(`update app.workspaces set deleted_at = now() - interval '31 days' where id = $1`, [id]);
  await database.job_db.call(`select * from app.purge_workspace_step(100, 'r')`);
  expect(await database.asOwner('select 1 from app.workspaces where id = $1', [id])).toEqual([]);
  const left = await database.asOwner('select action from app.audit_logs where workspace_id = $1 order by id', [id]);
  expect(left).toEqual([{ action: 'workspace.create' }, { action: 'workspace.purge' }]);
});
