import { randomUUID } from 'node:crypto';
import { addMember, seedWorkspace } from '@potentia/db/testing/seed';
import { seedRolePrompt } from '@potentia/db/testing/seed-chat';
import { createRedis, type RedisClient } from '@potentia/domain/platform/adapters/redis';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { startGemini, type TestGemini } from '@potentia/sandbox/testing/gemini';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Person, person, startApi, type TestApi } from '../testing/api.ts';
import { listen, openTurn, type OpenTurn } from '../testing/turns.ts';

const TURNS = '/api/v1/chat/turns';

let backends: Backends;
let gemini: TestGemini;
let api: TestApi;
let other: TestApi;
let url: string;
let other_url: string;
let ada: Person;
let redis: RedisClient;

beforeAll(async () => {
  [backends, gemini] = await Promise.all([startBackends(), startGemini()]);
  [api, other] = await Promise.all([startApi(backends, gemini.env), startApi(backends, gemini.env)]);
  redis = createRedis({ url: backends.redis.url, timeout_ms: 1_000, role: 'queue' });
  [url, other_url] = await Promise.all([listen(api), listen(other)]);
});
afterAll(async () => {
  redis?.disconnect();
  await Promise.all([api?.[Symbol.asyncDispose](), other?.[Symbol.asyncDispose]()]);
  await Promise.all([gemini?.[Symbol.asyncDispose](), backends?.[Symbol.asyncDispose]()]);
});
beforeEach(async () => {
  ada = await person(backends.issuer);
});

const say = (content: string, body: object = {}, headers: Record<string, string> = {}, who = ada, at = url) =>
  openTurn(`${at}${TURNS}`, who, { content, ...body }, headers);
const ask = (content: string, body: object = {}, headers: Record<string, string> = {}, who = ada) =>
  api.call(who, 'POST', TURNS, { content, ...body }, headers);
const types = ({ events }: OpenTurn): string[] => [...new Set(events.map(({ type }) => type))];
const key = () => ({ 'idempotency-key': randomUUID() });
const rows = <T>(text: string, params: unknown[]): Promise<T[]> => backends.database.asOwner<T & object>(text, params);
const messages = (who = ada) =>
  rows<{ role: string; content: string; context_id: string; finish_reason: string | null }>(
    'select role, content, context_id, finish_reason from app.chat_messages where user_id = $1 order by seq',
    [who.user_id],
  );
const runs = (who = ada) =>
  rows<{ id: string; status: string; attempt: number; error_code: string | null }>(
    'select id, status, attempt, error_code from app.agent_runs where user_id = $1 order by started_at',
    [who.user_id],
  );
/** What the ledger's settled steps come to, and what is metered for them. They are to be the same. */
const spent = async (who = ada) => {
  const [ledger] = await rows(
    `select coalesce(sum(prompt_tokens + output_tokens + thought_tokens), 0)::int as tokens, coalesce(sum(cost_micros), 0)::int as cost
     from app.agent_steps where user_id = $1 and outcome <> 'running'`,
    [who.user_id],
  );
  const [metered] = await rows(
    `select coalesce(sum(prompt_tokens + output_tokens + thought_tokens), 0)::int as tokens, coalesce(sum(cost_micros), 0)::int as cost
     from app.usage_metrics m join app.workspaces w on w.id = m.workspace_id where w.owner_user_id = $1`,
    [who.user_id],
  );
  const [held] = await rows<{ held: number }>(
    `select coalesce(sum(reserved_tokens), 0)::int as held
     from app.usage_budgets b join app.workspaces w on w.id = b.workspace_id where w.owner_user_id = $1`,
    [who.user_id],
  );
  expect(metered).toEqual(ledger);
  return { ...(ledger as { tokens: number; cost: number }), held: held?.held };
};

describe('a turn', () => {
  it('streams run, judge, text and done, in this order, numbered from 1, and stores both sides', async () => {
    const turn = await say('Hello there, what is a lexicon?');
    await turn.ended;
    expect(turn.status).toBe(200);
    expect(turn.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(types(turn)).toEqual(['run', 'judge', 'delta', 'done']);
    expect(turn.events.map(({ index }) => index)).toEqual(turn.events.map((_, at) => at + 1));
    expect(turn.events[0]).toMatchObject({ type: 'run', provider: 'gemini', replayed: false });
    expect(turn.events[1]).toMatchObject({ type: 'judge', decision: 'new', by: 'model', confidence: 0.8 });
    const done = await turn.find('done');
    expect(done).toMatchObject({ finish_reason: 'stop', usage: { prompt_tokens: expect.any(Number) } });
    expect(await messages()).toMatchObject([
      { role: 'user', content: 'Hello there, what is a lexicon?', context_id: done.context_id },
      { role: 'assistant', content: turn.text(), context_id: done.context_id, finish_reason: null },
    ]);
    const { tokens, cost, held } = await spent();
    expect(held).toBe(0);
    expect(tokens).toBe(done.usage.prompt_tokens + done.usage.output_tokens + done.usage.thought_tokens);
    expect(cost).toBe(done.usage.cost_micros);
  });

  it('is answered in one piece to whom asks for JSON, and reads the same later', async () => {
    const { status, body, headers } = await ask('What is a lexicon?');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'done',
      judge: { decision: 'new', by: 'model', title: 'What is a lexicon?' },
      user_message: { content: 'What is a lexicon?' },
      message: { content: expect.stringContaining('You asked') },
      finish_reason: 'stop',
      error: null,
    });
    expect(headers['location']).toBe(`${TURNS}/${body.run_id}`);
    expect((await api.call(ada, 'GET', `${TURNS}/${body.run_id}`)).body).toEqual(body);
    expect((await api.call(await person(backends.issuer), 'GET', `${TURNS}/${body.run_id}`)).status).toBe(404);
  });

  it('goes on in the context it is in, begins another, and goes back', async () => {
    const first = (await ask('Let us plan the trip to Bandung')).body;
    const second = (await ask('And the hotel?')).body;
    expect(second).toMatchObject({ judge: { decision: 'continue' }, context_id: first.context_id });
    const third = (await ask('new topic: my tax return')).body;
    expect(third.judge).toMatchObject({ decision: 'new', title: expect.stringContaining('tax') });
    expect(third.context_id).not.toBe(first.context_id);
    gemini.script(
      { type: 'judge', decision: 'switch', context_id: first.context_id },
      { call: 'judge', match: `back ${ada.user_id}` },
    );
    const fourth = (await ask(`back ${ada.user_id}`)).body;
    expect(fourth).toMatchObject({ judge: { decision: 'switch', by: 'model' }, context_id: first.context_id });
    expect((await messages()).slice(-2).map(({ context_id }) => context_id)).toEqual([
      first.context_id,
      first.context_id,
    ]);
    const prompt = gemini.requests({ call: 'specialist', contains: `back ${ada.user_id}` }).at(-1);
    expect(JSON.stringify(prompt?.body)).toContain('And the hotel?');
    expect(JSON.stringify(prompt?.body)).not.toContain('my tax return');
  });

  it('stays where its caller puts it, and no judge is asked', async () => {
    const first = (await ask('A first thing')).body;
    await ask('new topic: another thing');
    const asked = gemini.requests({ call: 'judge' }).length;
    const pinned = (await ask('There again', { context_id: first.context_id })).body;
    expect(pinned).toMatchObject({ judge: { by: 'caller', confidence: 1 }, context_id: first.context_id });
    expect(gemini.requests({ call: 'judge' })).toHaveLength(asked);
  });

  it('is judged by rules when the judge fails or says what cannot be', async () => {
    for (const type of ['error', 'bad_json'] as const) {
      const { body } = await ask(`[[gemini:${type} {"call":"judge","status":400}]] hello`);
      expect(body).toMatchObject({ status: 'done', judge: { by: 'rules' } });
    }
    gemini.script({ type: 'judge', decision: 'switch', context_id: randomUUID() }, { match: `nowhere ${ada.user_id}` });
    expect((await ask(`nowhere ${ada.user_id}`)).body.judge).toMatchObject({ by: 'rules', decision: 'continue' });
  });
});

describe('the same key', () => {
  it('answers what was answered, on any replica, and nothing is paid twice', async () => {
    const once = key();
    const first = await say('Once and for all', {}, once);
    await first.ended;
    const asked = gemini.requests().length;
    const before = await spent();
    for (const at of [url, other_url]) {
      const again = await say('Once and for all', {}, once, ada, at);
      await again.ended;
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expect(again.events[0]).toMatchObject({ type: 'run', replayed: true });
      expect(again.text()).toBe(first.text());
      expect(again.events.at(-1)).toMatchObject({ type: 'done' });
    }
    const { body } = await ask('Once and for all', {}, once);
    expect(body.message.content).toBe(first.text());
    expect(gemini.requests()).toHaveLength(asked);
    expect(await spent()).toEqual(before);
    expect(await messages()).toHaveLength(2);
  });

  it('with another body is refused', async () => {
    const once = key();
    await ask('This', {}, once);
    expect(await ask('That', {}, once)).toMatchObject({ status: 409, body: { code: 'turn.key_reused' } });
    expect(await messages()).toHaveLength(2);
  });

  it('of somebody else is another turn', async () => {
    const once = key();
    const { body } = await ask('Mine', {}, once);
    const eve = await person(backends.issuer);
    expect((await ask('Mine', {}, once, eve)).body.run_id).not.toBe(body.run_id);
  });

  it('joins a stream that is under way, here and on another replica, from where the reader is', async () => {
    const once = key();
    const text = 'word '.repeat(200).trim();
    gemini.script({ type: 'answer', text }, { match: `slowly ${ada.user_id}`, call: 'specialist' });
    gemini.set({ chunks: 20, chunk_ms: 60 });
    const first = await say(`slowly ${ada.user_id}`, {}, once);
    await first.find('delta');
    const here = await say(`slowly ${ada.user_id}`, {}, once);
    const there = await say(`slowly ${ada.user_id}`, {}, once, ada, other_url);
    const { run_id } = await first.find('run');
    const later = await openTurn(`${other_url}${TURNS}/${run_id}`, ada, null, { 'last-event-id': '3' });
    await Promise.all([first, here, there, later].map(({ ended }) => ended));
    gemini.set({ chunks: 4, chunk_ms: 0 });
    expect(first.text()).toBe(text);
    for (const joined of [here, there]) {
      expect(joined.text()).toBe(text);
      expect(joined.events[0]).toMatchObject({ type: 'run', replayed: true });
      expect(joined.events.map(({ index }) => index)).toEqual(first.events.map(({ index }) => index));
    }
    expect(later.events).toEqual(first.events.slice(3));
    expect(gemini.requests({ call: 'specialist', contains: `slowly ${ada.user_id}` })).toHaveLength(1);
  });

  it('sent twice at once is one turn', async () => {
    const once = key();
    const [a, b] = await Promise.all([ask('Both', {}, once), ask('Both', {}, once)]);
    expect(a.body).toEqual(b.body);
    expect(await runs()).toHaveLength(1);
  });

  it('tries again what failed, with the message that is there', async () => {
    const once = key();
    const content = `[[gemini:error {"status":400,"times":1}]] try ${ada.user_id}`;
    const failed = await say(content, {}, once);
    await failed.ended;
    expect(failed.events.at(-1)).toMatchObject({ type: 'error', code: expect.stringMatching(/^model\./) });
    expect(await runs()).toMatchObject([{ status: 'failed', attempt: 1 }]);
    expect(await messages()).toHaveLength(1);
    const again = await say(content, {}, once, ada, other_url);
    await again.ended;
    expect(again.events[0]).toMatchObject({ type: 'run', replayed: false, index: 1_000_001 });
    expect(again.events.at(-1)).toMatchObject({ type: 'done' });
    expect(await runs()).toMatchObject([{ status: 'done', attempt: 2 }]);
    expect(await messages()).toHaveLength(2);
    expect((await spent()).held).toBe(0);
  });

  it('takes on a run whose process died, once its lease is over', async () => {
    const once = key();
    const { body } = await ask('Will be left behind', {}, once);
    await rows(
      `update app.agent_runs set status = 'running', lease_owner = gen_random_uuid(), lease_until = now() + interval '1 s',
         answer_message_id = null where id = $1`,
      [body.run_id],
    );
    await rows(`delete from app.chat_messages where user_id = $1 and role = 'assistant'`, [ada.user_id]);
    const stream = `agent:{${body.run_id}}`;
    await expect.poll(async () => JSON.stringify(await redis.xrange(stream, '-', '+'))).toContain('done');
    await redis.del(stream);
    const again = await say('Will be left behind', {}, once, ada, other_url);
    await again.ended;
    expect(again.events.at(-1)).toMatchObject({ type: 'done' });
    expect(await runs()).toMatchObject([{ id: body.run_id, status: 'done', attempt: 2 }]);
    expect(await messages()).toHaveLength(2);
  });
});

describe('a client that goes', () => {
  it('loses nothing: the answer is stored', async () => {
    gemini.script({ type: 'slow', ms: 300 }, { match: `gone ${ada.user_id}`, call: 'specialist' });
    const turn = await say(`gone ${ada.user_id}`);
    await turn.find('run');
    turn.leave();
    await expect.poll(async () => (await runs())[0]?.status, { timeout: 5_000 }).toBe('done');
    expect(await messages()).toHaveLength(2);
  });
});

describe('a cancelled turn', () => {
  it.each(['here', 'on another replica'])(
    'stops %s within two seconds, keeps what was said, and pays for it',
    async (where) => {
      gemini.set({ chunks: 40, chunk_ms: 250 });
      gemini.script(
        { type: 'answer', text: 'more and '.repeat(100) },
        { match: `long ${ada.user_id}`, call: 'specialist' },
      );
      const turn = await say(`long ${ada.user_id}`);
      const { run_id } = await turn.find('run');
      await turn.find('delta');
      const asked_at = performance.now();
      const stopper = where === 'here' ? api : other;
      const { status } = await stopper.call(ada, 'POST', `${TURNS}/${run_id}/cancel`);
      expect(status).toBe(200);
      const done = await turn.find('done');
      expect(performance.now() - asked_at).toBeLessThan(2_500);
      gemini.set({ chunks: 4, chunk_ms: 0 });
      expect(done.finish_reason).toBe('cancelled');
      expect(await messages()).toMatchObject([{}, { content: turn.text(), finish_reason: 'cancelled' }]);
      const { tokens, held } = await spent();
      expect(held).toBe(0);
      expect(tokens).toBeGreaterThan(0);
      await expect
        .poll(() => gemini.requests({ call: 'specialist', contains: `long ${ada.user_id}` })[0]?.outcome)
        .toBe('aborted');
      expect((await api.call(ada, 'POST', `${TURNS}/${run_id}/cancel`)).body).toMatchObject({ status: 'cancelled' });
    },
  );

  it('is nobody else’s to cancel', async () => {
    const { body } = await ask('Mine alone');
    const eve = await person(backends.issuer);
    const answer = await api.call(eve, 'POST', `${TURNS}/${body.run_id}/cancel`);
    expect(answer).toMatchObject({ status: 404, body: { code: 'agent.run_not_found' } });
  });
});

describe('a model that fails', () => {
  it.each(['stream_error', 'cut', 'error', 'quota', 'no_finish'])(
    'by %s: told with a code, the message stays',
    async (type) => {
      const turn = await say(`[[gemini:${type} {"status":503}]] ${ada.user_id}`);
      await turn.ended;
      const error = await turn.find('error');
      expect(error).toMatchObject({ code: expect.stringMatching(/^model\./), retry_after_ms: expect.any(Number) });
      expect(await runs()).toMatchObject([{ status: 'failed', error_code: error.code }]);
      // What was shown is not lost.
      const shown = turn.text() === '' ? [] : [{ role: 'assistant', content: turn.text(), finish_reason: 'failed' }];
      expect(await messages()).toMatchObject([{ role: 'user' }, ...shown]);
      expect((await spent()).held).toBe(0);
    },
    60_000,
  );

  it('by a block: the explanation is the answer', async () => {
    for (const type of ['block_prompt', 'block_answer']) {
      const { body } = await ask(`[[gemini:${type}]] ${ada.user_id}`);
      expect(body).toMatchObject({ status: 'done', finish_reason: 'blocked', error: null });
      expect(body.message.content.length).toBeGreaterThan(10);
    }
  });

  it('by too long an answer: what there is is the answer', async () => {
    const { body } = await ask(`[[gemini:max_tokens]] ${ada.user_id}`);
    expect(body).toMatchObject({ status: 'done', finish_reason: 'max_tokens' });
  });

  it('is told to whom asks for JSON', async () => {
    const { status, body } = await ask(`[[gemini:error {"status":400}]] ${ada.user_id}`);
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { status: 'failed', error: { code: expect.any(String) } },
    });
  });
});

describe('a quota that is used up', () => {
  it('refuses before anything streams, says until when, and keeps the message for the same key', async () => {
    await ask('First');
    await rows(
      `insert into app.usage_quotas (workspace_id, tokens_per_day) select id, 1 from app.workspaces where owner_user_id = $1`,
      [ada.user_id],
    );
    const once = key();
    const refused = await ask('Second', {}, { ...once, accept: 'text/event-stream' });
    expect(refused).toMatchObject({
      status: 429,
      body: { code: 'usage.quota_exceeded', reset_at: expect.any(String) },
    });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await messages()).map(({ content }) => content)).toContain('Second');
    expect(await runs()).toMatchObject([{}, { status: 'failed', error_code: 'usage.quota_exceeded' }]);
    await rows(
      'delete from app.usage_quotas where workspace_id in (select id from app.workspaces where owner_user_id = $1)',
      [ada.user_id],
    );
    expect((await ask('Second', {}, once)).body).toMatchObject({ status: 'done' });
    expect((await messages()).filter(({ content }) => content === 'Second')).toHaveLength(1);
  });
});

describe('turns at once', () => {
  it('of one person do not mix', async () => {
    const two = await Promise.all(['one', 'two'].map((word) => ask(`${word} ${ada.user_id}`, {})));
    for (const [at, { body }] of two.entries()) {
      expect(body.message.content).toContain(`${['one', 'two'][at]} ${ada.user_id}`);
    }
    expect(await messages()).toHaveLength(4);
  });

  it('are so many and no more for one person', async () => {
    gemini.script({ type: 'slow', ms: 1_500 }, { match: `many ${ada.user_id}`, call: 'specialist' });
    const four = await Promise.all(
      [1, 2, 3, 4].map((n) => say(`many ${ada.user_id} ${n}`, {}, {}, ada, n % 2 ? url : other_url)),
    );
    await Promise.all(four.map((turn) => turn.find('run')));
    expect(await ask('One too many')).toMatchObject({ status: 429, body: { code: 'turn.too_many' } });
    await Promise.all(four.map(({ ended }) => ended));
    expect((await ask('Now')).status).toBe(200);
  });
});

describe('what is not theirs', () => {
  it('a stranger’s context, a foreign workspace or role: as what does not exist', async () => {
    const { body } = await ask('Mine');
    const eve = await person(backends.issuer);
    const workspace = await seedWorkspace(backends.database.db);
    const nowhere = randomUUID();
    const attempts = [
      { context_id: body.context_id },
      { context_id: nowhere },
      { workspace_id: workspace.workspace_id },
      { workspace_id: nowhere },
      { role_prompt_id: nowhere },
    ];
    const answers = [];
    for (const attempt of attempts) answers.push(await ask('Theirs', attempt, {}, eve));
    expect(answers.map(({ status, body: { code } }) => [status, code])).toEqual([
      [404, 'chat.context_not_found'],
      [404, 'chat.context_not_found'],
      [404, 'workspace.not_found'],
      [404, 'workspace.not_found'],
      [404, 'role_prompt.not_found'],
    ]);
    expect(await messages(eve)).toEqual([]);
    expect(await runs(eve)).toEqual([]);
  });

  it('a role of a workspace answers its members, not its guests, nor what another workspace pays', async () => {
    const workspace = await seedWorkspace(backends.database.db);
    const { role_prompt_id } = await seedRolePrompt(backends.database.db, workspace);
    await ask('So that I exist');
    await addMember(backends.database.db, workspace, 'guest', ada);
    const { workspace_id } = workspace;
    const refused = { status: 404, body: { code: 'role_prompt.not_found' } };
    expect(await ask('As a guest', { workspace_id, role_prompt_id })).toMatchObject(refused);
    await rows(`update app.workspace_members set role = 'member' where workspace_id = $1 and user_id = $2`, [
      workspace_id,
      ada.user_id,
    ]);
    expect(await ask('At my own cost', { role_prompt_id })).toMatchObject(refused);
    const { body } = await ask('As a member', { workspace_id, role_prompt_id });
    expect((await api.call(ada, 'GET', `/api/v1/agent/runs/${body.run_id}`)).body).toMatchObject({ role_prompt_id });
  });

  it('a workspace pays for its members of any role, and no more for whom it removed', async () => {
    const workspace = await seedWorkspace(backends.database.db);
    await ask('So that I exist');
    await addMember(backends.database.db, workspace, 'guest', ada);
    expect((await ask('As a guest', { workspace_id: workspace.workspace_id })).status).toBe(200);
    await rows('delete from app.workspace_members where workspace_id = $1', [workspace.workspace_id]);
    expect(await ask('Removed', { workspace_id: workspace.workspace_id })).toMatchObject({ status: 404 });
    const metered = await rows<{ tokens: number }>(
      'select sum(prompt_tokens)::int as tokens from app.usage_metrics where workspace_id = $1',
      [workspace.workspace_id],
    );
    expect(metered[0]?.tokens).toBeGreaterThan(0);
  });
});
