import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
let owner: Person;
let canvas: string;
let block: string;

beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});
beforeEach(async () => {
  owner = await newcomer();
  canvas = await api.makeCanvas(owner, { title: 'Plan' });
  [block = ''] = await api.addBlocks(owner, canvas, ['hello']);
});

const newcomer = async (): Promise<Person> => {
  const who = await person(backends.issuer);
  await api.call(who, 'GET', '/api/v1/me');
  return who;
};
const at = (path: string, on = canvas): string => `/api/v1/canvases/${on}${path}`;
const post = (who: Person | null, path: string, body: object = {}) =>
  api.call(who, 'POST', at(path), { mutation_id: randomUUID(), ...body });
const remove = (id = block, version = 1) => post(owner, '/mutate', { ops: [{ op: 'delete', block_id: id, version }] });

describe('moving and copying', () => {
  it('within a canvas and to another, once per mutation_id', async () => {
    const other = await api.makeCanvas(owner);
    const body = { mutation_id: randomUUID(), to_canvas_id: other };
    const copied = await post(owner, `/blocks/${block}/copy`, body);
    expect(copied.status).toBe(200);
    expect(copied.body).toMatchObject({ canvas_id: other, seq: 1, replayed: false, ops: [{ op: 'copy' }] });
    const again = await post(owner, `/blocks/${block}/copy`, body);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.body).toEqual({ ...copied.body, replayed: true });
    expect((await post(owner, `/blocks/${block}/copy`)).body).toMatchObject({ canvas_id: canvas, seq: 2 });
    const moved = await post(owner, `/blocks/${block}/move`, { to_canvas_id: other, version: 1 });
    expect(moved.body).toMatchObject({ canvas_id: other, seq: 2, ops: [{ op: 'copy', block_id: block }] });
    expect((await api.call(owner, 'GET', at(`/blocks/${block}`))).status).toBe(404);
    expect((await api.call(owner, 'GET', at(`/blocks/${block}`, other))).status).toBe(200);
  });

  it('also by operations of a mutation', async () => {
    const ops = [
      { op: 'copy', block_id: block, after_id: null },
      { op: 'delete', block_id: block, version: 1 },
      { op: 'restore', block_id: block },
    ];
    const answer = await post(owner, '/mutate', { ops });
    expect(answer.status).toBe(200);
    expect((answer.body.ops as { op: string }[]).map(({ op }) => op)).toEqual(['copy', 'delete', 'restore']);
    expect((await post(owner, '/mutate', { ops: [{ op: 'revert', block_id: block }] })).status).toBe(400);
  });

  it('are refused to who may not, and to other tenants', async () => {
    const stranger = await newcomer();
    const theirs = await api.makeCanvas(stranger);
    for (const verb of ['move', 'copy']) {
      const path = `/blocks/${block}/${verb}`;
      expect((await post(null, path)).status).toBe(401);
      expect((await post(stranger, path, { to_canvas_id: theirs })).body).toMatchObject({ code: 'canvas.not_found' });
      expect((await post(owner, path, { to_canvas_id: theirs })).body).toMatchObject({ code: 'canvas.not_found' });
      expect((await post(owner, path, { to_canvas_id: randomUUID() })).body.code).toBe('canvas.not_found');
      expect((await post(owner, path, { nonsense: 1 })).status).toBe(400);
    }
    const role = { user_id: owner.user_id, role: 'editor' };
    await api.call(stranger, 'POST', at('/members', theirs), role);
    const answer = await post(owner, `/blocks/${block}/move`, { to_canvas_id: theirs });
    expect([answer.status, answer.body.code]).toEqual([409, 'block.other_tenant']);
  });
});

describe('trash and history', () => {
  it('list what was and bring it back', async () => {
    await remove();
    const trash = await api.call(owner, 'GET', at('/trash'));
    expect(trash.body).toMatchObject({ items: [{ block_id: block, preview: 'hello', below: 0 }], next_cursor: null });
    expect((await post(owner, `/blocks/${block}/restore`)).status).toBe(200);
    const again = await post(owner, `/blocks/${block}/restore`);
    expect([again.status, again.body.code, again.body.current.id]).toEqual([409, 'block.not_in_trash', block]);
    const history = await api.call(owner, 'GET', at(`/blocks/${block}/history`));
    expect((history.body.items as { op: string }[]).map(({ op }) => op)).toEqual(['restore', 'delete', 'create']);
    const back = await post(owner, `/blocks/${block}/history/1/restore`, { version: 3 });
    expect(back.body).toMatchObject({ ops: [{ op: 'edit', block: { version: 4, content: { text: 'hello' } } }] });
    const stale = await post(owner, `/blocks/${block}/history/1/restore`, { version: 3 });
    expect([stale.status, stale.body.current.version]).toEqual([409, 4]);
    expect((await post(owner, `/blocks/${block}/history/99/restore`, { version: 4 })).status).toBe(404);
    expect((await post(owner, `/blocks/${block}/history/x/restore`, { version: 4 })).status).toBe(400);
    expect((await api.call(owner, 'GET', at('/trash?cursor=abc'))).status).toBe(400);
  });

  it('are for editors: a viewer is forbidden, a stranger finds nothing', async () => {
    await remove();
    const [viewer, stranger] = [await newcomer(), await newcomer()];
    await api.call(owner, 'POST', at('/members'), { user_id: viewer.user_id, role: 'viewer' });
    const asks: [string, string, object | undefined][] = [
      ['GET', '/trash', undefined],
      ['GET', `/blocks/${block}/history`, undefined],
      ['POST', `/blocks/${block}/restore`, { mutation_id: randomUUID() }],
      ['POST', `/blocks/${block}/history/1/restore`, { mutation_id: randomUUID(), version: 2 }],
    ];
    for (const [method, path, body] of asks) {
      expect((await api.call(viewer, method, at(path), body)).status, path).toBe(403);
      expect((await api.call(stranger, method, at(path), body)).status, path).toBe(404);
      expect((await api.call(null, method, at(path), body)).status, path).toBe(401);
    }
  });
});

describe('duplicating a canvas', () => {
  it('answers the new canvas, once per Idempotency-Key', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const made = await api.call(owner, 'POST', at('/duplicate'), {}, headers);
    expect([made.status, made.body.title]).toEqual([201, 'Plan (copy)']);
    expect(made.headers.location).toBe(`/api/v1/canvases/${made.body.id}`);
    const again = await api.call(owner, 'POST', at('/duplicate'), {}, headers);
    expect([again.body.id, again.headers['idempotency-replayed']]).toEqual([made.body.id, 'true']);
    const snapshot = await api.call(owner, 'GET', at('/snapshot', made.body.id));
    expect(snapshot.body.blocks).toHaveLength(1);
  });

  it('is for members of the workspace', async () => {
    const [editor, stranger] = [await newcomer(), await newcomer()];
    await api.call(owner, 'POST', at('/members'), { user_id: editor.user_id, role: 'editor' });
    expect((await api.call(editor, 'POST', at('/duplicate'), {})).status).toBe(403);
    expect((await api.call(stranger, 'POST', at('/duplicate'), {})).status).toBe(404);
    expect((await api.call(owner, 'POST', at('/duplicate'), { workspace_id: randomUUID() })).status).toBe(400);
  });
});
