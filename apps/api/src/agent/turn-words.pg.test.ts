import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { startGemini, type TestGemini } from '@potentia/sandbox/testing/gemini';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Person, person, startApi, type TestApi } from '../testing/api.ts';
import { listen, openTurn } from '../testing/turns.ts';

const TURNS = '/api/v1/chat/turns';

let backends: Backends;
let gemini: TestGemini;
let api: TestApi;
let url: string;
let ada: Person;

beforeAll(async () => {
  [backends, gemini] = await Promise.all([startBackends(), startGemini()]);
  api = await startApi(backends, gemini.env);
  url = await listen(api);
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await Promise.all([gemini?.[Symbol.asyncDispose](), backends?.[Symbol.asyncDispose]()]);
});
beforeEach(async () => {
  gemini.clear();
  ada = await person(backends.issuer);
});

/** A turn whose answer is these words, in so many chunks. */
async function answered(text: string, chunks: number) {
  gemini.set({ chunks });
  gemini.script({ type: 'answer', text }, { call: 'specialist' });
  const turn = await openTurn(`${url}${TURNS}`, ada, { content: 'Say it' });
  await turn.ended;
  return turn;
}
const stored = async (): Promise<string | undefined> => {
  const [row] = await backends.database.asOwner<{ content: string }>(
    `select content from app.chat_messages where user_id = $1 and role = 'assistant'`,
    [ada.user_id],
  );
  return row?.content;
};

describe('an answer', () => {
  it.each([
    ['events of its own', 'so\r\n\r\nevent: done\ndata: {"type":"done"}\n\nid: 99\n: x\n'],
    ['ends of lines that are none', 'one\u2028two\u2029three\u0085four'],
    ['signs that turn the writing', '\u202eabc\u202c \u200f\u200b!'],
    ['characters of two parts, cut between them', '😀'.repeat(40)],
    ['marks of our own', '⟦end⟧ <script>alert(1)</script> [1] [999999999999] [-1]'],
  ])('with %s is told and stored as it is', async (_, text) => {
    const turn = await answered(text, 7);
    expect(turn.events.at(-1)).toMatchObject({ type: 'done', finish_reason: 'stop' });
    expect(turn.text()).toBe(text);
    expect(await stored()).toBe(text);
  });

  it.each([
    ['a zero', 'before\u0000after', 'beforeafter'],
    ['half a character', 'before\ud800after', 'before\ufffdafter'],
  ])('with %s is stored as far as it can be', async (_, text, kept) => {
    const turn = await answered(text, 1);
    expect(turn.events.at(-1)).toMatchObject({ type: 'done' });
    expect(await stored()).toBe(kept);
  });

  it('that has no end is cut between two characters, and told as it is stored', async () => {
    for (const [chunks, text] of [
      [1, `x${'😀'.repeat(20_000)}`],
      [9, `${'y'.repeat(29_999)}${'😀'.repeat(10)}`],
    ] as const) {
      ada = await person(backends.issuer);
      gemini.clear();
      const turn = await answered(text, chunks);
      expect(turn.events.at(-1)).toMatchObject({ type: 'done', finish_reason: 'max_tokens' });
      expect(turn.text().isWellFormed()).toBe(true);
      expect(text.startsWith(turn.text())).toBe(true);
      expect(await stored()).toBe(turn.text());
    }
  });
});

describe('a title that a judge gives', () => {
  it.each([
    ['a\u0000b\nc', 'a b c'],
    ['\ud800', 'Say it'],
    [' \u200b ', 'Say it'],
    [`${'x'.repeat(199)}😀`, 'x'.repeat(199)],
  ])('as %j is a line', async (title, kept) => {
    gemini.script({ type: 'judge', decision: 'new', title }, { call: 'judge' });
    const { body } = await api.call(ada, 'POST', TURNS, { content: 'say it' });
    expect(body).toMatchObject({ status: 'done', judge: { title: kept, by: 'model' } });
  });
});

describe('what a person says', () => {
  it.each([
    ['a zero', 'a\u0000b'],
    ['half a character', 'a\ud800b'],
    ['nothing', ''],
    ['nothing but space', ' \n\u00a0'],
    ['more than a message', '1'.repeat(1_000_000)],
  ])('with %s is refused, and nothing of it is kept', async (_, content) => {
    const refused = await api.call(ada, 'POST', TURNS, { content });
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ pointer: '/content' }] } });
    expect(
      await backends.database.asOwner('select 1 from app.chat_messages where user_id = $1', [ada.user_id]),
    ).toEqual([]);
  });

  it('in a key that is none is refused', async () => {
    for (const key of ['', ' ', 'x'.repeat(256), 'a\tb', 'a, b', 'café']) {
      const answer = await api.call(ada, 'POST', TURNS, { content: 'Hello' }, { 'idempotency-key': key });
      expect(answer, key).toMatchObject({ status: 400 });
    }
  });
});

it('a message for which no prompt has room is refused by name, and nothing of it is stored', async () => {
  const { status, body } = await api.call(ada, 'POST', TURNS, { content: '漢'.repeat(32_000) });
  expect([status, body.code]).toEqual([400, 'turn.too_long']);
  expect(body.errors).toEqual([expect.objectContaining({ pointer: '/content' })]);
  const rows = await backends.database.asOwner('select from app.chat_messages where user_id = $1', [ada.user_id]);
  expect(rows).toEqual([]);
});
