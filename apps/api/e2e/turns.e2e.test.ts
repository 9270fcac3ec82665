import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { NO_OBJECTS } from '@potentia/config/testing/object-env';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { startGemini, type TestGemini } from '@potentia/sandbox/testing/gemini';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Person, person } from '../src/testing/api.ts';
import { openTurn } from '../src/testing/turns.ts';

const MAIN = join(import.meta.dirname, '../src/main.ts');

let backends: Backends;
let gemini: TestGemini;
let ada: Person;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  [backends, gemini] = await Promise.all([startBackends(), startGemini()]);
});
afterAll(() => Promise.all([gemini?.[Symbol.asyncDispose](), backends?.[Symbol.asyncDispose]()]));
beforeEach(async () => {
  gemini.clear();
  ada = await person(backends.issuer);
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});

interface Running {
  url: string;
  kill(): Promise<void>;
  stop(): Promise<number | null>;
}

async function startProcess(env: Record<string, string> = {}): Promise<Running> {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env['PATH'] ?? '',
      PORT: '0',
      DATABASE_URL: backends.database.app_url,
      DATABASE_TIMEOUT_MS: '10000',
      REDIS_URL: backends.redis.url,
      REDIS_TIMEOUT_MS: '500',
      SUPABASE_URL: backends.issuer.url,
      SUPABASE_ANON_KEY: 'anon',
      SUPABASE_SERVICE_ROLE_KEY: 'service',
      ENCRYPTION_KEYS: `test:${Buffer.alloc(32).toString('base64')}`,
      ...GATEWAY_SECRETS,
      ...NO_OBJECTS,
      ...gemini.env,
      ...env,
    },
  });
  children.add(child);
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await expect.poll(() => output, { timeout: 20_000 }).toMatch(/"url":"http/);
  return {
    url: /"url":"(http[^"]+)"/.exec(output)?.[1] ?? '',
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

const rows = <T>(text: string): Promise<T[]> => backends.database.asOwner<T & object>(text, [ada.user_id]);
const turnsOf = ({ url }: Running): string => `${url}/api/v1/chat/turns`;

/** What is metered for the person's space, which is what the ledger's steps come to. */
async function spent(): Promise<{ tokens: number; held: number }> {
  const [sums] = await rows<{ ledger: number; metered: number; held: number }>(
    `select
       (select coalesce(sum(s.prompt_tokens + s.output_tokens + s.thought_tokens), 0)::int from app.agent_steps s
        where s.user_id = $1 and s.outcome <> 'running') as ledger,
       (select coalesce(sum(m.prompt_tokens + m.output_tokens + m.thought_tokens), 0)::int from app.usage_metrics m
        join app.workspaces w on w.id = m.workspace_id where w.owner_user_id = $1) as metered,
       (select coalesce(sum(b.reserved_tokens), 0)::int from app.usage_budgets b
        join app.workspaces w on w.id = b.workspace_id where w.owner_user_id = $1) as held`,
  );
  expect(sums?.metered).toBe(sums?.ledger);
  return { tokens: sums?.metered ?? 0, held: sums?.held ?? 0 };
}

describe('the API as a process', () => {
  it('killed in mid-stream: the same key begins the answer anew elsewhere, with one message and one charge', async () => {
    const [first, second] = await Promise.all([startProcess(), startProcess()]);
    const text = 'word by word '.repeat(40).trim();
    gemini.script({ type: 'answer', text }, { call: 'specialist' });
    gemini.set({ chunks: 40, chunk_ms: 100 });
    const key = { 'idempotency-key': randomUUID() };
    const turn = await openTurn(turnsOf(first), ada, { content: 'Tell me a long story' }, key);
    const { run_id } = await turn.find('run');
    await turn.find('delta');
    await first.kill();
    await turn.ended;
    expect(turn.events.some(({ type }) => type === 'done' || type === 'error')).toBe(false);
    expect(await rows('select role from app.chat_messages where user_id = $1')).toEqual([{ role: 'user' }]);

    gemini.set({ chunks: 4, chunk_ms: 0 });
    const after = String(turn.events.at(-1)?.index);
    const again = await openTurn(
      turnsOf(second),
      ada,
      { content: 'Tell me a long story' },
      { ...key, 'last-event-id': after },
    );
    await again.ended;
    const done = await again.find('done');
    expect(done).toMatchObject({ run_id, finish_reason: 'stop' });
    const begun = again.events.findLastIndex(({ type }) => type === 'run');
    const said = again.events.slice(begun).flatMap((event) => (event.type === 'delta' ? [event.text] : []));
    expect(said.join('')).toBe(text);
    const messages = await rows('select role, content from app.chat_messages where user_id = $1 order by seq');
    expect(messages).toEqual([
      { role: 'user', content: 'Tell me a long story' },
      { role: 'assistant', content: text },
    ]);
    expect(await rows('select status, attempt from app.agent_runs where user_id = $1')).toEqual([
      { status: 'done', attempt: 2 },
    ]);
    const specialists = `select outcome, (prompt_tokens + output_tokens)::int > 0 as is_paid from app.agent_steps
      where user_id = $1 and kind = 'specialist' order by attempt`;
    expect(await rows(specialists)).toEqual([
      { outcome: 'abandoned', is_paid: false },
      { outcome: 'done', is_paid: true },
    ]);
    const paid = await spent();
    expect(paid.held).toBe(0);

    const stored = await openTurn(turnsOf(second), ada, { content: 'Tell me a long story' }, key);
    await stored.ended;
    expect(stored.text()).toBe(text);
    expect(await spent()).toEqual(paid);
  }, 60_000);

  it('told to stop in mid-stream finishes the answer, and exits in order', async () => {
    const api = await startProcess();
    gemini.script({ type: 'answer', text: 'to the end of it' }, { call: 'specialist' });
    gemini.set({ chunks: 8, chunk_ms: 150 });
    const turn = await openTurn(turnsOf(api), ada, { content: 'Finish' });
    await turn.find('delta');
    const exited = api.stop();
    await turn.ended;
    expect(turn.events.at(-1)).toMatchObject({ type: 'done', finish_reason: 'stop' });
    expect(turn.text()).toBe('to the end of it');
    expect(await exited).toBe(0);
  }, 60_000);

  it('without Redis answers all the same', async () => {
    const api = await startProcess({ REDIS_URL: 'redis://127.0.0.1:1' });
    const turn = await openTurn(turnsOf(api), ada, { content: 'Anybody there?' });
    await turn.ended;
    expect(turn.events.at(-1)).toMatchObject({ type: 'done' });
    expect((await spent()).held).toBe(0);
  }, 60_000);
});
