import { expect, test } from 'vitest';
import type { Embedder } from '../agent/model.ts';
import { AppError } from '../platform/errors.ts';
import { embedTexts } from './embed-texts.ts';

const PROBE = 'Hello.';

/** Fails as told; its vectors have the length of the text. */
function makeEmbedder(failWith: (texts: string[]) => AppError | null) {
  const asked: string[][] = [];
  const embedder: Embedder = {
    model: 'm',
    dimensions: 768,
    embed(texts) {
      asked.push(texts);
      const failure = failWith(texts);
      if (failure) return Promise.reject(failure);
      const usage = { prompt_tokens: texts.length, output_tokens: 0, thought_tokens: 0, cached_tokens: 0 };
      const report = { provider: 'p', model: 'm', usage, calls: 1 };
      const result = texts.map((text) => [text.length, ...Array<number>(767).fill(0)]);
      return Promise.resolve({ result, is_defaulted: false, report });
    },
  };
  return { embedder, asked };
}

const items = (texts: string[]) => texts.map((text) => ({ text }));
const signal = AbortSignal.timeout(60_000);
const refused = new AppError('precondition', 'model.refused', 'no');
const away = new AppError('unavailable', 'model.unavailable', 'away');
const limited = new AppError('limit', 'model.rate_limited', 'later', { retry_after_ms: 2_000 });
const kindsOf = ({ outcomes }: { outcomes: Map<unknown, object> }) => [...outcomes.values()].flatMap(Object.keys);

test('vectors are made unit vectors, in the order of the texts', async () => {
  const { embedder } = makeEmbedder(() => null);
  const texts = items(['a', 'bcd']);
  const { outcomes, calls } = await embedTexts(embedder, texts, signal);
  for (const item of texts) expect(outcomes.get(item)).toMatchObject({ vector: expect.arrayContaining([1, 0]) });
  expect(calls).toMatchObject([{ items: texts, report: { calls: 1 } }]);
});

test('of 64 texts the one that is refused is found, and the others are embedded', async () => {
  const texts = items(Array.from({ length: 64 }, (_, n) => `text ${String(n)}`));
  const { embedder, asked } = makeEmbedder((list) => (list.includes('text 41') ? refused : null));
  const { outcomes, calls } = await embedTexts(embedder, texts, signal);
  expect(outcomes.get(texts[41]!)).toEqual({ refused });
  expect([...outcomes.values()].filter((outcome) => 'vector' in outcome)).toHaveLength(63);
  // Seven that fail, six that do not, and the question twice whether it is there at all.
  expect(asked).toHaveLength(15);
  expect(calls.flatMap((call) => call.items)).toHaveLength(63);
});

test('a text that breaks the provider is told from a provider that is away', async () => {
  const breaking = makeEmbedder((list) => (list.includes('b') ? away : null));
  expect(kindsOf(await embedTexts(breaking.embedder, items(['a', 'b', 'c']), signal)).toSorted()).toEqual(
    ['refused', 'vector', 'vector'], // prettier-ignore
  );
  const gone = makeEmbedder(() => away);
  expect(kindsOf(await embedTexts(gone.embedder, items(['a', 'b', 'c']), signal))).toEqual(Array(3).fill('waiting'));
  expect(gone.asked).toEqual([['a', 'b', 'c'], [PROBE]]);
});

test('one that goes away halfway keeps what it gave, and the rest waits', async () => {
  let calls = 0;
  const { embedder } = makeEmbedder((list) => {
    calls += 1;
    if (calls > 3) return away;
    return list.includes('d') ? refused : null;
  });
  const { outcomes } = await embedTexts(embedder, items(['a', 'b', 'c', 'd']), signal);
  expect([...outcomes.values()].flatMap(Object.keys)).toEqual(['vector', 'vector', 'waiting', 'waiting']);
});

test('no text is looked for when it is the rate that is refused, or the work was stopped', async () => {
  const { embedder, asked } = makeEmbedder(() => limited);
  const { outcomes } = await embedTexts(embedder, items(['a', 'b']), signal);
  expect([...outcomes.values()]).toEqual([{ waiting: limited }, { waiting: limited }]);
  expect(asked).toHaveLength(1);
  const stopped = makeEmbedder(() => refused);
  expect(kindsOf(await embedTexts(stopped.embedder, items(['a']), AbortSignal.abort()))).toEqual(['waiting']);
});

test('vectors that are none are like no answer', async () => {
  const { embedder } = makeEmbedder(() => null);
  for (const result of [[], [[1, 2]], [Array<number>(768).fill(0)], [Array<number>(768).fill(NaN)]]) {
    const broken: Embedder = {
      ...embedder,
      embed: async (...args) => ({ ...(await embedder.embed(...args)), result }),
    };
    expect(kindsOf(await embedTexts(broken, items(['a']), signal))).toEqual(['waiting']);
  }
});
