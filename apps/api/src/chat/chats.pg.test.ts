import { indexMessages } from '@potentia/domain/chat/index-subjects';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Person, person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

const CONTEXTS = '/api/v1/chat/contexts';
const MESSAGES = '/api/v1/chat/messages';
const message = (n: number, content = `words ${n}`) => ({
  external_id: `m${n}`,
  content,
  created_at: `2026-03-01T09:${String(n % 60).padStart(2, '0')}:00Z`,
});
const bring = (who: Person, messages: object[]) => api.call(who, 'POST', `${MESSAGES}/import`, { messages });
const newPerson = (): Promise<Person> => person(backends.issuer);
/** What the job does. */
async function index(who: Person): Promise<void> {
  const rows = await backends.database.asOwner<{ id: string }>('select id from app.chat_messages where user_id = $1', [
    who.user_id,
  ]);
  await indexMessages(
    backends.database.job_db,
    rows.map(({ id }) => id),
  );
  await backends.database.asOwner('delete from app.embedding_queue where user_id = $1', [who.user_id]);
}

describe('a history that is imported', () => {
  it('is found by its words and told by its status before anybody has said anything', async () => {
    const who = await newPerson();
    const { status, body } = await bring(who, [
      message(1, 'My flight to Makassar leaves at dawn'),
      message(2, 'Kucing saya bernama Milo dan suka ikan'),
    ]);
    expect([status, body.imported]).toEqual([200, 2]);
    const before = await api.call(who, 'GET', `${MESSAGES}/import/status`);
    expect(before.body).toMatchObject({ imported: 2, pending: 2, state: 'indexing' });
    await index(who);
    const after = await api.call(who, 'GET', `${MESSAGES}/import/status`);
    expect(after.body).toMatchObject({ imported: 2, indexed: 2, pending: 0, state: 'idle' });
    const found = await api.call(who, 'POST', '/api/v1/memory/search', {
      query: 'when does my flight leave?',
      limit: 5,
    });
    expect(found.body.results[0]).toMatchObject({ external_id: 'm1', content: 'My flight to Makassar leaves at dawn' });
    const theirs = await api.call(await newPerson(), 'POST', '/api/v1/memory/search', { query: 'flight', limit: 5 });
    expect(theirs.body.results).toEqual([]);
  });

  it('is counted for operators by what became of each message', async () => {
    const counts = async (): Promise<number[]> => {
      const metric = api.context.health.registry.getSingleMetric('potentia_chat_imported_messages_total');
      const { values = [] } = (await metric?.get()) ?? {};
      return ['imported', 'duplicate', 'conflict'].map(
        (outcome) => values.find(({ labels }) => labels['outcome'] === outcome)?.value ?? 0,
      );
    };
    const who = await newPerson();
    const before = await counts();
    await bring(who, [message(1), message(2)]);
    await bring(who, [message(1), message(2, 'something else'), message(3)]);
    expect((await counts()).map((count, at) => count - (before[at] ?? 0))).toEqual([3, 1, 1]);
  });

  it('may be big in one request, and is refused when it is too big', async () => {
    const who = await newPerson();
    const long = 'x'.repeat(31_000);
    const big = await bring(
      who,
      Array.from({ length: 200 }, (_, n) => message(n, long)),
    );
    expect([big.status, big.body.imported]).toEqual([200, 200]);
    const too_big = await bring(
      who,
      Array.from({ length: 300 }, (_, n) => message(n, long)),
    );
    expect([too_big.status, too_big.body.code]).toEqual([413, expect.any(String)]);
    const too_many = await bring(
      who,
      Array.from({ length: 1_001 }, (_, n) => message(n)),
    );
    expect(too_many.body.errors).toMatchObject([{ pointer: '/messages' }]);
    // Every other route keeps its limit.
    expect((await api.call(who, 'POST', CONTEXTS, { title: 'x'.repeat(2_000_000) })).status).toBe(413);
  });

  it('is refused with the name of each field that is wrong', async () => {
    const who = await newPerson();
    const { status, body } = await bring(who, [
      { ...message(1), content: ' ' },
      { ...message(2), created_at: 'yesterday' },
      { ...message(3), mood: 'good' },
      { ...message(4), role: 'system' },
      { content: 'nameless', created_at: '2026-03-01T09:00:00Z' },
    ]);
    expect(status).toBe(400);
    expect(body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      '/messages/0/content',
      '/messages/1/created_at',
      '/messages/2/mood',
      '/messages/3/role',
      '/messages/4/external_id',
    ]);
    const future = await bring(who, [message(1), { ...message(2), created_at: '2999-01-01T00:00:00Z' }]);
    expect(future.body.errors).toEqual([{ pointer: '/messages/1/created_at', message: 'In the future' }]);
  });
});

describe('a context', () => {
  it('is changed only at the version that the caller holds', async () => {
    const who = await newPerson();
    const made = await api.call(who, 'POST', CONTEXTS, { title: 'One' });
    expect([made.status, made.headers.etag, made.headers.location]).toEqual([
      201,
      '"1"',
      `${CONTEXTS}/${made.body.id}`,
    ]);
    const path = `${CONTEXTS}/${made.body.id}`;
    expect((await api.call(who, 'PATCH', path, { title: 'Two' }, { 'if-match': '"1"' })).headers.etag).toBe('"2"');
    const stale = await api.call(who, 'PATCH', path, { title: 'Three' }, { 'if-match': '"1"' });
    expect([stale.status, stale.body.code, stale.body.current.title]).toEqual([412, 'chat.version_conflict', 'Two']);
    const into_itself = await api.call(who, 'POST', `${path}/merge`, { into_context_id: made.body.id });
    expect([into_itself.status, into_itself.body.errors[0].pointer]).toEqual([400, '/into_context_id']);
  });

  it('is not for API keys, nor for nobody', async () => {
    const who = await newPerson();
    const workspace = await api.call(who, 'POST', '/api/v1/workspaces', { name: 'Acme' });
    const scopes = ['canvas:write', 'workspace:admin'];
    const path = `/api/v1/workspaces/${workspace.body.id}/api-keys`;
    const key = await api.call(who, 'POST', path, { name: 'key', scopes });
    const as_key = { ...who, token: key.body.key ?? key.body.secret ?? key.body.token };
    for (const asked of [
      CONTEXTS,
      MESSAGES,
      '/api/v1/chat/export',
      '/api/v1/chat/settings',
      `${MESSAGES}/import/status`,
    ]) {
      expect((await api.call(as_key, 'GET', asked)).body.code).toBe('api_key.scope_missing');
      expect((await api.call(null, 'GET', asked)).status).toBe(401);
    }
  });
});

it('an export is one line for each context and message, and what the import takes', async () => {
  const who = await newPerson();
  await bring(
    who,
    Array.from({ length: 500 }, (_, n) => message(n)),
  );
  const { status, headers, text } = await api.call(who, 'GET', '/api/v1/chat/export');
  expect([status, headers['content-type']]).toEqual([200, 'application/x-ndjson; charset=utf-8']);
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.filter(({ type }) => type === 'context')).toHaveLength(1);
  const messages = lines.flatMap((line) => (line.type === 'message' ? [line.message] : []));
  const other = await newPerson();
  expect((await bring(other, messages)).body).toMatchObject({ imported: 500, duplicates: 0, conflicts: [] });
  const list = await api.call(other, 'GET', `${MESSAGES}?limit=200&order=desc`);
  expect(list.body.items[0].content).toBe(messages.at(-1).content);
  expect((await api.call(await newPerson(), 'GET', '/api/v1/chat/export')).text).toBe('');
});
