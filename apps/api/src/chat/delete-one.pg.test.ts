import { createRedis, type RedisClient } from '@potentia/domain/platform/adapters/redis';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { startGemini, type TestGemini } from '@potentia/sandbox/testing/gemini';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Person, person, startApi, type TestApi } from '../testing/api.ts';
import { caller, keysWith as keysOf, newWord, runJobs as runJobsOf, tablesWith as tablesOf } from '../testing/words.ts';

/*
 * One message, one context, one memory is deleted, into which a word that nobody else uses went by every door there is; afterwards it is
 * looked for in every column of every table, among the terms of the index, and in Redis.
 */

let backends: Backends;
let gemini: TestGemini;
let api: TestApi;
let redis: RedisClient;
let ada: Person;
let word: string;
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
  word = newWord();
});

const ok = (method: string, path: string, body?: object, headers = {}) => caller(api)(ada, method, path, body, headers);
const rows = <T extends object>(text: string, params: unknown[] = []) => backends.database.asOwner<T>(text, params);
const tables = () => tablesOf(backends, word, ada);
const keys = () => keysOf(redis, word);
const runJobs = () => runJobsOf(backends, api, ada);
const key = (name: string) => ({ 'idempotency-key': `${name}-${word}` });
const turn = (content: string, more: object = {}, headers = {}) =>
  ok('POST', '/chat/turns', { content, ...more }, headers);

/** What the models say of what is said, where the word is not to come in. */
function scriptPlain(): void {
  gemini.script({ type: 'answer', text: 'Fine.' }, { call: 'specialist' });
  gemini.script({ type: 'assess', findings: [], title: null, summary: null }, { call: 'assess' });
}

/** Every answer names all that could be cited, so that its stream tells of it. */
const citeAll = (match: string): void =>
  gemini.script({ type: 'answer', text: 'See [1] [2] [3] [4] [5] [6].' }, { call: 'specialist', match });

const finding = (content: string) => ({
  ...{ kind: 'fact', subject: 'user', attribute: 'pet', confidence: 0.9 },
  ...{ content, quote: content },
});

/** A turn as a reader gets it told again; the words of it. */
async function retold(run_id: string): Promise<string> {
  const accept = 'text/event-stream';
  return (await api.call(ada, 'GET', `/api/v1/chat/turns/${run_id}`, undefined, { accept })).text;
}

/** Nothing is left but that: tables, and keys of Redis. */
async function expectLeft(names: string[], in_redis = 0): Promise<void> {
  expect(await tables()).toEqual(names);
  expect(await keys()).toHaveLength(in_redis);
}

describe('one message', () => {
  it('takes along what was made of it, and what was told of it elsewhere', async () => {
    const said = `My pet is ${word}`;
    gemini.script(
      { type: 'judge', decision: 'new', title: `On ${word}`, confidence: 1 },
      { call: 'judge', match: said },
    );
    const calls = [
      { name: 'list_memories', args: { query: word } },
      { name: 'create_schedule', args: { nonsense: word } },
    ];
    gemini.script({ type: 'tools', calls }, { call: 'specialist', match: said, times: 1 });
    gemini.script(
      { type: 'assess', findings: [], title: `About ${word}`, summary: `They spoke of ${word}.` },
      { call: 'assess', match: said },
    );
    citeAll('Where is it written');
    scriptPlain();
    await turn('Good morning');
    const first = await turn(said, {}, key('turn'));
    await turn('And now?', { context_id: first.context_id });
    await runJobs();
    // Another conversation tells of it, and so does what was answered to a merge.
    const other = await ok('POST', '/chat/contexts', { title: 'Other' });
    const cites = await turn(`Where is it written ${word.slice(0, 2)} my pet is`, { context_id: other.id });
    expect(cites.citations).not.toEqual([]);
    const empty = await ok('POST', '/chat/contexts', { title: 'Empty' });
    const into = { into_context_id: first.context_id };
    await ok('POST', `/chat/contexts/${empty.id}/merge`, into, { 'idempotency-key': 'merge' });
    await runJobs();
    const before = await tables();
    for (const place of [
      'agent_runs',
      'chat_contexts',
      'chat_messages',
      'idempotency_keys',
      'tool_calls',
      'message_terms',
    ])
      expect(before).toContain(place);
    expect((await keys()).length).toBeGreaterThan(1);

    await ok('DELETE', `/chat/messages/${first.user_message.id}`);
    await runJobs();
    await expectLeft([]);
    expect(await retold(cites.run_id)).not.toContain(word);
    // The answer to it stays, and to be asked once more is to be told what is left.
    const { items } = await ok('GET', `/chat/contexts/${first.context_id}/messages`);
    expect(items.map(({ content }: { content: string }) => content)).toEqual(['Fine.', 'And now?', 'Fine.']);
    const again = await turn(said, {}, key('turn'));
    expect(again).toMatchObject({ run_id: first.run_id, user_message: null, tools: [] });
    await expectLeft([]);
  });

  it('leaves what was asked of the person in the answer to it, which goes with that', async () => {
    const said = `Note the name ${word}`;
    const args = { title: `Feed ${word}`, at: '2040-01-01T09:00' };
    gemini.script({ type: 'tool', name: 'set_reminder', args }, { call: 'specialist', match: said, times: 1 });
    scriptPlain();
    const first = await turn(said);
    expect(first.tools).toMatchObject([{ status: 'needs_confirmation' }]);
    await runJobs();
    await ok('DELETE', `/chat/messages/${first.user_message.id}`);
    await runJobs();
    // The answer says what waits.
    await expectLeft(['chat_messages', 'lexicon_terms', 'message_terms']);
    expect((await ok('GET', '/agent/tool-calls')).items).toEqual([]);
    await ok('DELETE', `/chat/messages/${first.message.id}`);
    await runJobs();
    await expectLeft([]);
  });

  it('an answer is in nothing that is told of its run, nor in what followed it', async () => {
    gemini.script(
      { type: 'answer', text: `It is called ${word}.` },
      { call: 'specialist', match: 'What is it called' },
    );
    const described = { title: `On ${word}`, summary: `It is ${word}.` };
    gemini.script({ type: 'assess', findings: [], ...described }, { call: 'assess', match: 'What is it called' });
    citeAll('How was that');
    scriptPlain();
    const first = await turn('What is it called?');
    await turn('Thank you', { context_id: first.context_id });
    await runJobs();
    const other = await ok('POST', '/chat/contexts', { title: 'Other' });
    expect((await turn('How was that, what is it called?', { context_id: other.id })).citations).not.toEqual([]);
    await ok('DELETE', `/chat/messages/${first.message.id}`);
    await runJobs();
    await expectLeft([]);
    const { items } = await ok('GET', `/chat/contexts/${first.context_id}/messages`);
    expect(items.map(({ content }: { content: string }) => content)).toEqual([
      'What is it called?',
      'Thank you',
      'Fine.',
    ]);
  });

  it('is in no vector of what followed it, also while nobody makes others', async () => {
    scriptPlain();
    const first = await turn(`My pet is ${word}`);
    await runJobs();
    const vectors = () =>
      rows<{ message_id: string }>('select message_id from app.message_embeddings where user_id = $1', [ada.user_id]);
    expect((await vectors()).map(({ message_id }) => message_id)).toContain(first.message.id);
    await ok('DELETE', `/chat/messages/${first.user_message.id}`);
    expect(await vectors()).toEqual([]);
    await runJobs();
    expect(await vectors()).toEqual([{ message_id: first.message.id }]);
  });

  it('is in no summary that was joined with another', async () => {
    const summary = `They spoke of ${word}.`;
    gemini.script({ type: 'assess', findings: [], title: null, summary }, { call: 'assess', match: word });
    gemini.script(
      { type: 'assess', findings: [], title: null, summary: 'Of nothing.' },
      { call: 'assess', match: 'Nothing' },
    );
    scriptPlain();
    const early = await ok('POST', '/chat/contexts', { title: 'Early' });
    const late = await ok('POST', '/chat/contexts', { title: 'Late' });
    await turn('Nothing much', { context_id: early.id });
    await runJobs();
    const said = await turn(`My pet is ${word}`, { context_id: late.id });
    await runJobs();
    const merged = await ok('POST', `/chat/contexts/${late.id}/merge`, { into_context_id: early.id }, key('merge'));
    expect(merged.summary).toContain(word);
    await ok('DELETE', `/chat/messages/${said.user_message.id}`);
    await runJobs();
    // The client's own key, for a day.
    await expectLeft(['idempotency_keys']);
    expect((await ok('GET', `/chat/contexts/${early.id}`)).summary).toBeNull();
    const again = await ok('POST', `/chat/contexts/${late.id}/merge`, { into_context_id: early.id }, key('merge'));
    expect(again).toMatchObject({ id: early.id, title: 'Early', summary: null });
  });

  it('is not brought back by an assessor who had read it', async () => {
    scriptPlain();
    const first = await turn(`My pet is ${word}`);
    await runJobs();
    gemini.clear();
    gemini.script({ type: 'answer', text: 'Fine.' }, { call: 'specialist' });
    const described = { title: `About ${word}`, summary: `They spoke of ${word}.` };
    gemini.script({ type: 'slow', ms: 500 }, { call: 'assess' });
    gemini.script({ type: 'assess', findings: [], ...described }, { call: 'assess' });
    await turn('And now?', { context_id: first.context_id });
    const assessed = runJobs();
    await expect.poll(() => gemini.requests({ call: 'assess' }).length).toBeGreaterThan(0);
    await ok('DELETE', `/chat/messages/${first.user_message.id}`);
    await assessed;
    await runJobs();
    await expectLeft([]);
  });

  it('that is being answered ends the answer, and leaves nothing of it', async () => {
    gemini.set({ chunks: 20, chunk_ms: 150 });
    const text = `Of ${word} there is much to say. `.repeat(20);
    gemini.script({ type: 'answer', text }, { call: 'specialist' });
    const answered = turn(`Tell me of ${word}`);
    await expect.poll(() => keysOf(redis, 'much to say')).toHaveLength(1);
    const { items } = await ok('GET', '/chat/messages');
    await ok('DELETE', `/chat/messages/${items[0].id}`);
    const { run_id, ...ended } = await answered;
    expect(ended).toMatchObject({ status: 'failed', message: null, user_message: null });
    await expectLeft([]);
    const [run] = await rows('select 1 from app.agent_runs where id = $1 and cancel_requested_at is not null', [
      run_id,
    ]);
    expect(run).toBeDefined();
    expect(await retold(run_id)).not.toContain(word);
  });

  it('whose answer comes to a tool only after that leaves nothing of it either', async () => {
    gemini.script({ type: 'slow', ms: 500 }, { call: 'specialist', times: 1 });
    const args = { query: word };
    gemini.script({ type: 'tool', name: 'list_memories', args }, { call: 'specialist', times: 1 });
    const answered = turn(`What of ${word}?`);
    await expect.poll(() => gemini.requests({ call: 'specialist' }).length).toBe(1);
    const { items } = await ok('GET', '/chat/messages');
    await ok('DELETE', `/chat/messages/${items[0].id}`);
    expect(await answered).toMatchObject({ status: 'failed', tools: [] });
    await expectLeft([]);
  });
});

describe('one context', () => {
  it('takes along all that was said in it, and what was told of it elsewhere', async () => {
    const said = `My pet is ${word}`;
    const calls = [
      { name: 'remember', args: { content: said } },
      { name: 'list_memories', args: { query: word } },
      { name: 'set_reminder', args: { title: `Feed ${word}`, at: '2040-01-01T09:00' } },
    ];
    gemini.script({ type: 'tools', calls }, { call: 'specialist', match: said, times: 1 });
    const described = { title: `About ${word}`, summary: `They spoke of ${word}.` };
    gemini.script({ type: 'assess', findings: [finding(said)], ...described }, { call: 'assess', match: said });
    citeAll('Where is it written');
    scriptPlain();
    const made = await ok('POST', '/chat/contexts', { title: `Plans of ${word}` }, key('create'));
    await ok('POST', '/chat/messages/import', {
      source: `from-${word}`,
      messages: [1, 2].map((n) => ({
        ...{ external_id: `${word}-${n}`, author_name: word, content: `Message ${n} of ${word}` },
        ...{ created_at: '2026-01-01T00:00:00Z', context_external_id: `c-${word}`, context_title: `Of ${word}` },
      })),
    });
    const [imported] = (await ok('GET', '/chat/contexts')).items.filter(
      ({ import_source }: { import_source: string | null }) => import_source !== null,
    );
    await turn(said, { context_id: made.id }, key('turn'));
    await turn(`And ${word}?`, { context_id: made.id });
    await runJobs();
    await ok('POST', `/chat/contexts/${imported.id}/merge`, { into_context_id: made.id }, key('merge'));
    const other = await ok('POST', '/chat/contexts', { title: 'Other' });
    expect((await turn('Where is it written that my pet is?', { context_id: other.id })).citations).not.toEqual([]);
    await runJobs();

    await ok('DELETE', `/chat/contexts/${made.id}`);
    await runJobs();
    // What was remembered stays, without the quote; and the client's own keys, for a day.
    const left = await tables();
    expect(left.filter((name) => !name.startsWith('user_'))).toEqual(['idempotency_keys']);
    expect(await keys()).toEqual([]);
    const { items } = await ok('GET', '/memories');
    expect(items.length).toBeGreaterThan(0);
    for (const { quote, source_message_id } of items) expect([quote, source_message_id]).toEqual([null, null]);
    const [told] = await rows<{ told: number }>(
      `select count(*)::int as told from app.idempotency_keys k where k.user_id = $1 and k.result::text like $2`,
      [ada.user_id, `%${word}%`],
    );
    expect(told?.told).toBe(0);
    const hashes = await rows(
      `select s.id from app.agent_steps s join app.agent_runs r on r.id = s.run_id
       where s.user_id = $1 and r.user_message_id is null and (s.input_hash is not null or r.request_hash <> '')`,
      [ada.user_id],
    );
    expect(hashes).toEqual([]);
    // Made again under its key it is what it was, without its words.
    const again = await ok('POST', '/chat/contexts', { title: `Plans of ${word}` }, key('create'));
    expect(again).toMatchObject({ id: made.id, title: 'Untitled' });

    for (const { id } of items) await ok('DELETE', `/memories/${id}`);
    await expectLeft(['idempotency_keys']);
  });

  it('into which a merge had moved a part takes along the runs of that', async () => {
    const args = { query: word };
    gemini.script({ type: 'tool', name: 'list_memories', args }, { call: 'specialist', match: word, times: 1 });
    scriptPlain();
    const from = await ok('POST', '/chat/contexts', { title: 'From' });
    const into = await ok('POST', '/chat/contexts', { title: 'Into' });
    await turn(`My pet is ${word}`, { context_id: from.id });
    await runJobs();
    await rows('select app.move_messages($1, $2, $3, 1)', [ada.user_id, from.id, into.id]);
    await ok('DELETE', `/chat/contexts/${into.id}`);
    await runJobs();
    await expectLeft([]);
  });
});

describe('one memory', () => {
  it('made by hand, changed and superseded, takes along its history and what tools and answers told of it', async () => {
    gemini.script(
      { type: 'tool', name: 'list_memories', args: {} },
      { call: 'specialist', match: 'What do you know', times: 1 },
    );
    citeAll('What do you know');
    citeAll('Who am I');
    scriptPlain();
    const style = { kind: 'rule', attribute: 'style' };
    await ok('POST', '/memories', { ...style, content: `Be ${word}` }, key('rule'));
    const rule = await ok('POST', '/memories', { ...style, content: `Be always ${word}` });
    const known = await ok('POST', '/memories', { content: `I am ${word}` }, key('memory'));
    const { id } = known.memory;
    await turn('What do you know of me?');
    await ok('PATCH', `/memories/${id}`, { content: `I am indeed ${word}`, version: 1 });
    const cites = await turn('Who am I?');
    expect(cites.citations).not.toEqual([]);
    await runJobs();
    expect(await tables()).toEqual(
      expect.arrayContaining(['tool_calls', 'user_preferences', 'user_semantic_memories']),
    );
    expect((await keys()).length).toBeGreaterThan(0);
    await ok('DELETE', `/memories/${id}`);
    await ok('DELETE', `/memories/${rule.memory.id}`);
    await runJobs();
    await expectLeft(['idempotency_keys']);
    expect(await retold(cites.run_id)).not.toContain(word);
    expect(await rows('select 1 from app.memory_embeddings where user_id = $1', [ada.user_id])).toEqual([]);
  });

  it('that was found in what was said leaves what was said, and goes from what tools were asked', async () => {
    const said = `My pet is ${word}`;
    const calls = [
      { name: 'remember', args: { content: said } },
      { name: 'remember', args: { kind: 'nonsense', content: said } },
    ];
    gemini.script({ type: 'tools', calls }, { call: 'specialist', match: said, times: 1 });
    gemini.script({ type: 'assess', findings: [finding(said)] }, { call: 'assess', match: said });
    gemini.script(
      { type: 'tool', name: 'list_memories', args: { query: word } },
      { call: 'specialist', match: 'Which pet', times: 1 },
    );
    scriptPlain();
    await turn(said);
    await turn('Which pet?');
    await runJobs();
    const { items } = await ok('GET', '/memories');
    expect(items.length).toBeGreaterThan(0);
    for (const { id } of items) await ok('DELETE', `/memories/${id}`);
    await runJobs();
    // With the title that was taken from it.
    await expectLeft(['agent_runs', 'chat_contexts', 'chat_messages', 'lexicon_terms', 'message_terms']);
    const calls_left = (await ok('GET', '/agent/tool-calls')).items;
    expect(calls_left).toHaveLength(3);
    expect(JSON.stringify(calls_left)).not.toContain(word);
  });

  it.each([
    ['by the person', (id: string) => ok('POST', `/agent/tool-calls/${id}/undo`)],
    [
      'by a turn',
      async () => {
        gemini.script({ type: 'tool', name: 'undo', args: {} }, { call: 'specialist', match: 'Undo that', times: 1 });
        scriptPlain();
        const { active_context_id } = await ok('GET', '/chat/settings');
        expect((await turn('Undo that', { context_id: active_context_id })).tools).toMatchObject([{ status: 'done' }]);
      },
    ],
  ])('that a tool had made and that is undone %s is in no call', async (_by, undo) => {
    const said = `Please remember that my pet is ${word}`;
    const args = { content: `my pet is ${word}` };
    gemini.script({ type: 'tool', name: 'remember', args }, { call: 'specialist', match: said, times: 1 });
    gemini.script({ type: 'answer', text: 'Fine.' }, { call: 'specialist', match: said });
    const { tools } = await turn(said);
    expect(tools).toMatchObject([{ name: 'remember', status: 'done' }]);
    await undo(tools[0].tool_call_id);
    expect((await ok('GET', '/memories')).items).toEqual([]);
    const calls = (await ok('GET', '/agent/tool-calls')).items;
    expect(calls.at(-1)).toMatchObject({ name: 'remember', undone_at: expect.any(String) });
    expect(JSON.stringify(calls)).not.toContain(word);
  });

  it('that a turn forgets, or was asked to forget, is in no call; the model is told what it was', async () => {
    await ok('POST', '/memories', { content: `My pet is ${word}` });
    const kept = await ok('POST', '/memories', { content: 'My car is blue' });
    const { items } = await ok('GET', '/memories');
    const memory_ids = items.map(({ id }: { id: string }) => id);
    gemini.script(
      { type: 'tool', name: 'forget', args: { memory_ids } },
      { call: 'specialist', match: 'Tidy up', times: 1 },
    );
    gemini.script(
      { type: 'tool', name: 'forget', args: { query: 'pet' } },
      { call: 'specialist', match: 'Forget my pet', times: 1 },
    );
    scriptPlain();
    const asked = await turn('Tidy up');
    expect(asked.tools).toMatchObject([{ status: 'needs_confirmation' }]);
    const done = await turn('Forget my pet');
    expect(done.tools).toMatchObject([{ status: 'done', summary: 'Forget what was remembered' }]);
    const [last] = gemini.requests({ call: 'specialist' }).slice(-1);
    expect(JSON.stringify(last)).toContain(`My pet is ${word}`);
    const calls = (await ok('GET', '/agent/tool-calls')).items;
    expect(calls.map(({ status }: { status: string }) => status)).toEqual(['done', 'expired']);
    expect(JSON.stringify(calls)).not.toContain(word);
    expect((await ok('GET', '/memories')).items).toMatchObject([{ id: kept.memory.id }]);
    // What was asked of the person stands in the answer.
    await ok('DELETE', `/chat/messages/${asked.message.id}`);
    await runJobs();
    await expectLeft([]);
  });

  it('that is corrected leaves nothing of what it said in calls', async () => {
    const said = `Please remember that my pet is ${word}`;
    const args = { content: `my pet is ${word}` };
    gemini.script({ type: 'tool', name: 'remember', args }, { call: 'specialist', match: said, times: 1 });
    gemini.script({ type: 'answer', text: 'Fine.' }, { call: 'specialist' });
    await turn(said);
    const { items } = await ok('GET', '/memories');
    await ok('PATCH', `/memories/${items[0].id}`, { content: 'My pet is a cat', version: 1 });
    expect(await tables()).not.toContain('tool_calls');
  });

  it('all of them at once as each', async () => {
    gemini.script(
      { type: 'tool', name: 'list_memories', args: {} },
      { call: 'specialist', match: 'What do you know', times: 1 },
    );
    citeAll('What do you know');
    await ok('POST', '/memories', { content: `I am ${word}` });
    await turn('What do you know of me?');
    await ok('DELETE', '/memories');
    await runJobs();
    await expectLeft([]);
  });
});
