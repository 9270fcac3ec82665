import { randomUUID } from 'node:crypto';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
let owner: Person;
let reader: Person;
let stranger: Person;
let canvas_id: string;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  [owner, reader, stranger] = [
    await person(backends.issuer),
    await person(backends.issuer),
    await person(backends.issuer),
  ];
  canvas_id = await api.makeCanvas(owner, { title: 'Talk' });
  await api.call(reader, 'GET', '/api/v1/me');
  await api.call(owner, 'POST', `/api/v1/canvases/${canvas_id}/members`, { user_id: reader.user_id, role: 'viewer' });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

it('comments are made, changed, resolved, listed and deleted over HTTP', async () => {
  const comments = `/api/v1/canvases/${canvas_id}/comments`;
  const body = { mutation_id: randomUUID(), text: 'Hello', mentions: [reader.user_id] };
  const made = await api.call(owner, 'POST', comments, body);
  expect(made).toMatchObject({ status: 201, body: { comment: { text: 'Hello', version: 1 }, replayed: false } });
  const again = await api.call(owner, 'POST', comments, body);
  expect(again).toMatchObject({ status: 201, body: { comment: made.body.comment, replayed: true } });
  expect(again.headers['idempotency-replayed']).toBe('true');
  const one = `${comments}/${made.body.comment.id}`;
  const edit = { mutation_id: randomUUID(), version: 1, text: 'Hello all' };
  expect(await api.call(owner, 'PATCH', one, edit)).toMatchObject({ status: 200, body: { comment: { version: 2 } } });
  expect(await api.call(owner, 'PATCH', one, { ...edit, mutation_id: randomUUID() })).toMatchObject({
    status: 409,
    body: { code: 'comment.version_conflict', current: { text: 'Hello all' } },
  });
  expect((await api.call(owner, 'POST', `${one}/resolve`)).body.resolved_by).toBe(owner.user_id);
  expect((await api.call(reader, 'GET', `${comments}?resolved=true`)).body.items).toHaveLength(1);
  expect((await api.call(owner, 'POST', `${one}/reopen`)).body.resolved_at).toBeNull();

  for (const [method, path, sent] of [
    ['POST', comments, { ...body, mutation_id: randomUUID() }],
    ['PATCH', one, { ...edit, version: 4, mutation_id: randomUUID() }],
    ['POST', `${one}/resolve`, undefined],
    ['DELETE', one, undefined],
  ] as const) {
    expect((await api.call(reader, method, path, sent)).body.code, `${method} ${path}`).toBe('canvas.forbidden');
    expect((await api.call(stranger, method, path, sent)).body.code, `${method} ${path}`).toBe('canvas.not_found');
    expect((await api.call(null, method, path, sent)).status, `${method} ${path}`).toBe(401);
  }
  expect((await api.call(stranger, 'GET', comments)).status).toBe(404);
  expect((await api.call(owner, 'POST', comments, { ...body, colour: 'red' })).body.errors).toMatchObject([
    { pointer: '/colour' },
  ]);
  expect((await api.call(owner, 'DELETE', one)).status).toBe(204);
  expect((await api.call(reader, 'GET', comments)).body).toEqual({ items: [], next_cursor: null });
});

it('search is answered over HTTP, to whoever sees the canvas, in one round trip', async () => {
  await api.addBlocks(owner, canvas_id, ['the capybaras are swimming']);
  const ask = (who: Person | null, query: string) => api.call(who, 'GET', `/api/v1/search?${query}`);
  for (const who of [owner, reader]) {
    expect(await ask(who, 'q=capybara%20swim&types=text')).toMatchObject({
      status: 200,
      body: {
        items: [
          {
            kind: 'block',
            canvas_id,
            canvas_title: 'Talk',
            fragment: expect.stringContaining('<mark>capybaras</mark>'),
          },
        ],
      },
    });
  }
  expect((await ask(stranger, 'q=capybara')).body).toEqual({ items: [], next_cursor: null });
  expect((await ask(stranger, `q=capybara&canvas_id=${canvas_id}`)).body).toEqual({ items: [], next_cursor: null });
  expect((await ask(null, 'q=capybara')).status).toBe(401);
  for (const query of [
    '',
    'q=',
    'q=%20',
    'q=-x',
    'q=a&workspace_id=x',
    'q=a&types=',
    'q=a&cursor=x',
    'q=a&limit=51',
    'q=a&p=1',
  ]) {
    expect((await ask(owner, query)).status, query).toBe(400);
  }
  expect((await api.call(owner, 'GET', '/search?q=capybara')).status).toBe(200);
});
