import { join } from 'node:path';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { NO_OBJECTS } from '@potentia/config/testing/object-env';
import { type SpawnedService, spawnService } from '@potentia/config/testing/spawn-service';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Person, person } from '../src/testing/api.ts';

/*
 * What docs/guide/chat.md tells a newcomer to try, on the API and the jobs as processes, without a key of any model: a history is
 * imported and asked about, orders become schedules, and what was remembered is forgotten.
 */

const main = (app: string): string => join(import.meta.dirname, `../../${app}/src/main.ts`);
const SOON = { timeout: 20_000, interval: 50 };

let backends: Backends;
let api: SpawnedService;
let jobs: SpawnedService;
let ada: Person;

beforeAll(async () => {
  backends = await startBackends();
  const shared = {
    ...NO_OBJECTS,
    NODE_ENV: 'test',
    DATABASE_TIMEOUT_MS: '10000',
    REDIS_URL: backends.redis.url,
    REDIS_TIMEOUT_MS: '500',
    ENCRYPTION_KEYS: `test:${Buffer.alloc(32).toString('base64')}`,
    ...GATEWAY_SECRETS,
  };
  [api, jobs, ada] = await Promise.all([
    spawnService({
      main: main('api'),
      env: {
        ...shared,
        DATABASE_URL: backends.database.app_url,
        SUPABASE_URL: backends.issuer.url,
        SUPABASE_ANON_KEY: 'anon',
        SUPABASE_SERVICE_ROLE_KEY: 'service',
      },
    }),
    spawnService({
      main: main('jobs'),
      env: { ...shared, DATABASE_URL: backends.database.job_url, APP_DATABASE_URL: backends.database.app_url },
    }),
    person(backends.issuer),
  ]);
});
afterAll(async () => {
  await Promise.all([api?.[Symbol.asyncDispose](), jobs?.[Symbol.asyncDispose]()]);
  await backends?.[Symbol.asyncDispose]();
});

interface Answered {
  message: { content: string };
  citations: { id: string; kind: string }[];
  tools: { name: string; status: string; summary: string }[];
}

async function call<T>(method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(`${api.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${ada.token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true);
  return (response.status === 204 ? null : await response.json()) as T;
}

const say = (content: string): Promise<Answered> => call('POST', '/chat/turns', { content });

/** Local starts of what the calendar shows of this title, in the next three weeks. */
async function shown(title: string): Promise<string[]> {
  const window = { from: new Date().toISOString(), to: new Date(Date.now() + 21 * 86_400_000).toISOString() };
  const { items } = await call<{ items: { title: string; starts_at: string }[] }>(
    'GET',
    `/view/schedules?${new URLSearchParams(window).toString()}`,
  );
  return items.filter((item) => item.title.toLowerCase().includes(title)).map(({ starts_at }) => starts_at);
}

const memories = async (): Promise<string[]> =>
  (await call<{ items: { content: string }[] }>('GET', '/memories')).items.map(({ content }) => content);

describe('without a key', () => {
  it('a history is imported, and a question about it is answered with quotes and where they are from', async () => {
    const said = [
      ['1', 'user', 'We moved the piano to the attic, because the cellar is too damp.', '2025-03-04T10:00:00Z'],
      ['2', 'assistant', 'That sounds heavy.', '2025-03-04T10:00:20Z'],
      ['3', 'user', 'Dokter gigi bilang kontrol berikutnya bulan Juni.', '2025-03-09T08:00:00Z'],
      ['4', 'user', 'I watched the game yesterday with Budi.', '2025-03-12T20:00:00Z'],
    ].map(([external_id, role, content, created_at]) => ({ external_id, role, content, created_at }));
    expect(await call('POST', '/chat/messages/import', { source: 'old-app', messages: said })).toMatchObject({
      imported: 4,
    });
    await expect
      .poll(() => call<{ state: string }>('GET', '/chat/messages/import/status'), SOON)
      .toMatchObject({ state: 'idle', imported: 4 });

    const answer = await say('Why did we move the piano?');
    expect(answer.message.content).toContain('No language model is set up.');
    expect(answer.message.content).toMatch(/“We moved the piano to the attic[^”]*”[\s\S]*\[\d+\]/u);
    const cited = await Promise.all(
      answer.citations.map(({ id }) => call<{ external_id: string | null }>('GET', `/chat/messages/${id}`)),
    );
    expect(cited.map(({ external_id }) => external_id)).toContain('1');
    expect((await say('Kapan kontrol ke dokter gigi?')).message.content).toContain('kontrol berikutnya bulan Juni');
    expect((await say('When did I watch the game?')).message.content).toMatch(/yesterday = .*11 March 2025/u);
  });

  it('orders in English and Indonesian become schedules that the calendar shows', async () => {
    const english = await say('remind me every weekday at 8 to stretch');
    expect(english.tools).toMatchObject([{ name: 'set_reminder', status: 'done' }]);
    const weekdays = await shown('stretch');
    expect(weekdays.length).toBeGreaterThanOrEqual(14);
    expect(new Set(weekdays.map((at) => at.slice(11, 16)))).toEqual(new Set(['08:00']));
    expect(weekdays.map((at) => new Date(at).getUTCDay()).filter((day) => day === 0 || day === 6)).toEqual([]);

    const indonesian = await say('ingatkan aku besok jam 9 rapat');
    expect(indonesian.tools).toMatchObject([{ name: 'set_reminder', status: 'done' }]);
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    expect(await shown('rapat')).toEqual([expect.stringMatching(`^${tomorrow}T09:00`)]);
  });

  it('what was said a moment ago, in the same conversation, is quoted when it is asked for', async () => {
    await say('new topic: the spare key lies under the blue pot');
    await expect
      .poll(() => call<{ state: string }>('GET', '/chat/messages/import/status'), SOON)
      .toMatchObject({ state: 'idle' });
    const answer = await say('Where is the spare key?');
    expect(answer.message.content).toMatch(/“[^”]*under the blue pot”[\s\S]*\[\d+\]/u);
    expect(answer.citations).toMatchObject([{ kind: 'message' }]);
  });

  it('what a person tells of themselves is remembered, and "forget that" takes it back', async () => {
    await say('I am allergic to peanuts.');
    await expect.poll(memories, SOON).toEqual([expect.stringContaining('peanuts')]);
    const forgotten = await say('forget that');
    expect(forgotten.tools).toMatchObject([{ name: 'forget', status: 'done' }]);
    expect(await memories()).toEqual([]);
  });
});
