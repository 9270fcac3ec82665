import { seedContext, seedMessage } from '@potentia/db/testing/seed-chat';
import { indexMessages } from '@potentia/domain/chat/index-subjects';
import { memorySearch } from '@potentia/domain/chat/search-schemas';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
let owner: Person;
let stranger: Person;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  [owner, stranger] = [await person(backends.issuer), await person(backends.issuer)];
  for (const who of [owner, stranger]) await api.call(who, 'GET', '/api/v1/me');
  const { db, job_db } = backends.database;
  const context = await seedContext(db, owner);
  const more = { source: 'import', import_source: 'x', external_id: 'turn-7' } as const;
  const { message_id } = await seedMessage(db, context, { content: 'I went to the pottery class', ...more });
  await indexMessages(job_db, [message_id]);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

const search = (who: Person | null, body: object) => api.call(who, 'POST', '/api/v1/memory/search', body);

test('one finds what one said, with what it is called where it came from, and nobody else finds it', async () => {
  const { status, body } = await search(owner, { query: 'Which classes do I go to?', limit: 5 });
  expect(status).toBe(200);
  const { results, language, vectors } = memorySearch.parse(body);
  expect(results).toMatchObject([
    { external_id: 'turn-7', content: 'I went to the pottery class', legs: { vector: null } },
  ]);
  expect(results[0]?.legs.lexical).toBeGreaterThan(0);
  expect([language, vectors]).toEqual(['en', 'off']);
  expect((await search(stranger, { query: 'pottery class' })).body).toMatchObject({ results: [] });
  expect((await search(null, { query: 'pottery class' })).status).toBe(401);
});

test.each([
  [{}, '/query'],
  [{ query: 'x', limit: 0 }, '/limit'],
  [{ query: 'x', user_id: 'x' }, '/user_id'],
])('%j is refused by the field', async (input, pointer) => {
  const { status, body } = await search(owner, input);
  expect([status, body.errors[0].pointer]).toEqual([400, pointer]);
});
