import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;

beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends, { REALTIME_PUBLIC_URL: 'wss://live.example.com' });
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

const newcomer = async (): Promise<Person> => {
  const who = await person(backends.issuer);
  await api.call(who, 'GET', '/api/v1/me');
  return who;
};

const idsOf = (page: Answer): string[] => (page.body.items as { id: string }[]).map(({ id }) => id);

const edit = (block_id: string, version: number, text: string) => ({
  mutation_id: randomUUID(),
  ops: [{ op: 'edit', block_id, version, content: { text } }],
});

describe('the blueprint’s 18 endpoints, in the seeds’ spelling', () => {
  it('all answer', async () => {
    const owner = await newcomer();
    const made = await api.call(owner, 'POST', '/canvas', { title: 'Plan' });
    expect(made.status).toBe(201);
    const id: string = made.body.id;
    expect(made.headers.location).toBe(`/api/v1/canvases/${id}`);
    const [block_id = ''] = await api.addBlocks(owner, id, ['hello']);

    const ask: Record<string, [string, string, unknown, number]> = {
      H1: ['GET', `/ws/canvas/${id}`, undefined, 426],
      H2: ['POST', `/canvas/${id}/mutate`, edit(block_id, 1, 'hi'), 200],
      H3: ['POST', `/canvas/${id}/presence`, { cursor: { block_id, offset: 1 }, name: 'Ada' }, 204],
      H4: ['GET', `/canvas/${id}/snapshot`, undefined, 200],
      H5: ['POST', '/auth/refresh', { refresh_token: 'spent' }, 401],
      H6: ['POST', `/canvas/${id}/leave`, undefined, 204],
      A1: ['GET', `/canvas/${id}`, undefined, 200],
      A2: ['GET', `/canvas/${id}/blocks`, undefined, 200],
      A3: ['GET', `/canvas/${id}/blocks/${block_id}`, undefined, 200],
      A4: ['GET', '/canvas', undefined, 200],
      A5: ['POST', '/canvas', { title: 'Another' }, 201],
      A6: ['PATCH', `/canvas/${id}`, { title: 'Renamed' }, 200],
      A8: ['GET', `/canvas/${id}/permissions`, undefined, 200],
      A7: ['DELETE', `/canvas/${id}`, undefined, 200],
      M1: ['GET', '/health', undefined, 200],
      M2: ['GET', '/ready', undefined, 200],
      M3: ['POST', '/debug/echo', { ping: 1 }, 200],
      S1: ['GET', '/metrics', undefined, 200],
    };
    for (const [name, [method, path, body, status]] of Object.entries(ask)) {
      const answer = await api.call(owner, method, path, body);
      expect({ name, status: answer.status }).toEqual({ name, status });
    }
  });

  it('says where the sockets are', async () => {
    const answer = await api.call(null, 'GET', `/ws/canvas/${randomUUID()}`);
    expect(answer.body).toMatchObject({
      code: 'http.websocket_elsewhere',
      detail: expect.stringContaining('wss://live.example.com'),
    });
  });
});

describe('a canvas', () => {
  it('is made once per Idempotency-Key, however many ask at the same time', async () => {
    const owner = await newcomer();
    const headers = { 'idempotency-key': randomUUID() };
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => api.call(owner, 'POST', '/api/v1/canvases', { title: 'once' }, headers)),
    );
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter(({ headers: h }) => h['idempotency-replayed'] === 'true')).toHaveLength(4);
    expect((await api.call(owner, 'GET', '/api/v1/canvases')).body.items).toHaveLength(1);

    const other_body = await api.call(owner, 'POST', '/api/v1/canvases', { title: 'twice' }, headers);
    expect(other_body).toMatchObject({ status: 422, body: { code: 'idempotency.key_reused' } });
    const someone_else = await api.call(await newcomer(), 'POST', '/api/v1/canvases', { title: 'once' }, headers);
    expect(someone_else.status).toBe(201);
    expect(someone_else.body.id).not.toBe(answers[0]?.body.id);
  });

  it('is changed under If-Match only while it is at that version; a stale one answers 412 with the current row', async () => {
    const owner = await newcomer();
    const id = await api.makeCanvas(owner, { title: 'v1' });
    const path = `/api/v1/canvases/${id}`;
    const seen = await api.call(owner, 'GET', path);
    expect(seen.headers.etag).toBe('"1"');

    const changed = await api.call(owner, 'PATCH', path, { title: 'v2' }, { 'if-match': '"1"' });
    expect(changed).toMatchObject({ status: 200, headers: { etag: '"2"' }, body: { title: 'v2', version: 2 } });
    const current = { id, title: 'v2', version: 2, role: 'owner' };
    for (const tag of ['"1"', 'W/"2"', '"nonsense"']) {
      const stale = await api.call(owner, 'PATCH', `${path}/meta`, { title: 'lost' }, { 'if-match': tag });
      expect(stale).toMatchObject({ status: 412, body: { code: 'canvas.version_conflict', current } });
    }
    const stale_delete = await api.call(owner, 'DELETE', path, undefined, { 'if-match': '"1"' });
    expect(stale_delete).toMatchObject({ status: 412, body: { current } });
    const stale_removal = await api.call(owner, 'DELETE', `${path}?permanent=true`, undefined, { 'if-match': '"1"' });
    expect(stale_removal).toMatchObject({ status: 412, body: { current } });
    expect((await api.call(owner, 'GET', path)).body).toMatchObject({ version: 2, archived_at: null });
    expect((await api.call(owner, 'PATCH', path, { icon: '🌱' }, { 'if-match': '*' })).body).toMatchObject({
      icon: '🌱',
    });
  });

  it('archives and comes back; deleted for good only when no block is left', async () => {
    const owner = await newcomer();
    const id = await api.makeCanvas(owner);
    const path = `/api/v1/canvases/${id}`;
    const [block_id = ''] = await api.addBlocks(owner, id, ['in the way']);

    expect((await api.call(owner, 'DELETE', path)).body.archived_at).toEqual(expect.any(String));
    expect((await api.call(owner, 'GET', '/canvas')).body.items).toEqual([]);
    expect((await api.call(owner, 'GET', '/canvas?include_archived=true')).body.items).toHaveLength(1);
    expect(await api.call(owner, 'POST', `${path}/mutate`, edit(block_id, 1, 'no'))).toMatchObject({
      status: 409,
      body: { code: 'canvas.archived' },
    });
    expect((await api.call(owner, 'POST', `${path}/restore`)).body.archived_at).toBeNull();

    const refused = await api.call(owner, 'DELETE', `${path}?permanent=true`);
    expect(refused).toMatchObject({ status: 409, body: { code: 'canvas.not_empty' } });
    const trash = { mutation_id: randomUUID(), ops: [{ op: 'delete', block_id, version: 1 }] };
    expect((await api.call(owner, 'POST', `${path}/mutate`, trash)).status).toBe(200);
    expect((await api.call(owner, 'DELETE', `${path}?permanent=true`)).status).toBe(204);
    expect((await api.call(owner, 'GET', path)).status).toBe(404);
  });

  it('is deleted by its version once, and only by whoever may: a viewer learns nothing of versions', async () => {
    const [owner, viewer] = [await newcomer(), await newcomer()];
    const path = `/api/v1/canvases/${await api.makeCanvas(owner)}`;
    await api.call(viewer, 'GET', '/api/v1/me');
    await api.call(owner, 'POST', `${path}/members`, { user_id: viewer.user_id, role: 'viewer' });
    for (const tag of ['"1"', '"7"']) {
      const refused = await api.call(viewer, 'DELETE', path, undefined, { 'if-match': tag });
      expect(refused).toMatchObject({ status: 403, body: { code: 'canvas.forbidden' } });
    }
    // Each sees version 1, and archiving makes it 2: of many at once, one is right.
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => api.call(owner, 'DELETE', path, undefined, { 'if-match': '"1"' })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 412, 412, 412, 412]);
  });

  it('is not opened to anybody by a change of an invitation that is not there', async () => {
    const [owner, stranger] = [await newcomer(), await newcomer()];
    const path = `/api/v1/canvases/${await api.makeCanvas(owner)}`;
    await api.call(stranger, 'GET', '/api/v1/me');
    const changed = await api.call(owner, 'PATCH', `${path}/members/${stranger.user_id}`, { role: 'editor' });
    expect(changed).toMatchObject({ status: 404, body: { code: 'user.not_invited' } });
    expect((await api.call(stranger, 'GET', path)).status).toBe(404);
  });

  it('does not tell an account from nobody by what a change or the end of an invitation answers', async () => {
    const [owner, stranger] = [await newcomer(), await newcomer()];
    const path = `/api/v1/canvases/${await api.makeCanvas(owner)}`;
    await api.call(stranger, 'GET', '/api/v1/me');
    for (const [method, body] of [
      ['PATCH', { role: 'editor' }],
      ['DELETE', undefined],
    ] as const) {
      const answers = [];
      for (const user_id of [stranger.user_id, randomUUID()]) {
        const { status, body: problem } = await api.call(owner, method, `${path}/members/${user_id}`, body);
        answers.push({ status, code: problem.code, detail: problem.detail });
      }
      expect(answers[0]).toMatchObject({ status: 404, code: 'user.not_invited' });
      expect(answers[1]).toEqual(answers[0]);
    }
  });

  it('is left by whoever was invited to it; others they cannot remove, and a stranger sees nothing', async () => {
    const [owner, viewer, editor, stranger] = await Promise.all(Array.from({ length: 4 }, newcomer));
    const path = `/api/v1/canvases/${await api.makeCanvas(owner!)}`;
    for (const [who, role] of [
      [viewer!, 'viewer'],
      [editor!, 'editor'],
    ] as const) {
      await api.call(who, 'GET', '/api/v1/me');
      await api.call(owner!, 'POST', `${path}/members`, { user_id: who.user_id, role });
    }
    const remove = async (who: Person, { user_id }: Person) => {
      const { status, body } = await api.call(who, 'DELETE', `${path}/members/${user_id}`);
      return [status, body.code];
    };
    expect(await remove(viewer!, editor!)).toEqual([403, 'canvas.forbidden']);
    expect(await remove(stranger!, editor!)).toEqual([404, 'canvas.not_found']);
    expect(await remove(stranger!, stranger!)).toEqual([404, 'canvas.not_found']);
    expect(await remove(owner!, owner!)).toEqual([409, 'canvas.owner_fixed']);
    expect(await remove(viewer!, viewer!)).toEqual([204, undefined]);
    expect(await remove(viewer!, viewer!)).toEqual([404, 'canvas.not_found']);
    expect((await api.call(viewer!, 'GET', path)).status).toBe(404);
    expect((await api.call(editor!, 'GET', path)).status).toBe(200);
  });

  it('opens for an invited person at once and closes again', async () => {
    const [owner, guest] = [await newcomer(), await newcomer()];
    const path = `/api/v1/canvases/${await api.makeCanvas(owner)}`;
    expect((await api.call(guest, 'GET', path)).status).toBe(404);
    const invited = await api.call(owner, 'POST', `${path}/members`, { user_id: guest.user_id, role: 'viewer' });
    expect(invited.body).toEqual({ user_id: guest.user_id, role: 'viewer' });
    expect((await api.call(guest, 'GET', `${path}/permissions`)).body).toMatchObject({
      role: 'viewer',
      can_write: false,
    });
    await api.call(owner, 'PATCH', `${path}/members/${guest.user_id}`, { role: 'editor' });
    expect((await api.call(guest, 'GET', `${path}/permissions`)).body).toMatchObject({
      role: 'editor',
      can_write: true,
    });
    const { items } = (await api.call(guest, 'GET', `${path}/members`)).body as {
      items: { user_id: string; role: string }[];
    };
    expect(items.map((member) => [member.user_id, member.role])).toEqual(
      expect.arrayContaining([
        [owner.user_id, 'owner'],
        [guest.user_id, 'editor'],
      ]),
    );
    expect((await api.call(owner, 'DELETE', `${path}/members/${guest.user_id}`)).status).toBe(204);
    expect((await api.call(guest, 'GET', path)).status).toBe(404);
    const unknown = await api.call(owner, 'POST', `${path}/members`, { user_id: randomUUID(), role: 'viewer' });
    expect(unknown).toMatchObject({ status: 404, body: { code: 'user.not_found' } });
  });
});

describe('blocks', () => {
  it('a mutation sent twice is applied once; under another body it is refused; a stale version answers the current block', async () => {
    const owner = await newcomer();
    const id = await api.makeCanvas(owner);
    const path = `/api/v1/canvases/${id}`;
    const [block_id = ''] = await api.addBlocks(owner, id, ['one']);
    const body = edit(block_id, 1, 'two');
    const [first, second] = [
      await api.call(owner, 'POST', `${path}/mutate`, body),
      await api.call(owner, 'POST', `${path}/mutate`, body),
    ];
    expect(first.body).toMatchObject({ mutation_id: body.mutation_id, seq: 2, replayed: false });
    expect(second.body).toEqual({ ...first.body, replayed: true });
    expect(second.headers['idempotency-replayed']).toBe('true');

    const reused = { ...edit(block_id, 2, 'three'), mutation_id: body.mutation_id };
    expect(await api.call(owner, 'POST', `${path}/mutate`, reused)).toMatchObject({
      status: 409,
      body: { code: 'canvas.mutation_reused' },
    });
    expect(await api.call(owner, 'POST', `${path}/mutate`, edit(block_id, 1, 'late'))).toMatchObject({
      status: 409,
      body: {
        code: 'block.version_conflict',
        op_index: 0,
        current: { id: block_id, version: 2, content: { text: 'two' } },
      },
    });
  });

  it('pages hold every block once, parents first, also while others insert', async () => {
    const owner = await newcomer();
    const id = await api.makeCanvas(owner);
    const texts = Array.from({ length: 23 }, (_, i) => `block ${i}`);
    const ids = await api.addBlocks(owner, id, texts);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await api.call(owner, 'GET', `/api/v1/canvases/${id}/blocks?limit=5${query}`);
      expect(page.body.items.length).toBeLessThanOrEqual(5);
      seen.push(...idsOf(page));
      cursor = page.body.next_cursor;
      const first = { op: 'create', type: 'text', content: { text: 'inserted before' }, after_id: null };
      await api.call(owner, 'POST', `/api/v1/canvases/${id}/mutate`, { mutation_id: randomUUID(), ops: [first] });
    } while (cursor !== null);
    expect(seen).toEqual(ids);
  });

  it('a list of canvases pages without a gap or a double while new ones are made', async () => {
    const owner = await newcomer();
    const ids: string[] = [];
    for (let i = 0; i < 7; i += 1) ids.unshift(await api.makeCanvas(owner, { title: `c${i}` }));
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await api.call(owner, 'GET', `/canvas?limit=3${query}`);
      seen.push(...idsOf(page));
      cursor = page.body.next_cursor;
      await api.makeCanvas(owner);
    } while (cursor !== null);
    expect(seen).toEqual(ids);
  });

  it('a snapshot and a block that did not change are not sent again', async () => {
    const owner = await newcomer();
    const id = await api.makeCanvas(owner);
    const [block_id = ''] = await api.addBlocks(owner, id, ['one']);
    const ask = (path: string, tag?: string) =>
      api.call(owner, 'GET', `/canvas/${id}${path}`, undefined, tag ? { 'if-none-match': tag } : {});

    const snapshot = await ask('/snapshot');
    expect(snapshot.headers.etag).toBe(`W/"${snapshot.body.epoch}-${snapshot.body.seq}-owner"`);
    expect((await ask('/snapshot', snapshot.headers.etag)).status).toBe(304);
    expect((await ask(`/blocks/${block_id}`, '"1"')).status).toBe(304);

    await api.call(owner, 'POST', `/canvas/${id}/mutate`, edit(block_id, 1, 'two'));
    const newer = await ask('/snapshot', snapshot.headers.etag);
    expect([newer.status, newer.body.seq]).toEqual([200, Number(snapshot.body.seq) + 1]);
    expect((await ask(`/blocks/${block_id}`, '"1"')).headers.etag).toBe('"2"');
  });
});

describe('Markdown', () => {
  it('goes in as text or as JSON and comes out the same', async () => {
    const owner = await newcomer();
    const id = await api.makeCanvas(owner, { title: 'Notes' });
    const markdown = '# Title\n\nSome *text*.\n\n- one\n- two\n\n```ts\nconst a = 1;\n```\n';
    const imported = await api.call(owner, 'POST', `/canvas/${id}/import`, markdown, {
      'content-type': 'text/markdown',
    });
    expect(imported.status).toBe(201);
    const exported = await api.call(owner, 'GET', `/canvas/${id}/export`);
    expect(exported.headers['content-type']).toMatch('text/markdown');
    for (const part of ['# Title', 'Some *text*.', 'one', 'const a = 1;']) expect(exported.text).toContain(part);
    expect((await api.call(owner, 'POST', `/canvas/${id}/import`, { markdown: '## More' })).status).toBe(201);
    expect((await api.call(owner, 'GET', `/canvas/${id}/export`)).text).toContain('## More');
  });

  it('takes up to 2 MiB, and says so above', async () => {
    const owner = await newcomer();
    const id = await api.makeCanvas(owner);
    const send = (bytes: number) =>
      api.call(owner, 'POST', `/canvas/${id}/import`, 'x\n'.repeat(bytes / 2), { 'content-type': 'text/markdown' });
    expect(await send(3_000_000)).toMatchObject({ status: 413, body: { code: 'http.body_too_large' } });
  });
});
