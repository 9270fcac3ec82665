import { randomUUID } from 'node:crypto';
import { createLogger } from '@potentia/config/logger';
import { startFaultProxy } from '@potentia/db/testing/fault-proxy';
import { sweepRuns } from '@potentia/domain/agent/sweep-runs';
import { recordBus } from '@potentia/domain/platform/testing/person';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { startGemini, type TestGemini } from '@potentia/sandbox/testing/gemini';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Person, person, startApi, type TestApi } from '../testing/api.ts';
import { listen, openTurn } from '../testing/turns.ts';

const TURNS = '/api/v1/chat/turns';

let backends: Backends;
let gemini: TestGemini;
let ada: Person;

beforeAll(async () => {
  [backends, gemini] = await Promise.all([startBackends(), startGemini()]);
});
afterAll(() => Promise.all([gemini?.[Symbol.asyncDispose](), backends?.[Symbol.asyncDispose]()]));
beforeEach(async () => {
  gemini.clear();
  ada = await person(backends.issuer);
});

const start = (env: Record<string, string> = {}): Promise<TestApi> => startApi(backends, { ...gemini.env, ...env });
const rows = <T>(text: string, params: unknown[] = [ada.user_id]): Promise<T[]> =>
  backends.database.asOwner<T & object>(text, params);
const statuses = async (): Promise<string[]> =>
  (await rows<{ status: string }>('select status from app.agent_runs where user_id = $1')).map(({ status }) => status);
const key = () => ({ 'idempotency-key': randomUUID() });

describe('before the first word', () => {
  it('there are at most 12 statements, with and without a conversation behind it', async () => {
    const target = new URL(backends.database.app_url);
    await using postgres = await startFaultProxy({ target_host: target.hostname, target_port: Number(target.port) });
    await using api = await start({ DATABASE_URL: postgres.url(backends.database.app_url), DATABASE_POOL_SIZE: '1' });
    const url = await listen(api);
    // What a connection sees for the first time it asks about first.
    for (const content of ['What about the garden?', 'And its fence?']) await api.call(ada, 'POST', TURNS, { content });
    gemini.set({ chunks: 3, chunk_ms: 400 });
    for (const content of ['new topic: the roof', 'And what shall we do about the garden tomorrow?', 'Its fence']) {
      await api.context.db.ping();
      postgres.reset_flights();
      const turn = await openTurn(`${url}${TURNS}`, ada, { content });
      await turn.find('delta');
      const statements = postgres.flights();
      await turn.ended;
      expect(turn.events.at(-1)?.type).toBe('done');
      expect(statements, content).toBeLessThanOrEqual(12);
      expect(statements, content).toBeGreaterThan(2);
    }
  });
});

describe('when the service stops', () => {
  it('a turn gets to its end, its reader with it, and another one is not begun', async () => {
    const api = await start({ SHUTDOWN_TIMEOUT_MS: '8000' });
    const url = await listen(api);
    gemini.set({ chunks: 5, chunk_ms: 150 });
    const turn = await openTurn(`${url}${TURNS}`, ada, { content: 'Finish this' });
    await turn.find('delta');
    const closing = api[Symbol.asyncDispose]();
    const refused = await openTurn(`${url}${TURNS}`, await person(backends.issuer), { content: 'Too late' });
    expect(refused.status).toBe(503);
    await turn.ended;
    expect(turn.events.at(-1)).toMatchObject({ type: 'done', finish_reason: 'stop' });
    await closing;
    expect(await statuses()).toEqual(['done']);
  });

  it('who waits here for a turn of another replica is sent there', async () => {
    await using elsewhere = await start();
    const api = await start();
    const [url, elsewhere_url] = await Promise.all([listen(api), listen(elsewhere)]);
    gemini.set({ chunks: 20, chunk_ms: 150 });
    gemini.script({ type: 'answer', text: 'not so fast '.repeat(20) }, { call: 'specialist', times: 1 });
    const once = key();
    const turn = await openTurn(`${elsewhere_url}${TURNS}`, ada, { content: 'Elsewhere' }, once);
    await turn.find('delta');
    const reads = vi.spyOn(api.context.turns.events, 'read');
    const waiting = openTurn(`${url}${TURNS}`, ada, { content: 'Elsewhere' }, { ...once, accept: 'application/json' });
    await expect.poll(() => reads.mock.calls.length).toBeGreaterThan(0);
    await api[Symbol.asyncDispose]();
    const { status, headers } = await waiting;
    expect({ status, wait: headers.get('retry-after') }).toEqual({ status: 503, wait: '1' });
    await turn.ended;
    expect(turn.events.at(-1)).toMatchObject({ type: 'done' });
  });

  it('one that takes too long is given up, not paid, and begun anew by the same key elsewhere', async () => {
    const api = await start({ SHUTDOWN_TIMEOUT_MS: '1000' });
    await using next = await start();
    const url = await listen(api);
    gemini.set({ chunks: 50, chunk_ms: 500 });
    gemini.script({ type: 'answer', text: 'on and on '.repeat(50) }, { call: 'specialist', times: 1 });
    const once = key();
    const turn = await openTurn(`${url}${TURNS}`, ada, { content: 'Too long' }, once);
    await turn.find('delta');
    await api[Symbol.asyncDispose]();
    await turn.ended;
    expect(turn.events.at(-1)).toMatchObject({ type: 'error', code: 'agent.interrupted' });
    gemini.set({ chunks: 2, chunk_ms: 0 });
    const { body } = await next.call(ada, 'POST', TURNS, { content: 'Too long' }, once);
    expect(body).toMatchObject({ status: 'done', run_id: (await turn.find('run')).run_id });
    const [held] = await rows(
      `select sum(reserved_tokens)::int as held from app.usage_budgets b join app.workspaces w on w.id = b.workspace_id
       where w.owner_user_id = $1`,
    );
    expect(held).toEqual({ held: 0 });
    expect(await rows(`select outcome from app.agent_steps where user_id = $1 and outcome = 'running'`)).toEqual([]);
  });
});

describe('without Redis', () => {
  it('turns are answered, and joined on another replica by what is stored', async () => {
    const own = await startBackends();
    await own.redis.kill();
    await using api = await startApi(own, gemini.env);
    await using other = await startApi(own, gemini.env);
    const url = await listen(api);
    const who = await person(own.issuer);
    gemini.set({ chunks: 3, chunk_ms: 300 });
    const once = key();
    const turn = await openTurn(`${url}${TURNS}`, who, { content: 'All the same' }, once);
    await turn.find('delta');
    const joined = await other.call(who, 'POST', TURNS, { content: 'All the same' }, once);
    await turn.ended;
    expect(turn.events.at(-1)?.type).toBe('done');
    expect(joined.body).toMatchObject({ status: 'done', message: { content: turn.text() } });
    expect(gemini.requests({ call: 'specialist', contains: 'All the same' })).toHaveLength(1);
    await own[Symbol.asyncDispose]();
  });
});

describe('without Postgres, for a while', () => {
  it('an answer that was shown is stored when it is back, and done is told then', async () => {
    const target = new URL(backends.database.app_url);
    await using postgres = await startFaultProxy({ target_host: target.hostname, target_port: Number(target.port) });
    await using api = await start({ DATABASE_URL: postgres.url(backends.database.app_url) });
    const url = await listen(api);
    gemini.set({ chunks: 6, chunk_ms: 100 });
    const text = 'all of it is shown '.repeat(6);
    gemini.script({ type: 'answer', text }, { call: 'specialist', times: 1 });
    const once = key();
    const turn = await openTurn(`${url}${TURNS}`, ada, { content: 'Away' }, once);
    await turn.find('delta');
    postgres.refuse();
    await expect.poll(() => turn.text(), { timeout: 10_000 }).toBe(text);
    await expect.poll(() => postgres.refused(), { timeout: 10_000 }).toBeGreaterThan(1);
    expect(turn.events.at(-1)?.type).toBe('delta');
    postgres.heal();
    await turn.ended;
    expect(turn.events.at(-1)).toMatchObject({ type: 'done', finish_reason: 'stop' });
    const [answer] = await rows<{ content: string }>(
      `select content from app.chat_messages where user_id = $1 and role = 'assistant'`,
    );
    expect(answer?.content).toBe(text);
    expect((await api.call(ada, 'POST', TURNS, { content: 'Away' }, once)).body).toMatchObject({ status: 'done' });
    expect(gemini.requests({ call: 'specialist' })).toHaveLength(1);
  });
});

describe('a slow reader', () => {
  it('does not hold the turn up', async () => {
    await using api = await start();
    const url = await listen(api);
    gemini.script({ type: 'answer', text: 'x'.repeat(30_000) }, { call: 'specialist', times: 1 });
    gemini.set({ chunks: 60, chunk_ms: 10 });
    const response = await fetch(`${url}${TURNS}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${ada.token}`,
        accept: 'text/event-stream',
        'content-type': 'application/json',
      },
      body: JSON.stringify({ content: 'A lot' }),
    });
    // Not one byte of the body is read until the turn is over.
    await expect.poll(statuses, { timeout: 10_000 }).toEqual(['done']);
    const text = await response.text();
    expect(text).toContain('event: done');
    expect(text.match(/x/g)?.length).toBeGreaterThanOrEqual(30_000);
  });
});

describe('a run whose process died', () => {
  it('is failed by the sweeper after a while, told to its person, and what it held is free', async () => {
    await using api = await start();
    const { body } = await api.call(ada, 'POST', TURNS, { content: 'Left behind' });
    const leave = (seconds: number) =>
      rows(
        `update app.agent_runs set status = 'running', lease_until = now() - $2 * interval '1 s' where user_id = $1`,
        [ada.user_id, seconds],
      );
    const ctx = {
      db: backends.database.job_db,
      bus: recordBus(),
      log: createLogger({ service: 'test', level: 'silent' }),
      run_events: api.context.turns.events,
    };
    await leave(60);
    await sweepRuns(ctx);
    expect(await statuses()).toEqual(['running']);
    await leave(200);
    await rows(
      `update app.agent_steps set outcome = 'running', reserved_tokens = 7, reserved_cost_micros = 0 where user_id = $1 and kind = 'specialist'`,
    );
    await rows(
      `update app.usage_budgets set reserved_tokens = 7 where workspace_id in (select id from app.workspaces where owner_user_id = $1)`,
    );
    await sweepRuns(ctx);
    expect((await api.call(ada, 'GET', `${TURNS}/${body.run_id}`)).body).toMatchObject({
      status: 'failed',
      error: { code: 'agent.interrupted' },
    });
    const told = await rows(
      `select payload ->> 'code' as code from app.outbox where user_id = $1 and payload ->> 'type' = 'agent.failed'`,
    );
    expect(told).toEqual([{ code: 'agent.interrupted' }]);
    expect(
      await rows(
        `select reserved_tokens::int as held from app.usage_budgets where workspace_id in (select id from app.workspaces where owner_user_id = $1)`,
      ),
    ).toEqual([{ held: 0 }]);
  });
});

describe('a conversation that is deleted while it is answered', () => {
  it('gets no answer, and nothing of it comes back', async () => {
    await using api = await start();
    const url = await listen(api);
    gemini.set({ chunks: 6, chunk_ms: 150 });
    const turn = await openTurn(`${url}${TURNS}`, ada, { content: 'Forget that I said this' });
    const { context_id } = await turn.find('judge');
    await turn.find('delta');
    expect((await api.call(ada, 'DELETE', `/api/v1/chat/contexts/${context_id}`)).status).toBeLessThan(300);
    await turn.ended;
    expect(turn.events.at(-1)).toMatchObject({ type: 'error' });
    expect(await rows('select id from app.chat_messages where user_id = $1')).toEqual([]);
    expect(await statuses()).not.toContain('running');
    const [held] = await rows<{ held: number }>(
      `select sum(reserved_tokens)::int as held from app.usage_budgets b join app.workspaces w on w.id = b.workspace_id
       where w.owner_user_id = $1`,
    );
    expect(held?.held).toBe(0);
  });
});

describe('tools', () => {
  it('are called, told of, and what they answered comes back to the model', async () => {
    await using api = await start();
    gemini.script({ type: 'tool', name: 'list_memories', args: {} }, { call: 'specialist', match: ada.user_id });
    const { body } = await api.call(ada, 'POST', TURNS, { content: `What do you know? ${ada.user_id}` });
    expect(body).toMatchObject({ status: 'done', tools: [{ name: 'list_memories', status: 'done' }] });
    expect(body.message.content).toContain('list_memories answered');
    expect(await rows(`select kind from app.agent_steps where user_id = $1 and kind = 'specialist'`)).toHaveLength(2);
  });

  it('are called eight times and no more', async () => {
    await using api = await start();
    gemini.script({ type: 'tool_loop', name: 'list_memories', args: {} }, { call: 'specialist', match: ada.user_id });
    const { body } = await api.call(ada, 'POST', TURNS, { content: `Loop ${ada.user_id}` });
    expect(body.status).toBe('done');
    expect(gemini.requests({ call: 'specialist', contains: ada.user_id }).length).toBeLessThanOrEqual(7);
  });

  it('that wait for a word are done by a plain yes and left by a plain no, without a model', async () => {
    await using api = await start();
    for (const [word, status] of [
      ['yes', 'done'],
      ['jangan', 'declined'],
    ]) {
      const { body: first } = await api.call(ada, 'POST', TURNS, { content: `new topic: ${randomUUID()}` });
      const { body: waiting } = await scripted(api, `Tidy up ${randomUUID()}`);
      expect(waiting.tools).toMatchObject([{ status: 'needs_confirmation' }]);
      expect(waiting.context_id).toBe(first.context_id);
      const asked = gemini.requests().length;
      const { body } = await api.call(ada, 'POST', TURNS, { content: word });
      expect(body).toMatchObject({ status: 'done', tools: [], judge: { by: 'rules', decision: 'continue' } });
      expect(body.message.content).toMatch(word === 'yes' ? /^Done: / : /^(Left as it was|Dibiarkan)/);
      expect(gemini.requests()).toHaveLength(asked);
      const [call] = await rows<{ status: string }>('select status from app.tool_calls where id = $1', [
        waiting.tools[0].tool_call_id,
      ]);
      expect(call?.status).toBe(status);
    }
  });

  /** A write that the person has not asked for. */
  function scripted(api: TestApi, content: string) {
    const args = { content: 'The person collects stamps' };
    gemini.script({ type: 'tool', name: 'remember', args }, { call: 'specialist', match: content });
    return api.call(ada, 'POST', TURNS, { content });
  }
});
