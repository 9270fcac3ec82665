import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
let owner: Person;
let canvas: string;

beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  owner = await person(backends.issuer);
  canvas = `/api/v1/canvases/${await api.makeCanvas(owner)}`;
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

const importText = (text: string) =>
  api.call(owner, 'POST', `${canvas}/import`, text, { 'content-type': 'text/markdown' });

it('answers others while a hostile document is parsed, and refuses that with 400', async () => {
  let parsing = true;
  const refused = importText('[a](b'.repeat(30_000)).finally(() => (parsing = false));
  for (let i = 0; i < 20; i += 1) expect((await api.call(owner, 'GET', canvas)).status).toBe(200);
  expect(parsing).toBe(true);
  expect(await refused).toMatchObject({ status: 400, body: { code: 'canvas.import_refused' } });
});

it('refuses with 503 what comes while every process is taken, and imports again after', async () => {
  const answers = await Promise.all(Array.from({ length: 24 }, () => importText('[a](b'.repeat(30_000))));
  const busy = answers.filter(({ status }) => status === 503);
  expect(answers.filter(({ status }) => status === 400).length).toBeGreaterThan(0);
  expect(busy.length).toBeGreaterThan(0);
  for (const { body } of busy) expect(body).toMatchObject({ code: 'canvas.markdown_busy', retry_after_ms: 1_000 });
  expect((await importText('# again')).status).toBe(201);
  expect((await api.call(owner, 'GET', `${canvas}/export`)).text).toBe('# again\n');
});
