import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, person, type Person, startApi, type TestApi } from './testing/api.ts';
import { type Door, doorsOf, fillPath } from './testing/doors.ts';
import { fromJsonSchema } from './testing/from-json-schema.ts';

/** What every operation is asked, half of it as the document describes it, half of it hostile. */
const RUNS = 12;

let backends: Backends;
let api: TestApi;
let document: { components: object; paths: object };
let doors: Door[];
let owner: Person;
let guest: Person;
let workspace_id: string;

beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  document = (await api.call(null, 'GET', '/openapi.json')).body;
  doors = doorsOf(api.app);
  [owner, guest] = [await person(backends.issuer), await person(backends.issuer)];
  await api.call(guest, 'GET', '/api/v1/me');
  workspace_id = (await api.call(owner, 'POST', '/api/v1/workspaces', { name: 'contract' })).body.id;
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
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

/** An address that is looked up nowhere and, without jobs, never written to. */
async function makeWebhook(): Promise<string> {
  const path = `/api/v1/workspaces/${workspace_id}/webhooks`;
  const made = await api.call(owner, 'POST', path, { url: 'https://93.184.216.34/' });
  expect(made.status).toBe(201);
  return made.body.id;
}

async function askGenerated(door: Door): Promise<void> {
  const canvas_id = await api.makeCanvas(owner, { title: 'contract' });
  const [block_id = ''] = await api.addBlocks(owner, canvas_id, ['one']);
  const webhook_id = door.path.includes('{webhook_id}') ? await makeWebhook() : '';
  const ids = [workspace_id, canvas_id, block_id, guest.user_id, owner.user_id];
  const known: Record<string, string> = { workspace_id, canvas_id, block_id, webhook_id, user_id: guest.user_id };

  const { parameters = [], requestBody } = door.operation;
  const path_values = fc.record(
    Object.fromEntries(
      parameters
        .filter((parameter) => parameter.in === 'path')
        .map(({ name }) => [
          name,
          fc.oneof(
            { arbitrary: fc.constant(known[name] ?? 'x'), weight: 8 },
            fc.uuid(),
            // Not a bare `..`: a URL parser takes it away with the segment before, and asks another path.
            fc.constantFrom('x', '*', '../..', 'a b', 'é'),
          ),
        ]),
    ),
  );
  const query_values = fc.record(
    Object.fromEntries(
      parameters
        .filter((parameter) => parameter.in === 'query')
        .map(({ name, schema }) => [
          name,
          fc.oneof(fromJsonSchema(document, schema, { ids, hostile: false }), fc.string()),
        ]),
    ),
    { requiredKeys: [] },
  );
  const schema = requestBody?.content['application/json']?.schema;
  const bodies = schema
    ? fc.oneof(...[false, true].map((hostile) => fromJsonSchema(document, schema, { ids, hostile })))
    : fc.constant(undefined);

  await fc.assert(
    fc.asyncProperty(path_values, query_values, bodies, async (path, query, body) => {
      const search = new URLSearchParams(
        Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
      );
      const url = `${fillPath(door.path, path)}?${search.toString()}`;
      const json: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
      const answer = await api.call(
        owner,
        door.method,
        url,
        body === undefined ? undefined : JSON.stringify(body),
        json,
      );
      expect(undeclared(door, answer)).toBe('');
      expect(answer.status).not.toBe(500);
    }),
    { numRuns: RUNS },
  );
}

describe('the OpenAPI document', () => {
  it('is 3.1 and names every operation, its tags, its security and how it refuses', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'Potentia' } });
    const names = doors.map(({ operation }) => operation.operationId);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, operation, is_public } of doors) {
      expect(operation.tags, name).toHaveLength(1);
      expect(operation.security, name).toEqual(is_public ? [] : [{ bearer: [] }]);
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
    const documented = new Set(doors.map(({ path }) => path.replaceAll(/\{(\w+)\}/g, ':$1')));
    for (const door of [
      '/api/v1/canvases',
      '/api/v1/canvases/:canvas_id/mutate',
      '/api/v1/auth/refresh',
      '/metrics',
      '/debug/echo',
    ]) {
      expect(documented).toContain(door);
    }
    expect(doors.length).toBeGreaterThanOrEqual(25);
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
    for (const door of doors) {
      try {
        await askGenerated(door);
      } catch (error) {
        throw new Error(`${door.name}: ${(error as Error).message}`, { cause: error });
      }
    }
  }, 60_000);

  it('and refuses in the declared form whoever has no token', async () => {
    for (const door of doors.filter(({ is_public }) => !is_public)) {
      const answer = await api.call(null, door.method, fillPath(door.path, {}));
      expect(undeclared(door, answer), door.name).toBe('');
      expect(answer.status).toBe(401);
    }
  });
});
