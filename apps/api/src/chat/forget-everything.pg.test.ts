import { randomUUID } from 'node:crypto';
import { seedMessage } from '@potentia/db/testing/seed-chat';
import { type ForgetCtx, forgetRest } from '@potentia/domain/chat/forget-everything';
import { indexBatch } from '@potentia/domain/chat/index-batch';
import { createRedis, type RedisClient } from '@potentia/domain/platform/adapters/redis';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { personCtx } from '@potentia/domain/platform/testing/person';
import { startGemini, type TestGemini } from '@potentia/sandbox/testing/gemini';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Person, person, startApi, type TestApi } from '../testing/api.ts';
import {
  caller,
  jobCtxOf,
  keysWith as keysOf,
  newWord,
  runJobs as runJobsOf,
  tablesWith as tablesOf,
} from '../testing/words.ts';

/*
 * A word that nobody else uses goes in by every door there is; afterwards it is looked for in every column of every table, among the
 * terms of the index, and in Redis.
 */

const CONFIRM = { confirm: 'forget everything' };
const FORGET = '/api/v1/memory/forget-everything';

let backends: Backends;
let gemini: TestGemini;
let api: TestApi;
let redis: RedisClient;
let ada: Person;
beforeAll(async () => {
  [backends, gemini] = await Promise.all([startBackends(), startGemini()]);
  api = await startApi(backends, gemini.env);
  redis = createRedis({ url: backends.redis.url, timeout_ms: 1_000, role: 'queue' });
});
afterAll(async () => {
  redis?.disconnect();
  await api?.[Symbol.asyncDispose]();
  await Promise.all([gemini?.[Symbol.asyncDispose](), backends?.[Symbol.asyncDispose]()]);
});
beforeEach(async () => {
  gemini.clear();
  ada = await person(backends.issuer);
});

const ok: ReturnType<typeof caller> = (...request) => caller(api)(...request);
const rows = <T extends object>(text: string, params: unknown[] = []) => backends.database.asOwner<T>(text, params);
const forgetCtx = (who: Person): ForgetCtx => ({
  ...personCtx(backends.database.db, who.user_id),
  run_eraser: api.context.run_eraser,
});
const runJobs = (who: Person) => runJobsOf(backends, api, who);
const tablesWith = (word: string, who: Person) => tablesOf(backends, word, who);
const keysWith = (word: string) => keysOf(redis, word);

/** By chat, in a title, by import, by hand, by tool, by what was found in a turn, by each in other places of the ledger. */
async function plant(word: string, who: Person): Promise<void> {
  gemini.script(
    { type: 'tool', name: 'remember', args: { content: `remember ${word} tool` } },
    { match: `remember ${word}`, call: 'specialist', times: 1 },
  );
  const finding = {
    kind: 'fact',
    subject: 'user',
    attribute: 'pet',
    content: `My pet is ${word}`,
    quote: `My pet is ${word}`,
  };
  gemini.script(
    {
      type: 'assess',
      findings: [{ ...finding, confidence: 0.9 }],
      title: `About ${word}`,
      summary: `They spoke of ${word}.`,
    },
    { match: `My pet is ${word}` },
  );
  await ok(who, 'POST', '/chat/turns', { content: `My pet is ${word}` }, { 'idempotency-key': `key-${word}` });
  await ok(who, 'POST', '/chat/turns', { content: `Please remember ${word} tool` });
  await ok(who, 'POST', '/chat/contexts', { title: `Plans of ${word}` });
  await ok(who, 'POST', '/chat/messages/import', {
    source: `from ${word}`,
    messages: [1, 2, 3].map((n) => ({
      ...{
        external_id: `${word}-${n}`,
        author_name: word,
        content: `Message ${n} of ${word}`,
        created_at: '2026-01-01T00:00:00Z',
      },
      ...{ context_external_id: `c-${word}`, context_title: `Import of ${word}` },
    })),
  });
  await ok(who, 'POST', '/memories', { content: `I know ${word}` }, { 'idempotency-key': randomUUID() });
  await ok(who, 'POST', '/memories', { kind: 'rule', attribute: word, content: 'Be brief' });
  await runJobs(who);
  await ok(who, 'POST', '/memory/search', { query: word });
}

describe('a word that went in by every door', () => {
  it('is nowhere afterwards; what it took still counts, and nobody else has lost anything', async () => {
    const word = newWord();
    const theirs = newWord();
    const bob = await person(backends.issuer);
    await plant(word, ada);
    await plant(theirs, bob);
    const places = await tablesWith(word, ada);
    for (const place of ['chat_contexts', 'chat_messages', 'message_terms', 'lexicon_terms', 'user_preferences'])
      expect(places).toContain(place);
    expect(places).toContain('user_semantic_memories');
    expect(places).toContain('tool_calls');
    expect(places).toContain('agent_runs');
    expect((await keysWith(word)).length).toBeGreaterThan(0);
    const at_bob = await tablesWith(theirs, bob);
    const usage = await ok(ada, 'GET', '/usage');

    const answer = await api.call(ada, 'POST', FORGET, CONFIRM);
    expect([answer.status, answer.body.state]).toEqual([200, 'done']);
    expect(answer.body.deleted).toMatchObject({ messages: 7, runs: 2 });

    expect(await tablesWith(word, ada)).toEqual([]);
    expect(await keysWith(word)).toEqual([]);
    const left = await rows<{ name: string }>(
      `select 'message_embeddings' as name from app.message_embeddings where user_id = $1
       union select 'memory_embeddings' from app.memory_embeddings where user_id = $1
       union select 'embedding_queue' from app.embedding_queue where user_id = $1
       union select 'lexicons' from app.lexicons where owner_id = $1
       union select 'context_items' from app.context_items where user_id = $1
       union select 'agent_steps' from app.agent_steps where user_id = $1 and (input_hash is not null or run_id is not null)`,
      [ada.user_id],
    );
    expect(left).toEqual([]);
    const kept = await rows<{ kind: string }>(
      `select 'event ' || type as kind from app.user_events where user_id = $1 and app.is_told_of_chat(type) and payload <> '{}'
         and type <> 'memory.forgotten'
       union select 'key ' || operation from app.idempotency_keys where user_id = $1 and app.is_told_of_chat(operation)`,
      [ada.user_id],
    );
    expect(kept).toEqual([]);
    expect(await ok(ada, 'GET', '/usage')).toEqual(usage);
    expect(await tablesWith(theirs, bob)).toEqual(at_bob);
    for (const path of ['/chat/contexts', '/chat/messages', '/memories', '/agent/runs', '/agent/tool-calls'])
      expect(((await ok(ada, 'GET', path)) as { items: unknown[] }).items).toEqual([]);
  });

  it('asks for the very words, and is the own person alone', async () => {
    await ok(ada, 'GET', '/me');
    expect((await api.call(ada, 'POST', FORGET, {})).status).toBe(400);
    expect((await api.call(ada, 'POST', FORGET, { confirm: 'yes' })).body.errors).toMatchObject([
      { pointer: '/confirm' },
    ]);
    expect((await api.call(null, 'POST', FORGET, CONFIRM)).status).toBe(401);
  });
});

it('what is said afterwards stays, in a context that no longer says what it was about, and is found', async () => {
  const [before, after] = [newWord(), newWord()];
  const first = await ok(ada, 'POST', '/chat/turns', { content: `About ${before}` });
  await runJobs(ada);
  const cut = new Date().toISOString();
  const context = { context_id: first.context_id as string, user_id: ada.user_id };
  await seedMessage(backends.database.db, context, { content: `About ${after}` });
  await forgetRest(forgetCtx(ada), { before: cut });
  await runJobs(ada);
  expect(await tablesWith(before, ada)).toEqual([]);
  const { items } = await ok(ada, 'GET', '/chat/messages');
  expect(items.filter(({ role }: { role: string }) => role === 'user')).toMatchObject([{ content: `About ${after}` }]);
  expect((await ok(ada, 'POST', '/memory/search', { query: after })).results.length).toBeGreaterThan(0);
  const [count] = await rows<{ same: boolean }>(
    `select l.documents = (select count(*) from app.message_terms t where t.user_id = l.owner_id) as same
     from app.lexicons l where l.owner_id = $1`,
    [ada.user_id],
  );
  expect(count).toEqual({ same: true });
});

it('a message that is deleted is in no title any more, nor in what other runs were told of it', async () => {
  const word = newWord();
  gemini.script({ type: 'answer', text: 'Fine.' }, { call: 'specialist' });
  const first = await ok(ada, 'POST', '/chat/turns', { content: `My cat is ${word}` });
  await ok(ada, 'POST', '/chat/turns', { content: 'And now?', context_id: first.context_id });
  await ok(ada, 'POST', '/chat/turns', { content: `Of ${word}`, context_id: first.context_id });
  await runJobs(ada);
  const { items } = await ok(ada, 'GET', `/chat/contexts/${first.context_id}/messages`);
  for (const { id, content } of items as { id: string; content: string }[])
    if (content.includes(word)) await ok(ada, 'DELETE', `/chat/messages/${id}`);
  // Its neighbours are indexed anew.
  await runJobs(ada);
  expect(await tablesWith(word, ada)).toEqual([]);
  expect(await keysWith(word)).toEqual([]);
});

it('what is taken since from what was said before goes too, and a name that was given since stays', async () => {
  const [word, name] = [newWord(), newWord()];
  const first = await ok(ada, 'POST', '/chat/turns', { content: `My cat is ${word}` });
  const other = await ok(ada, 'POST', '/chat/contexts', { title: `About ${word}` });
  const cut = new Date().toISOString();
  const finding = { kind: 'fact', subject: 'user', attribute: 'pet', confidence: 0.9 };
  const words = { content: `My cat is ${word}`, quote: `My cat is ${word}` };
  gemini.script({ type: 'assess', findings: [{ ...finding, ...words }], title: `Of ${word}`, summary: `Of ${word}.` });
  await runJobs(ada);
  const after = { content: 'Something else' };
  await seedMessage(backends.database.db, { context_id: first.context_id, user_id: ada.user_id }, after);
  await seedMessage(backends.database.db, { context_id: other.id, user_id: ada.user_id }, after);
  await rows('update app.chat_contexts set summary = $2 where id = $1', [other.id, `Of ${word}`]);
  await ok(ada, 'PATCH', `/chat/contexts/${other.id}`, { title: name });
  expect(await tablesWith(word, ada)).toEqual(expect.arrayContaining(['user_preferences', 'chat_contexts']));
  for (let slice = 0; slice < 5; slice++) await forgetRest(forgetCtx(ada), { before: cut });
  await rows(`delete from app.outbox where user_id = $1`, [ada.user_id]);
  expect(await tablesWith(word, ada)).toEqual([]);
  const { items } = await ok(ada, 'GET', '/chat/contexts');
  expect(items.map(({ title }: { title: string }) => title).toSorted()).toEqual(['Untitled', name].toSorted());
});

it('a large history is forgotten in slices, and a job that dies in between goes on where it was', async () => {
  const word = newWord();
  await ok(ada, 'GET', '/me');
  for (let batch = 0; batch < 3; batch++)
    await ok(ada, 'POST', '/chat/messages/import', {
      source: 's',
      messages: Array.from({ length: 500 }, (_, n) => ({
        ...{
          external_id: `${batch}-${n}`,
          content: `${word} ${batch} ${n}`,
          created_at: new Date(n * 6e4).toISOString(),
        },
        ...{ context_external_id: 'c' },
      })),
    });
  while ((await indexBatch(jobCtxOf(backends, api))) > 0);
  const before = new Date(Date.now() + 1_000).toISOString();
  const dies = forgetCtx(ada);
  let slices = 0;
  const away: ForgetCtx = { ...dies, run_eraser: { erase: () => Promise.resolve(++slices < 3) } };
  await expect(forgetRest(away, { before })).rejects.toMatchObject({ kind: 'unavailable' });
  const [half] = await rows<{ n: string }>('select count(*) as n from app.chat_messages where user_id = $1', [
    ada.user_id,
  ]);
  expect(Number(half?.n)).toBe(1_100);
  await Promise.all([forgetRest(dies, { before }), forgetRest(dies, { before })]);
  expect(await tablesWith(word, ada)).toEqual([]);
  const told = await rows(`select 1 from app.outbox where user_id = $1 and payload ->> 'type' = 'memory.forgotten'`, [
    ada.user_id,
  ]);
  expect(told).toHaveLength(1);
}, 60_000);

it('a turn that runs is told to stop, and is forgotten when it has', async () => {
  const word = newWord();
  gemini.script({ type: 'slow', ms: 1_200 }, { call: 'specialist' });
  const turn = api.call(ada, 'POST', '/api/v1/chat/turns', { content: `About ${word}` });
  await expect.poll(() => tablesWith(word, ada)).toContain('chat_messages');
  const answer = await api.call(ada, 'POST', FORGET, CONFIRM);
  expect([answer.status, answer.body.state]).toEqual([202, 'running']);
  await turn;
  const [job] = await rows<{ payload: { before: string } }>(
    `select payload from app.outbox where topic = 'memory.forget' and user_id = $1`,
    [ada.user_id],
  );
  await expect
    .poll(
      () =>
        forgetRest(forgetCtx(ada), { before: job?.payload.before ?? '' }).then(
          () => 'done',
          () => 'waits',
        ),
      {
        timeout: 15_000,
      },
    )
    .toBe('done');
  expect(await tablesWith(word, ada)).toEqual([]);
  expect(await keysWith(word)).toEqual([]);
}, 30_000);
