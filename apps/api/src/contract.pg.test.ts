import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startObjects, type TestObjects } from '@potentia/sandbox/testing/objects';
import { type Answer, asService, type Person, startApi, type TestApi } from './testing/api.ts';
import { type Door, doorsOf, fillPath } from './testing/doors.ts';
import { makeBody, makeIds, queryOf } from './testing/fixtures.ts';
import { fromJsonSchema } from './testing/from-json-schema.ts';
import { signWorkerWebhook } from './testing/worker-webhook.ts';
import { type Cast, makeCast, makeWorld, type World } from './testing/world.ts';

/** What every operation is asked, half of it as the document describes it, half of it hostile. */
const RUNS = 12;

/** What the owner of everything is refused all the same: tokens that are none, and the room for a socket on another service. */
const SERVED_OTHERWISE: Record<string, number> = {
  openCanvasSocket: 426,
  refreshSession: 401,
  leaveWorkspace: 409,
  respondToWorkspaceInvitation: 404,
  respondToCanvasInvitation: 404,
  previewInvitation: 404,
  previewRsvp: 404,
  answerRsvp: 404,
  readWhatsappQrPage: 404,
};

let backends: Backends;
let objects: TestObjects;
let api: TestApi;
let document: { components: object; paths: object };
let doors: Door[];
let cast: Cast;

beforeAll(async () => {
  [backends, objects] = await Promise.all([startBackends(), startObjects()]);
  api = await startApi(backends, objects.env);
  document = (await api.call(null, 'GET', '/openapi.json')).body;
  doors = doorsOf(api.app);
});
// Their own for each test: each operation has a world of its own, and one person owns at most 200 workspaces.
beforeEach(async () => {
  cast = await makeCast(api, backends);
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await objects[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default(ajv);

/** Why this answer is not one that the document declares; empty when it is. */
function undeclared(door: Door, answer: Answer): string {
  const declared = door.operation.responses[answer.status];
  if (!declared) return `status ${answer.status}: ${answer.text.slice(0, 300)}`;
  const type = answer.headers['content-type']?.split(';')[0];
  if (answer.text === '') return '';
  const schema = declared.content?.[type ?? '']?.schema;
  if (!schema) return `${answer.status} as ${type}`;
  if (!type?.includes('json')) return '';
  const validate = ajv.compile({ ...schema, components: document.components });
  return validate(answer.body)
    ? ''
    : `${answer.status} with ${ajv.errorsText(validate.errors)}: ${answer.text.slice(0, 300)}`;
}

const isJson = (body: unknown): boolean => typeof body === 'object';
const typeOf = (body: unknown): Record<string, string> =>
  body === undefined ? {} : { 'content-type': isJson(body) ? 'application/json' : 'text/markdown' };

/** What is signed is asked by whoever has the secret. */
const signature = ({ operation }: Door, payload: unknown): Record<string, string> =>
  (operation.parameters ?? []).some(({ name }) => name === 'webhook-signature') && typeof payload === 'string'
    ? signWorkerWebhook(payload)
    : {};

/** Who asks by default: the owner of the world, or, for services, one of them. */
const askerOf = (door: Door): Promise<Person> => (door.is_service ? asService() : Promise.resolve(cast.owner));

/** Asks as whoever may. */
async function ask(
  door: Door,
  ids: Record<string, string>,
  query: string,
  body: unknown,
  who?: Person,
): Promise<Answer> {
  const payload = isJson(body) ? JSON.stringify(body) : body;
  const headers = { ...typeOf(body), ...signature(door, payload) };
  return api.call(who ?? (await askerOf(door)), door.method, fillPath(door.path, ids) + query, payload, headers);
}

/** What this operation takes, half of it as the document describes it, half of it hostile. */
function inputsOf(door: Door, known: Record<string, string>) {
  const { parameters = [], requestBody } = door.operation;
  const ids = [...Object.values(known), ...Object.values(cast).map((one) => one.user_id)];
  const path = parameters
    .filter((parameter) => parameter.in === 'path')
    .map(({ name }) => [
      name,
      fc.oneof(
        { arbitrary: fc.constant(known[name] ?? 'x'), weight: 8 },
        fc.uuid(),
        // Not a bare `..`: a URL parser takes it away with the segment before, and asks another path.
        fc.constantFrom('x', '*', '../..', 'a b', 'é'),
      ),
    ]);
  const query = parameters
    .filter((parameter) => parameter.in === 'query')
    .map(({ name, schema }) => [
      name,
      fc.oneof(fromJsonSchema(document, schema, { ids, hostile: false }), fc.string()),
    ]);
  const schema = requestBody?.content['application/json']?.schema;
  return {
    path: fc.record(Object.fromEntries(path) as Record<string, fc.Arbitrary<string>>),
    query: fc.record(Object.fromEntries(query) as Record<string, fc.Arbitrary<unknown>>, { requiredKeys: [] }),
    body: schema
      ? fc.oneof(...[false, true].map((hostile) => fromJsonSchema(document, schema, { ids, hostile })))
      : fc.constant(undefined),
  };
}

async function askGenerated(door: Door): Promise<void> {
  const world = await makeWorld(api, backends, cast);
  const { path, query, body } = inputsOf(door, { ...idsIn(world), ...(await makeIds(door, world)) });
  await fc.assert(
    fc.asyncProperty(path, query, body, async (ids, given, content) => {
      const values = Object.entries(given).map(([name, value]): [string, string] => [name, String(value)]);
      const search = new URLSearchParams(values).toString();
      const payload = content === undefined ? undefined : JSON.stringify(content);
      const headers: Record<string, string> = content === undefined ? {} : { 'content-type': 'application/json' };
      const url = `${fillPath(door.path, ids)}?${search}`;
      Object.assign(headers, signature(door, payload));
      const answer = await api.call(await askerOf(door), door.method, url, payload, headers);
      expect(undeclared(door, answer)).toBe('');
      expect(answer.status).not.toBe(500);
    }),
    { numRuns: RUNS },
  );
}

const idsIn = ({ workspace_id, canvas_id, calendar_id }: World): Record<string, string> => ({
  workspace_id,
  canvas_id,
  calendar_id,
});

/** What is wrong, of every operation in `list`; several at once, since most of the time of each is waiting. */
async function faultsOf(list: Door[], check: (door: Door) => Promise<void>): Promise<string[]> {
  const queue = [...list];
  const faults: string[] = [];
  const work = async (): Promise<void> => {
    for (let door = queue.shift(); door; door = queue.shift()) {
      const { name } = door;
      await check(door).catch((error: unknown) => faults.push(`${name}: ${(error as Error).message}`));
    }
  };
  await Promise.all(Array.from({ length: 4 }, work));
  return faults;
}

/** What the router serves, as `GET /api/v1/canvases/:canvas_id`, read from the tree that it prints. */
function servedRoutes(): string[] {
  const parents: string[] = [];
  return api.app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', part = '', methods = ''] = /^([│├└─ ]*)(\S+) \((.*)\)$/.exec(line) ?? [];
      const depth = indent.length / 4;
      parents[depth] = (depth > 1 ? (parents[depth - 1] ?? '') : '') + part;
      const path = parents[depth];
      return methods.split(', ').flatMap((method) => (method && method !== 'HEAD' ? [`${method} ${path}`] : []));
    })
    .filter((route) => !route.startsWith('OPTIONS'));
}

describe('the OpenAPI document', () => {
  it('is 3.1 and names every operation, its tags, its security and how it refuses', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'Potentia' } });
    const names = doors.map(({ operation }) => operation.operationId);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, operation, is_public, is_service } of doors) {
      expect(operation.tags, name).toHaveLength(1);
      expect(operation.security, name).toEqual(is_public ? [] : [is_service ? { service: [] } : { bearer: [] }]);
      const refusals = Object.entries(operation.responses).filter(([status]) => Number(status) >= 400);
      expect(
        refusals.map(([status]) => status),
        name,
      ).toEqual(expect.arrayContaining(['400', '429', '500']));
      for (const [status, response] of refusals) {
        if (name === 'GET /ready' && status === '503') continue;
        expect(Object.keys(response.content ?? {}), `${name} ${status}`).toEqual(['application/problem+json']);
      }
    }
  });

  it('declares every route that is served', () => {
    const declared = new Set(doors.map(({ method, path }) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`));
    const served = servedRoutes().filter((route) => !/ (\/docs|\/openapi\.json|\*)/.test(route));
    expect(served.length).toBeGreaterThan(90);
    expect(served.filter((route) => !declared.has(route))).toEqual([]);
  });

  it('names the headers by which a caller asks for once, and for no other version', () => {
    const headersOf = (operationId: string): string[] =>
      (doors.find(({ operation }) => operation.operationId === operationId)?.operation.parameters ?? [])
        .filter((parameter) => parameter.in === 'header')
        .map(({ name }) => name);
    expect(headersOf('createWorkspace')).toEqual(['Idempotency-Key']);
    expect(headersOf('updateWorkspace')).toEqual(['If-Match']);
    expect(headersOf('listWorkspaces')).toEqual([]);
  });

  it('has a reference page that shows it', async () => {
    const page = await api.call(null, 'GET', '/docs/');
    expect(page.status).toBe(200);
    expect(page.text).toContain('swagger-ui');
    expect(page.headers['content-security-policy']).toContain("script-src 'self'");
  });
});

describe('every operation answers only what the document declares', () => {
  it('whatever it is asked', async () => {
    expect(await faultsOf(doors, askGenerated)).toEqual([]);
  }, 180_000);

  it('when it is asked in earnest, and then it is served', async () => {
    const faults = await faultsOf(doors, async (door) => {
      const world = await makeWorld(api, backends, cast);
      const answer = await ask(door, await makeIds(door, world), queryOf(door, world), makeBody(door, world));
      expect(undeclared(door, answer)).toBe('');
      const otherwise = SERVED_OTHERWISE[door.operation.operationId];
      expect(otherwise === undefined ? answer.status < 300 : answer.status === otherwise, answer.text).toBe(true);
    });
    expect(faults).toEqual([]);
  }, 60_000);

  it('and refuses in the declared form whoever has no token', async () => {
    for (const door of doors.filter(({ is_public }) => !is_public)) {
      const answer = await api.call(null, door.method, fillPath(door.path, {}));
      expect(undeclared(door, answer), door.name).toBe('');
      expect(answer.status).toBe(401);
    }
  });

  it('and refuses a field that it does not know, in every body and every query, and names it', async () => {
    const faults = await faultsOf(
      doors.filter((door) => door.path.startsWith('/api/')),
      async (door) => {
        const world = await makeWorld(api, backends, cast);
        const ids = await makeIds(door, world);
        const body = makeBody(door, world);
        const known = queryOf(door, world);
        const asked = [await ask(door, ids, `${known || '?'}&surprise=1`, body)];
        if (isJson(body)) asked.push(await ask(door, ids, known, { ...(body as object), surprise: 1 }));
        for (const answer of asked) {
          expect(answer.status, answer.text).toBe(400);
          expect(answer.body.errors).toContainEqual({ pointer: '/surprise', message: 'Unknown field' });
        }
      },
    );
    expect(faults).toEqual([]);
  }, 60_000);
});

it('every module is in the document', () => {
  const tags = new Set(doors.flatMap(({ operation }) => operation.tags));
  const { tags: declared } = document as unknown as { tags: { name: string }[] };
  expect([...tags].toSorted()).toEqual(declared.map(({ name }) => name).toSorted());
});
