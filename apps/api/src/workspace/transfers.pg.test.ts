import { randomUUID } from 'node:crypto';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { startObjects, type TestObjects } from '@potentia/sandbox/testing/objects';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let objects: TestObjects;
let api: TestApi;
let owner: Person;
let member: Person;
let guest: Person;
let stranger: Person;

beforeAll(async () => {
  [backends, objects] = await Promise.all([startBackends(), startObjects()]);
  api = await startApi(backends, { ...objects.env, TRANSFER_MAX_BYTES: '1000' });
  [owner, member, guest, stranger] = await Promise.all([
    person(backends.issuer),
    person(backends.issuer),
    person(backends.issuer),
    person(backends.issuer),
  ]);
  for (const who of [owner, member, guest, stranger]) await api.call(who, 'GET', '/api/v1/canvases');
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await objects[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

async function makeWorkspace(): Promise<string> {
  const answer = await api.call(owner, 'POST', '/api/v1/workspaces', { name: 'Files' });
  expect(answer.status, answer.text).toBe(201);
  for (const [who, role] of [
    [member, 'member'],
    [guest, 'guest'],
  ] as const) {
    await backends.database.asOwner(
      'insert into app.workspace_members (workspace_id, user_id, role) values ($1, $2, $3)',
      [answer.body.id, who.user_id, role],
    );
  }
  return `/api/v1/workspaces/${String(answer.body.id)}`;
}

const outbox = (topic: string, transfer_id: string): Promise<unknown[]> =>
  backends.database.asOwner(`select 1 from app.outbox where topic = $1 and payload ->> 'transfer_id' = $2`, [
    topic,
    transfer_id,
  ]);

describe('an export', () => {
  it('is asked for once per Idempotency-Key, one at a time, and queued with the row', async () => {
    const home = await makeWorkspace();
    const headers = { 'idempotency-key': randomUUID() };
    const first = await api.call(owner, 'POST', `${home}/exports`, undefined, headers);
    expect(first).toMatchObject({
      status: 202,
      body: { kind: 'export', status: 'queued', download: null, problems: [] },
    });
    expect(first.headers['location']).toBe(`${home}/exports/${String(first.body.id)}`);
    const again = await api.call(owner, 'POST', `${home}/exports`, undefined, headers);
    expect([again.body.id, again.headers['idempotency-replayed']]).toEqual([first.body.id, 'true']);
    expect(await outbox('workspace.export', first.body.id)).toHaveLength(1);
    const second = await api.call(owner, 'POST', `${home}/exports`);
    expect(second).toMatchObject({ status: 409, body: { code: 'transfer.running' } });
    expect((await api.call(owner, 'GET', `${home}/exports/${String(first.body.id)}`)).body).toEqual(first.body);
    expect((await api.call(owner, 'GET', `${home}/exports`)).body).toEqual({ items: [first.body], next_cursor: null });
    expect((await api.call(owner, 'GET', `${home}/imports/${String(first.body.id)}`)).status).toBe(404);
  });
});

describe('an import', () => {
  it('waits for its zip, and is started once', async () => {
    const home = await makeWorkspace();
    const body = Buffer.alloc(100, 1);
    const { status, body: announced } = await api.call(owner, 'POST', `${home}/imports`, { size: body.length });
    expect([status, announced.import.status]).toEqual([201, 'awaiting_upload']);
    const start = () => api.call(owner, 'POST', `${home}/imports/${String(announced.import.id)}/start`);
    expect(await start()).toMatchObject({ status: 409, body: { code: 'transfer.not_uploaded' } });
    const { url, method, headers } = announced.upload;
    expect((await fetch(url, { method, headers, body })).status).toBe(200);
    expect(await start()).toMatchObject({ status: 202, body: { status: 'queued' } });
    expect(await start()).toMatchObject({ status: 202, body: { status: 'queued' } });
    expect(await outbox('workspace.import', announced.import.id)).toHaveLength(1);
  });

  it('larger than one may be is refused', async () => {
    const home = await makeWorkspace();
    const answer = await api.call(owner, 'POST', `${home}/imports`, { size: 1001 });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ pointer: '/size' }] } });
  });
});

it('both are listed page by page, newest first', async () => {
  const home = await makeWorkspace();
  const ids: string[] = [];
  for (let i = 0; i < 3; i++)
    ids.push((await api.call(owner, 'POST', `${home}/imports`, { size: 100 })).body.import.id);
  const first = await api.call(owner, 'GET', `${home}/imports?limit=2`);
  const rest = await api.call(owner, 'GET', `${home}/imports?limit=2&cursor=${String(first.body.next_cursor)}`);
  const seen = [...first.body.items, ...rest.body.items].map(({ id }: { id: string }) => id);
  expect([seen, rest.body.next_cursor]).toEqual([ids.toReversed(), null]);
});

it('members and guests may not, strangers see no workspace, and nobody gets in without a token', async () => {
  const home = await makeWorkspace();
  const { id } = (await api.call(owner, 'POST', `${home}/exports`)).body as { id: string };
  const imported = (await api.call(owner, 'POST', `${home}/imports`, { size: 100 })).body.import as { id: string };
  const calls: [string, string, object?][] = [
    ['POST', `${home}/exports`],
    ['GET', `${home}/exports`],
    ['GET', `${home}/exports/${id}`],
    ['POST', `${home}/imports`, { size: 100 }],
    ['GET', `${home}/imports`],
    ['GET', `${home}/imports/${imported.id}`],
    ['POST', `${home}/imports/${imported.id}/start`],
  ];
  for (const [method, url, body] of calls) {
    for (const who of [member, guest]) {
      const answer = await api.call(who, method, url, body);
      expect(answer, url).toMatchObject({ status: 403, body: { code: 'workspace.forbidden' } });
    }
    const answer = await api.call(stranger, method, url, body);
    expect(answer, url).toMatchObject({ status: 404, body: { code: 'workspace.not_found' } });
    expect((await api.call(null, method, url, body)).status, url).toBe(401);
  }
});

it('a workspace can switch them off', async () => {
  const home = await makeWorkspace();
  await api.call(owner, 'PATCH', `${home}/settings`, { features: { transfers: false } });
  for (const [url, body] of [
    [`${home}/exports`, undefined],
    [`${home}/imports`, { size: 100 }],
  ] as const) {
    const answer = await api.call(owner, 'POST', url, body);
    expect(answer).toMatchObject({ status: 403, body: { code: 'feature.disabled' } });
  }
});
