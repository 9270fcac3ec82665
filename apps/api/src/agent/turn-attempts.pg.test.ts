import { randomUUID } from 'node:crypto';
import { createLogger } from '@potentia/config/logger';
import { keyOf } from '@potentia/domain/agent/adapters/redis-run-events';
import { sweepRuns } from '@potentia/domain/agent/sweep-runs';
import { createRedis, type RedisClient } from '@potentia/domain/platform/adapters/redis';
import { recordBus } from '@potentia/domain/platform/testing/person';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { startGemini, type TestGemini } from '@potentia/sandbox/testing/gemini';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, type Person, person, startApi, type TestApi } from '../testing/api.ts';
import { listen, openTurn } from '../testing/turns.ts';

const TURNS = '/api/v1/chat/turns';

let backends: Backends;
let gemini: TestGemini;
let api: TestApi;
let other: TestApi;
let url: string;
let other_url: string;
let redis: RedisClient;
let ada: Person;
/** Words that only this test's turns have. */
let content: string;
let key: { 'idempotency-key': string };

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
  content = `Tell me about ${ada.user_id}`;
  key = { 'idempotency-key': randomUUID() };
});

const rows = <T>(text: string, params: unknown[] = [ada.user_id]): Promise<T[]> =>
  backends.database.asOwner<T & object>(text, params);
const ask = (at = api): Promise<Answer> => at.call(ada, 'POST', TURNS, { content }, key);
const stream = () => openTurn(`${url}${TURNS}`, ada, { content }, key);
const messages = () =>
  rows<{ id: string; role: string; content: string; finish_reason: string | null }>(
    'select id, role, content, finish_reason from app.chat_messages where user_id = $1 order by seq',
  );
/** The answer breaks off after its first chunk, once. */
const breakOff = (): void => gemini.script({ type: 'stream_error', after: 1 }, { ...mine(), times: 1 });
const mine = () => ({ call: 'specialist', match: ada.user_id }) as const;

/** Of the steps that were paid: their attempts. */
async function paid(): Promise<{ kinds: string[]; attempts: number[] }> {
  const [sums] = await rows<Record<string, number>>(
    `select (select coalesce(sum(prompt_tokens + output_tokens), 0)::int from app.agent_steps where user_id = $1) as ledger,
       coalesce(sum(m.tokens), 0)::int as metered, coalesce(sum(b.used), 0)::int as used, coalesce(sum(b.held), 0)::int as held
     from app.workspaces w
     left join (select workspace_id, sum(prompt_tokens + output_tokens) as tokens from app.usage_metrics group by 1) m on m.workspace_id = w.id
     left join (select workspace_id, sum(used_tokens) as used, sum(reserved_tokens) as held from app.usage_budgets group by 1) b
       on b.workspace_id = w.id
     where w.owner_user_id = $1`,
  );
  expect(sums).toEqual({ ledger: sums?.['ledger'], metered: sums?.['ledger'], used: sums?.['ledger'], held: 0 });
  const steps = await rows<{ kind: string; attempt: number }>(
    `select kind, attempt from app.agent_steps
     where user_id = $1 and kind in ('judge', 'specialist') and prompt_tokens + output_tokens > 0 order by started_at`,
  );
  return { kinds: steps.map(({ kind }) => kind), attempts: [...new Set(steps.map(({ attempt }) => attempt))] };
}

describe('an answer that breaks off', () => {
  it('is kept as far as it was shown, and says so wherever it is read', async () => {
    breakOff();
    const turn = await stream();
    await turn.ended;
    expect(turn.events.at(-1)).toMatchObject({ type: 'error', code: 'model.unavailable' });
    expect(turn.text()).not.toBe('');
    const [, answer] = await messages();
    expect(answer).toMatchObject({ role: 'assistant', content: turn.text(), finish_reason: 'failed' });
    const { run_id } = await turn.find('run');
    for (const at of [api, other]) {
      const { body } = await at.call(ada, 'GET', `${TURNS}/${run_id}`);
      expect(body).toMatchObject({ status: 'failed', finish_reason: 'failed', message: { content: turn.text() } });
      expect(body.error).toMatchObject({ code: 'model.unavailable' });
    }
    expect(await paid()).toEqual({ kinds: ['judge', 'specialist'], attempts: [1] });
  });

  it('gives way to the whole answer of the same key, and both together are paid once', async () => {
    breakOff();
    const { body: broken } = await ask();
    expect(broken.status).toBe('failed');
    const { body } = await ask(other);
    expect(body).toMatchObject({ status: 'done', run_id: broken.run_id });
    expect(await messages()).toMatchObject([
      { role: 'user', content },
      { role: 'assistant', content: body.message.content, finish_reason: null },
    ]);
    const { kinds, attempts } = await paid();
    expect(kinds).toEqual(['judge', 'specialist']);
    expect(attempts).toEqual([1, 2]);
    const specialists = await rows(
      `select outcome, attempt from app.agent_steps where user_id = $1 and kind = 'specialist' order by attempt`,
    );
    expect(specialists).toEqual([
      { outcome: 'abandoned', attempt: 1 },
      { outcome: 'done', attempt: 2 },
    ]);
  });

  it('stays while another attempt has nothing to show', async () => {
    breakOff();
    const { body: broken } = await ask();
    gemini.script({ type: 'error', status: 400 }, { ...mine(), times: 1 });
    const { body } = await ask();
    expect(body).toMatchObject({ status: 'failed', finish_reason: 'failed', message: broken.message });
    expect((await messages()).map(({ role }) => role)).toEqual(['user', 'assistant']);
    expect((await paid()).kinds).toEqual(['judge']);
  });

  it('after a tool was called is paid once too, and the tool has done its work once', async () => {
    content = `Remember that I collect stamps. ${ada.user_id}`;
    gemini.script({ type: 'tool', name: 'remember', args: { content: 'I collect stamps' } }, { ...mine(), times: 1 });
    gemini.script({ type: 'error', status: 400 }, { ...mine(), times: 1 });
    // No model says it again to the letter.
    gemini.script({ type: 'tool', name: 'remember', args: { content: 'Collects stamps' } }, { ...mine(), times: 1 });
    const { body: broken } = await ask();
    expect(broken).toMatchObject({ status: 'failed', tools: [{ name: 'remember', status: 'done' }] });
    const { body } = await ask(other);
    expect(body).toMatchObject({ status: 'done', tools: [{ name: 'remember', status: 'done' }] });
    expect(body.tools).toHaveLength(1);
    expect(body.tools[0].tool_call_id).toBe(broken.tools[0].tool_call_id);
    expect((await api.call(ada, 'GET', '/api/v1/memories')).body.items).toHaveLength(1);
    expect((await paid()).kinds).toEqual(['judge', 'specialist', 'specialist']);
  });

  it('is not begun again when the person has deleted what they had said', async () => {
    breakOff();
    const { body: broken } = await ask();
    await api.call(ada, 'DELETE', `/api/v1/chat/messages/${broken.user_message.id}`);
    const { body } = await ask(other);
    expect(body).toMatchObject({ run_id: broken.run_id, status: 'failed', user_message: null });
    expect((await messages()).filter(({ role }) => role === 'user')).toEqual([]);
  });
});

describe('a reader of a run that was tried again', () => {
  const read = async (at: string, after = 0) => {
    const turn = await openTurn(at, ada, null, { 'last-event-id': String(after) });
    await turn.ended;
    return turn;
  };

  it('is told of the newest attempt by every replica, and never of the end of one before', async () => {
    breakOff();
    const broken = await stream();
    await broken.ended;
    const { run_id } = await broken.find('run');
    const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => ask(at % 2 ? api : other)));
    expect(new Set(answers.map(({ body }) => body.status))).toEqual(new Set(['done']));
    for (const at of [url, other_url]) {
      const turn = await read(`${at}${TURNS}/${run_id}`);
      expect(turn.events.at(-1)).toMatchObject({ type: 'done' });
      expect(turn.text()).toBe(answers[0]?.body.message.content);
    }
    expect((await messages()).map(({ role }) => role)).toEqual(['user', 'assistant']);
  });

  it('who was told what was stored of one attempt misses nothing of the next', async () => {
    breakOff();
    const { body: broken } = await ask();
    const path = `${TURNS}/${broken.run_id}`;
    await redis.del(keyOf(broken.run_id));
    const stored = await read(`${other_url}${path}`);
    expect(stored.events.map(({ type }) => type)).toEqual(['run', 'judge', 'delta', 'error']);
    const after = String(stored.events.at(-1)?.index);
    const turn = await openTurn(`${url}${TURNS}`, ada, { content }, { ...key, 'last-event-id': after });
    await turn.ended;
    expect(turn.events[0]).toMatchObject({ type: 'run' });
    expect(turn.events.at(-1)).toMatchObject({ type: 'done' });
    expect(turn.events[0]?.index).toBeGreaterThan(Number(after));
  });

  it('who has all of it is told nothing twice, from whatever it comes', async () => {
    const turn = await stream();
    await turn.ended;
    const { run_id } = await turn.find('run');
    for (const at of [url, other_url]) {
      const has_all = await read(`${at}${TURNS}/${run_id}`, turn.events.at(-1)?.index);
      expect(has_all.events).toEqual([]);
    }
    await redis.del(keyOf(run_id));
    const stored = await read(`${other_url}${TURNS}/${run_id}`);
    expect(stored.text()).toBe(turn.text());
    const [first, ...rest] = stored.events;
    expect((await read(`${other_url}${TURNS}/${run_id}`, first?.index)).events).toEqual(rest);
    expect((await read(`${other_url}${TURNS}/${run_id}`, rest.at(-1)?.index)).events).toEqual([]);
  });

  it('is told no words that the person has deleted since', async () => {
    const { body } = await ask();
    await expect.poll(() => redis.exists(keyOf(body.run_id))).toBe(1);
    await api.call(ada, 'DELETE', `/api/v1/chat/messages/${body.message.id}`);
    for (const at of [url, other_url]) {
      const turn = await read(`${at}${TURNS}/${body.run_id}`);
      expect(turn.events.at(-1)).toMatchObject({ type: 'done', message_id: null });
      expect(turn.text()).toBe('');
    }
    expect(await redis.exists(keyOf(body.run_id))).toBe(0);
  });
});

describe('a run whose process died', () => {
  /** As a process leaves it that is killed in mid-stream: what was told is in Redis, and the row is held by nobody. */
  async function leftBehind(seconds: number) {
    const turn = await stream();
    await turn.ended;
    const { run_id } = await turn.find('run');
    await expect
      .poll(async () => (await other.context.turns.events.read(run_id, '0'))?.events.length)
      .toBeGreaterThan(3);
    await rows(`delete from app.chat_messages where run_id = $1 and role = 'assistant'`, [run_id]);
    await rows(
      `update app.agent_runs set status = 'running', finish_reason = null, answer_message_id = null,
         lease_until = now() - $2 * interval '1 s' where id = $1`,
      [run_id, seconds],
    );
    return { run_id, text: turn.text() };
  }
  const sweep = () =>
    sweepRuns({
      db: backends.database.job_db,
      bus: recordBus(),
      log: createLogger({ service: 'test', level: 'silent' }),
      run_events: other.context.turns.events,
    });

  it('is ended with what was shown of its answer when nobody takes it on', async () => {
    const { run_id, text } = await leftBehind(200);
    await sweep();
    expect(await messages()).toMatchObject([
      { role: 'user' },
      { role: 'assistant', content: text, finish_reason: 'failed' },
    ]);
    const { body } = await other.call(ada, 'GET', `${TURNS}/${run_id}`);
    expect(body).toMatchObject({ status: 'failed', message: { content: text }, error: { code: 'agent.interrupted' } });
    await sweep();
    expect(await messages()).toHaveLength(2);
  });

  it('after it had taken a yes says what came of it, and asks no model', async () => {
    const waiting = `Tidy up ${ada.user_id}`;
    const args = { content: 'The person collects stamps' };
    gemini.script({ type: 'tool', name: 'remember', args }, { call: 'specialist', match: waiting });
    const { body: first } = await api.call(ada, 'POST', TURNS, { content: waiting });
    expect(first.tools).toMatchObject([{ status: 'needs_confirmation' }]);
    content = 'yes';
    const { text } = await leftBehind(1);
    expect(text).toMatch(/^Done: /);
    const asked = gemini.requests().length;
    const { body } = await ask(other);
    expect(body).toMatchObject({ status: 'done', message: { content: text } });
    expect(gemini.requests()).toHaveLength(asked);
    expect((await api.call(ada, 'GET', '/api/v1/memories')).body.items).toHaveLength(1);
  });

  it('is not begun again when its person wanted an end of it', async () => {
    const { run_id } = await leftBehind(1);
    expect((await other.call(ada, 'POST', `${TURNS}/${run_id}/cancel`)).body).toMatchObject({ status: 'running' });
    const { body } = await ask(other);
    expect(body).toMatchObject({ run_id, status: 'cancelled', finish_reason: 'cancelled' });
    expect(gemini.requests({ call: 'specialist', contains: ada.user_id })).toHaveLength(1);
    expect(await paid()).toEqual({ kinds: ['judge', 'specialist'], attempts: [1] });
  });
});
