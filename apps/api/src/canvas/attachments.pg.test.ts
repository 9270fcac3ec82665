import { randomUUID } from 'node:crypto';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, person, type Person, startApi, type TestApi } from '../testing/api.ts';
import { startObjects, type TestObjects } from '@potentia/sandbox/testing/objects';

const PNG = Buffer.concat([
  Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 'hex'),
  Buffer.alloc(40, 1),
]);

let backends: Backends;
let objects: TestObjects;
let api: TestApi;
let owner: Person;
let viewer: Person;
let stranger: Person;
let canvas_id: string;

beforeAll(async () => {
  [backends, objects] = await Promise.all([startBackends(), startObjects()]);
  api = await startApi(backends, { ...objects.env, ATTACHMENT_MAX_BYTES: '1000', ATTACHMENT_QUOTA_BYTES: '5000' });
  [owner, viewer, stranger] = [
    await person(backends.issuer),
    await person(backends.issuer),
    await person(backends.issuer),
  ];
  canvas_id = await api.makeCanvas(owner);
  await api.call(viewer, 'GET', '/api/v1/canvases');
  const invitation = { user_id: viewer.user_id, role: 'viewer' };
  const invited = await api.call(owner, 'POST', `/api/v1/canvases/${canvas_id}/members`, invitation);
  expect(invited.status, invited.text).toBe(200);
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await objects[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

const path = (of = canvas_id): string => `/api/v1/canvases/${of}/attachments`;
const picture = { name: 'a ä.png', media_type: 'image/png', size: PNG.length };

async function announce(body: object = picture, of = canvas_id, who = owner): Promise<Answer['body']> {
  const answer = await api.call(who, 'POST', path(of), body);
  expect(answer.status, answer.text).toBe(201);
  return answer.body;
}

interface Target {
  url: string;
  method: string;
  headers: Record<string, string>;
}
const send = async ({ url, method, headers }: Target, body: Buffer): Promise<number> =>
  (await fetch(url, { method, headers, body: new Uint8Array(body) })).status;

async function attach(
  body: Buffer = PNG,
  of = canvas_id,
  announced: object = { ...picture, size: body.length },
): Promise<string> {
  const { attachment, upload } = await announce(announced, of);
  expect(await send(upload, body)).toBe(200);
  const answer = await api.call(owner, 'POST', `${path(of)}/${attachment.id}/complete`);
  expect(answer.status, answer.text).toBe(200);
  return attachment.id;
}

const keyOf = async (id: string): Promise<string> => {
  const [row] = await backends.database.asOwner<{ object_key: string }>(
    'select object_key from app.attachments where id = $1',
    [id],
  );
  return row!.object_key;
};

describe('an upload', () => {
  it('goes straight to the store, is confirmed once, and comes back as a file to save', async () => {
    const { attachment, upload } = await announce();
    expect(attachment).toMatchObject({ ...picture, canvas_id, status: 'pending', download: null });
    expect(upload).toMatchObject({ method: 'PUT', headers: { 'content-type': 'image/png' } });
    expect(await keyOf(attachment.id)).not.toContain(canvas_id);
    expect(await send(upload, PNG)).toBe(200);

    const [first, second] = [
      await api.call(owner, 'POST', `${path()}/${attachment.id}/complete`),
      await api.call(owner, 'POST', `${path()}/${attachment.id}/complete`),
    ];
    expect([first.status, first.body.status]).toEqual([200, 'ready']);
    expect(second.body.ready_at).toBe(first.body.ready_at);

    for (const who of [owner, viewer]) {
      const { body } = await api.call(who, 'GET', `${path()}/${attachment.id}`);
      const file = await fetch(body.download.url);
      expect(Buffer.from(await file.arrayBuffer()).equals(PNG)).toBe(true);
      expect(file.headers.get('content-type')).toBe('image/png');
      expect(file.headers.get('content-disposition')).toContain(
        'attachment; filename="a _.png"; filename*=UTF-8\'\'a%20%C3%A4.png',
      );
      expect(file.headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  it('is of the length and type that were announced, and happens once', async () => {
    const { attachment, upload } = await announce();
    expect(await send(upload, Buffer.concat([PNG, PNG]))).toBe(403);
    expect(await send({ ...upload, headers: { ...upload.headers, 'content-type': 'text/html' } }, PNG)).toBe(403);
    expect(await send(upload, PNG)).toBe(200);
    expect(await send(upload, PNG)).toBe(412);
    expect((await api.call(owner, 'POST', `${path()}/${attachment.id}/complete`)).status).toBe(200);
  });

  it('is not confirmed before it came, nor when it is not what it says', async () => {
    const { attachment, upload } = await announce();
    const complete = () => api.call(owner, 'POST', `${path()}/${attachment.id}/complete`);
    expect(await complete()).toMatchObject({ status: 409, body: { code: 'attachment.not_uploaded' } });
    expect(await send(upload, Buffer.alloc(PNG.length, '<'))).toBe(200);
    expect(await complete()).toMatchObject({ status: 409, body: { code: 'attachment.type_mismatch' } });
    expect((await api.call(owner, 'GET', `${path()}/${attachment.id}`)).body).toMatchObject({
      status: 'pending',
      download: null,
    });
  });

  it.each([
    [{ ...picture, media_type: 'text/html' }, '/media_type'],
    [{ ...picture, media_type: 'image/svg+xml' }, '/media_type'],
    [{ ...picture, media_type: 'image/png; charset=x' }, '/media_type'],
    [{ ...picture, size: 1001 }, '/size'],
    [{ ...picture, size: 0 }, '/size'],
    [{ ...picture, name: '../x.png' }, '/name'],
    [{ ...picture, key: 'x' }, '/key'],
  ])('of %j is refused', async (body, pointer) => {
    const answer = await api.call(owner, 'POST', path(), body);
    expect([answer.status, answer.body.errors?.[0]?.pointer]).toEqual([400, pointer]);
  });

  it('with an Idempotency-Key is announced once', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const [one, two] = [
      await api.call(owner, 'POST', path(), picture, headers),
      await api.call(owner, 'POST', path(), picture, headers),
    ];
    expect([two.body.attachment.id, two.headers['idempotency-replayed']]).toEqual([one.body.attachment.id, 'true']);
  });

  it('is refused where the files of the workspace take all its room', async () => {
    const full = await person(backends.issuer);
    const home = await api.makeCanvas(full);
    for (let i = 0; i < 5; i++) {
      expect((await api.call(full, 'POST', path(home), { ...picture, size: 1000 })).status).toBe(201);
    }
    expect(await api.call(full, 'POST', path(home), { ...picture, size: 1 })).toMatchObject({
      status: 409,
      body: { code: 'attachment.quota_exceeded' },
    });
  });
});

describe('who may', () => {
  it('upload and delete: editors; a viewer 403, a stranger and nobody as if there were nothing', async () => {
    const id = await attach();
    const calls: [string, string, object | undefined][] = [
      ['POST', path(), picture],
      ['POST', `${path()}/${id}/complete`, undefined],
      ['DELETE', `${path()}/${id}`, undefined],
    ];
    for (const [method, url, body] of calls) {
      expect(await api.call(viewer, method, url, body), url).toMatchObject({
        status: 403,
        body: { code: 'canvas.forbidden' },
      });
      expect(await api.call(stranger, method, url, body), url).toMatchObject({
        status: 404,
        body: { code: 'canvas.not_found' },
      });
      expect((await api.call(null, method, url, body)).status, url).toBe(401);
    }
    for (const url of [path(), `${path()}/${id}`]) {
      expect((await api.call(viewer, 'GET', url)).status).toBe(200);
      expect(await api.call(stranger, 'GET', url)).toMatchObject({ status: 404, body: { code: 'canvas.not_found' } });
    }
  });

  it('a file of one canvas is nothing on another, and a block that refers to it there finds nothing', async () => {
    const id = await attach();
    const other = await api.makeCanvas(stranger);
    const block = { op: 'create', type: 'image', content: { attachment_id: id } };
    const mutation = { mutation_id: randomUUID(), ops: [block] };
    expect((await api.call(stranger, 'POST', `/api/v1/canvases/${other}/mutate`, mutation)).status).toBe(200);
    for (const [method, url] of [
      ['GET', `${path(other)}/${id}`],
      ['POST', `${path(other)}/${id}/complete`],
      ['DELETE', `${path(other)}/${id}`],
    ] as const) {
      const answer = await api.call(stranger, method, url);
      expect(answer).toMatchObject({ status: 404, body: { code: 'attachment.not_found' } });
      const missing = await api.call(stranger, method, url.replace(id, randomUUID()));
      expect({ ...answer.body, request_id: '', instance: '' }).toEqual({
        ...missing.body,
        request_id: '',
        instance: '',
      });
    }
  });

  it('an address to download ends, and cannot be made to lead elsewhere', async () => {
    const [id, other] = [await attach(), await attach()];
    const { url } = (await api.call(viewer, 'GET', `${path()}/${id}`)).body.download as { url: string };
    expect((await fetch(url.replace(await keyOf(id), await keyOf(other)))).status).toBe(403);
    objects.advance(11 * 60_000);
    expect((await fetch(url)).status).toBe(403);
    objects.advance(-11 * 60_000);
    expect((await fetch(url)).status).toBe(200);
  });
});

it('are listed page by page', async () => {
  const home = await api.makeCanvas(owner);
  const ids = [await attach(PNG, home), await attach(PNG, home), await attach(PNG, home)];
  const first = await api.call(owner, 'GET', `${path(home)}?limit=2`);
  const rest = await api.call(owner, 'GET', `${path(home)}?limit=2&cursor=${first.body.next_cursor}`);
  expect([...first.body.items, ...rest.body.items].map((item: { id: string }) => item.id)).toEqual(ids);
  expect(rest.body.next_cursor).toBeNull();
});

it('deleting one is audited and ends it; in an archived canvas nothing changes', async () => {
  const home = await api.makeCanvas(owner);
  const [gone, kept] = [await attach(PNG, home), await attach(PNG, home)];
  expect((await api.call(owner, 'DELETE', `${path(home)}/${gone}`)).status).toBe(204);
  expect((await api.call(owner, 'DELETE', `${path(home)}/${gone}`)).status).toBe(404);
  const audit = await backends.database.asOwner(
    'select action, before, after from app.audit_logs where target_id = $1 order by created_at',
    [gone],
  );
  const facts = { name: picture.name, media_type: 'image/png', size: PNG.length };
  expect(audit).toEqual([
    { action: 'attachment.create', before: null, after: facts },
    { action: 'attachment.delete', before: facts, after: null },
  ]);
  await api.call(owner, 'POST', `/api/v1/canvases/${home}/archive`);
  expect(await api.call(owner, 'DELETE', `${path(home)}/${kept}`)).toMatchObject({
    status: 409,
    body: { code: 'canvas.archived' },
  });
  expect(await api.call(owner, 'POST', path(home), picture)).toMatchObject({
    status: 409,
    body: { code: 'canvas.archived' },
  });
});

it('are in Markdown as targets that come back as references', async () => {
  const home = await api.makeCanvas(owner);
  const id = await attach(PNG, home);
  const ops = [
    { op: 'create', type: 'image', content: { attachment_id: id, alt: 'a picture' } },
    { op: 'create', type: 'file', content: { attachment_id: id, name: 'x.png' } },
  ];
  await api.call(owner, 'POST', `/api/v1/canvases/${home}/mutate`, { mutation_id: randomUUID(), ops });
  const { text } = await api.call(owner, 'GET', `/api/v1/canvases/${home}/export`);
  expect(text).toContain(`![a picture](attachment:${id})`);
  const copy = await api.makeCanvas(owner);
  await api.call(owner, 'POST', `/api/v1/canvases/${copy}/import`, { markdown: text });
  const { body } = await api.call(owner, 'GET', `/api/v1/canvases/${copy}/blocks`);
  expect(body.items.map(({ type, content }: { type: string; content: object }) => ({ type, content }))).toEqual(
    ops.map(({ type, content }) => ({ type, content })),
  );
});

it('say so when the store is away', async () => {
  await using away = await startApi(backends, { S3_ENDPOINT: 'http://127.0.0.1:9' });
  const { body } = await away.call(owner, 'POST', path(), picture);
  const answer = await away.call(owner, 'POST', `${path()}/${body.attachment.id}/complete`);
  expect(answer).toMatchObject({ status: 503, body: { code: 'objects.unavailable' } });
  expect(answer.headers['retry-after']).toBeDefined();
});
