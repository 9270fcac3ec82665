import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
let owner: Person;
let canvas_id: string;
let block_id: string;
let elsewhere: { canvas_id: string; block_id: string };

beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  owner = await person(backends.issuer);
  canvas_id = await api.makeCanvas(owner, { title: 'untouched' });
  [block_id = ''] = await api.addBlocks(owner, canvas_id, ['one', 'two']);
  const other = await api.makeCanvas(owner);
  elsewhere = { canvas_id: other, block_id: (await api.addBlocks(owner, other, ['foreign']))[0] ?? '' };
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

const text = (value: string) => ({ type: 'text', content: { text: value } });
const ops = (...list: object[]) => ({ mutation_id: randomUUID(), ops: list });
const JSON_TYPE = { 'content-type': 'application/json' };

interface Case {
  method?: string;
  path?: () => string;
  body: () => unknown;
  headers?: Record<string, string>;
  status: number;
  pointer?: string;
  code?: string;
}

const own = (rest: string) => () => `/api/v1/canvases/${canvas_id}${rest}`;
const mutate = own('/mutate');

const CASES: Record<string, Case> = {
  'JSON that is none': { path: mutate, body: () => '{"ops":', headers: JSON_TYPE, status: 400, pointer: '' },
  'a body that is a list': { path: mutate, body: () => [], status: 400, pointer: '' },
  'no body at all': { path: mutate, body: () => undefined, status: 400, pointer: '' },
  'prototype poisoning': {
    path: mutate,
    body: () => '{"mutation_id":"x","__proto__":{"a":1}}',
    headers: JSON_TYPE,
    status: 400,
    pointer: '',
  },
  'prototype poisoning of a block': {
    path: mutate,
    body: () =>
      `{"mutation_id":"${randomUUID()}","ops":[{"op":"create","type":"x","content":{"\\u005f_proto__":{"a":1}}}]}`,
    headers: JSON_TYPE,
    status: 400,
    pointer: '',
  },
  'a body that is not UTF-8': {
    path: mutate,
    body: () => Buffer.concat([Buffer.from(JSON.stringify(ops({ op: 'create', ...text('x') }))), Buffer.from([0xff])]),
    headers: JSON_TYPE,
    status: 400,
    code: 'http.invalid_body',
  },
  'Markdown that is not UTF-8': {
    path: own('/import'),
    body: () => Buffer.from([0x61, 0xc3, 0x28]),
    headers: { 'content-type': 'text/markdown' },
    status: 400,
    code: 'http.invalid_body',
  },
  'a body that is packed': {
    path: mutate,
    body: () => gzipSync(JSON.stringify(ops({ op: 'create', ...text('x') }))),
    headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
    status: 415,
    code: 'http.unsupported_encoding',
  },
  'JSON deeper than the stack, to be echoed': {
    path: () => '/debug/echo',
    body: () => '['.repeat(100_000) + ']'.repeat(100_000),
    headers: JSON_TYPE,
    status: 400,
    pointer: '',
  },
  'an unknown field': {
    method: 'PATCH',
    path: own(''),
    body: () => ({ title: 'x', owner: 'me' }),
    status: 400,
    pointer: '/owner',
  },
  'a field that the path decides': {
    method: 'PATCH',
    path: own('/meta'),
    body: () => ({ title: 'x', canvas_id: elsewhere.canvas_id }),
    status: 400,
    pointer: '/canvas_id',
  },
  'an unknown field of an operation': {
    path: mutate,
    body: () => ops({ op: 'create', ...text('x'), color: 'red' }),
    status: 400,
    pointer: '/ops/0/color',
  },
  'an unknown operation': { path: mutate, body: () => ops({ op: 'explode' }), status: 400, pointer: '/ops/0/op' },
  'a body of more than a megabyte': {
    path: mutate,
    body: () => ops({ op: 'create', ...text('x'.repeat(1_100_000)) }),
    status: 413,
    code: 'http.body_too_large',
  },
  'a block of more than 64 KB': {
    path: mutate,
    body: () => ops({ op: 'create', type: 'sketch', content: { a: 'x'.repeat(40_000), b: 'x'.repeat(40_000) } }),
    status: 400,
    pointer: '/ops/0/content',
  },
  'a media type that nobody reads here': {
    path: mutate,
    body: () => '<xml/>',
    headers: { 'content-type': 'application/xml' },
    status: 415,
    code: 'http.unsupported_media_type',
  },
  'a bad UUID in the path': {
    path: () => '/api/v1/canvases/not-a-uuid/mutate',
    body: () => ops(),
    status: 400,
    pointer: '/canvas_id',
  },
  'a bad UUID in the body': {
    path: mutate,
    body: () => ops({ op: 'delete', block_id: '42', version: 1 }),
    status: 400,
    pointer: '/ops/0/block_id',
  },
  'a NUL character in the path': {
    path: () => '/api/v1/canvases/%00/mutate',
    body: () => ops(),
    status: 400,
    pointer: '',
  },
  'a NUL character in the query': {
    method: 'GET',
    path: own('/blocks?cursor=a%00b'),
    body: () => undefined,
    status: 400,
    pointer: '',
  },
  'a NUL character in a title': {
    method: 'PATCH',
    path: own(''),
    body: () => ({ title: 'a\0b' }),
    status: 400,
    pointer: '/title',
  },
  'a NUL character in a block': {
    path: mutate,
    body: () => ops({ op: 'create', ...text('a\0b') }),
    status: 400,
    pointer: '/ops/0/content/text',
  },
  'a query that makes no sense': {
    method: 'GET',
    path: own('/blocks?limit=many'),
    body: () => undefined,
    status: 400,
    pointer: '/limit',
  },
  'an unknown query': {
    method: 'GET',
    path: own('/blocks?page=2'),
    body: () => undefined,
    status: 400,
    pointer: '/page',
  },
  'a cursor that nobody gave out': {
    method: 'GET',
    path: own('/blocks?cursor=bm9uc2Vuc2U'),
    body: () => undefined,
    status: 400,
    pointer: '/cursor',
  },
  'a block below itself': {
    path: mutate,
    body: () => {
      const child = randomUUID();
      return ops(
        { op: 'create', block_id: child, parent_id: block_id, ...text('child') },
        { op: 'move', block_id, version: 1, parent_id: child },
      );
    },
    status: 400,
    code: 'block.cycle',
  },
  'a parent in another canvas': {
    path: mutate,
    body: () => ops({ op: 'create', parent_id: elsewhere.block_id, ...text('stray') }),
    status: 400,
    code: 'block.parent_not_found',
  },
  'a neighbour in another canvas': {
    path: mutate,
    body: () => ops({ op: 'create', after_id: elsewhere.block_id, ...text('stray') }),
    status: 409,
    code: 'block.after_not_found',
    pointer: '/ops/0/after_id',
  },
  'a block of another canvas': {
    path: mutate,
    body: () => ops({ op: 'edit', block_id: elsewhere.block_id, version: 1, content: { text: 'mine' } }),
    status: 404,
    code: 'block.not_found',
  },
  'a bad Idempotency-Key': {
    path: () => '/api/v1/canvases',
    body: () => ({}),
    headers: { 'idempotency-key': 'two words' },
    status: 400,
    pointer: '/headers/idempotency-key',
  },
  'a session that only the hub names': {
    path: own('/presence'),
    body: () => ({ session_id: 'x' }),
    status: 400,
    pointer: '/session_id',
  },
};

describe('bad input is refused, by name, and changes nothing', () => {
  it.each(Object.keys(CASES))('%s', async (name) => {
    const { method = 'POST', path, body, headers, status, pointer, code } = CASES[name] as Case;
    const before = await stateOfAll();
    const answer = await api.call(owner, method, path?.() ?? '', body(), headers);
    expect({ status: answer.status, type: answer.headers['content-type'] }).toEqual({
      status,
      type: expect.stringContaining('application/problem+json'),
    });
    expect(answer.body).toMatchObject({ status, request_id: answer.headers['x-request-id'] });
    if (code !== undefined) expect(answer.body.code).toBe(code);
    if (pointer !== undefined) expect(pointers(answer)).toContain(pointer);
    expect(await stateOfAll()).toBe(before);
  });

  it('names every field at fault at once', async () => {
    const body = { mutation_id: 'x', ops: [{ op: 'edit', block_id: 'y', version: 0, content: 1 }], more: true };
    const answer = await api.call(owner, 'POST', mutate(), body);
    expect(pointers(answer)).toEqual(
      expect.arrayContaining(['/mutation_id', '/ops/0/block_id', '/ops/0/version', '/more']),
    );
  });
});

const pointers = (answer: Answer): string[] =>
  (answer.body.errors as { pointer: string }[]).map((error) => error.pointer);

async function stateOfAll(): Promise<string> {
  const [list, one, two] = await Promise.all([
    api.call(owner, 'GET', '/api/v1/canvases'),
    api.call(owner, 'GET', `/api/v1/canvases/${canvas_id}/snapshot`),
    api.call(owner, 'GET', `/api/v1/canvases/${elsewhere.canvas_id}/snapshot`),
  ]);
  return [list, one, two].map(({ text }) => text).join('\n');
}
