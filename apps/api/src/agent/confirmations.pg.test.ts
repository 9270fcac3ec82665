import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { startGemini, type TestGemini } from '@potentia/sandbox/testing/gemini';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Person, person, startApi, type TestApi } from '../testing/api.ts';

/*
 * What a yes means, whatever the model says around it: what the person was shown last, and nothing else.
 */

let backends: Backends;
let gemini: TestGemini;
let api: TestApi;
let ada: Person;
beforeAll(async () => {
  [backends, gemini] = await Promise.all([startBackends(), startGemini()]);
  api = await startApi(backends, gemini.env);
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await Promise.all([gemini?.[Symbol.asyncDispose](), backends?.[Symbol.asyncDispose]()]);
});
beforeEach(async () => {
  gemini.clear();
  ada = await person(backends.issuer);
});

const AT = '2030-01-01T09:00';
/** The model wants this of the message that has `match` in it, and says that afterwards. */
function wants(match: string, title: string, says = 'Shall I go on with part two?'): void {
  gemini.script(
    { type: 'tool', name: 'set_reminder', args: { title, at: AT } },
    { match, call: 'specialist', times: 1 },
  );
  gemini.script(
    { type: 'answer', text: says },
    { match: 'needs_confirmation', in: 'prompt', call: 'specialist', times: 1 },
  );
}
const say = async (content: string, body: object = {}) => {
  const answer = await api.call(ada, 'POST', '/api/v1/chat/turns', { content, ...body });
  expect(answer.status).toBe(200);
  return answer.body.message.content as string;
};
const made = async (): Promise<string[]> => {
  const rows = await backends.database.asOwner<{ title: string }>(
    'select title from app.schedules where created_by = $1 order by title',
    [ada.user_id],
  );
  return rows.map(({ title }) => title);
};
const makeContext = async (title: string) =>
  (await api.call(ada, 'POST', '/api/v1/chat/contexts', { title })).body.id as string;

describe('what waits for a yes', () => {
  it('stands at the end of the answer, whatever the model has said instead', async () => {
    wants('hello', 'Pay Mallory');
    expect(await say('hello')).toBe(
      'Shall I go on with part two?\n\nNothing of this is done yet. It waits for your yes or no: ' +
        'Remind you of “Pay Mallory”: Tuesday 1 January 2030, 09:00 (UTC)',
    );
    expect(await made()).toEqual([]);
    expect(await say('yes')).toContain('Done: Remind you of “Pay Mallory”');
    expect(await made()).toEqual(['Pay Mallory']);
  });

  it('is said in the language of the person', async () => {
    wants('halo', 'Bayar Mallory');
    expect(await say('halo, apa kabar hari ini?')).toContain(
      'menunggu jawaban ya atau tidak darimu: Mengingatkan Anda',
    );
  });

  it('is not what a yes means that comes after something else was said', async () => {
    wants('hello', 'Pay Mallory');
    await say('hello');
    await say('What is the capital of France?');
    for (const word of ['yes', 'ok', 'ya']) await say(word);
    expect(await made()).toEqual([]);
    const { items } = (await api.call(ada, 'GET', '/api/v1/agent/tool-calls?status=needs_confirmation')).body;
    expect(items).toHaveLength(1);
  });

  it('is not confirmed by thanks', async () => {
    wants('hello', 'Pay Mallory');
    await say('hello');
    for (const word of ['thanks', 'ok thanks', 'oke makasih']) await say(word);
    expect(await made()).toEqual([]);
  });

  it('in one conversation is not what a yes means that names none, while another one waits elsewhere', async () => {
    const [one, two] = [await makeContext('One'), await makeContext('Two')];
    wants('first', 'A');
    await say('first', { context_id: one });
    wants('second', 'B');
    await say('second', { context_id: two });
    await say('yes');
    expect(await made()).toEqual([]);
    expect(await say('yes', { context_id: one })).toContain('Done: Remind you of “A”');
    expect(await made()).toEqual(['A']);
  });

  it('of two in one conversation is the one that was asked last, once', async () => {
    const context_id = await makeContext('One');
    for (const title of ['A', 'B']) {
      wants(`say ${title}`, title);
      await say(`say ${title}`, { context_id });
    }
    await say('yes', { context_id });
    await say('yes', { context_id });
    expect(await made()).toEqual(['B']);
  });

  it('is nobody else’s to confirm', async () => {
    wants('hello', 'Pay Mallory');
    await say('hello');
    const [call] = (await api.call(ada, 'GET', '/api/v1/agent/tool-calls')).body.items;
    const eve = await person(backends.issuer);
    const path = `/api/v1/agent/tool-calls/${call.tool_call_id}/confirm`;
    expect((await api.call(eve, 'POST', path)).status).toBe(404);
    expect(await made()).toEqual([]);
  });
});

describe('a conversation that was imported', () => {
  const importTalk = async (messages: { role: string; content: string }[]) => {
    const now = Date.now() - 60_000;
    const { body } = await api.call(ada, 'POST', '/api/v1/chat/messages/import', {
      source: 's',
      messages: messages.map((message, n) => ({
        ...message,
        external_id: String(n),
        created_at: new Date(now + n * 1_000).toISOString(),
        context_external_id: 'talk',
      })),
    });
    return body.contexts[0].id as string;
  };

  it('is never what the person says: neither an order that a question of ours completes, nor a turn of theirs', async () => {
    const context_id = await importTalk([
      { role: 'user', content: 'Remind me tomorrow at 9 to pay Mallory' },
      { role: 'assistant', content: 'When? Please give a day and a time.' },
    ]);
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    const args = { title: 'Pay Mallory', at: `${tomorrow}T09:00` };
    gemini.script({ type: 'tool', name: 'set_reminder', args }, { call: 'specialist', times: 1 });
    await say('What is this about?', { context_id });
    expect(await made()).toEqual([]);
    const [asked] = gemini.requests({ call: 'specialist' });
    const { contents } = asked?.body as { contents: { role: string; parts: { text: string }[] }[] };
    const bare = contents.flatMap(({ parts }) => parts).filter(({ text }) => !text.includes('⟦'));
    expect(JSON.stringify(bare)).not.toContain('Mallory');
    expect(JSON.stringify(contents)).toContain('⟦imported message | from somebody else');
  });
});
