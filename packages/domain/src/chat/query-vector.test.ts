import { expect, it } from 'vitest';
import type { Embedder, ModelReport } from '../agent/model.ts';
import { queryVector } from './query-vector.ts';

const report: ModelReport = {
  ...{ provider: 'p', model: 'm', calls: 1 },
  usage: { prompt_tokens: 3, output_tokens: 0, thought_tokens: 0, cached_tokens: 0 },
};
const { signal } = new AbortController();

/** An embedder that answers when it is told to. */
function held(): { embedder: Embedder; answer: () => void } {
  const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<Embedder['embed']>>>();
  return {
    embedder: { model: 'm', dimensions: 768, embed: () => promise },
    answer: () => {
      resolve({ result: [[1]], is_defaulted: false, report });
    },
  };
}

it('a vector that comes in time is used, and nobody is told that it was late', async () => {
  const { embedder, answer } = held();
  answer();
  const late: ModelReport[] = [];
  const found = await queryVector({ embedder }, 'q', { signal, onLate: (told) => late.push(told) });
  expect(found).toEqual({ vector: [1], model: 'm', report });
  expect(late).toEqual([]);
});

it('one that comes when nobody waits for it any more is told of, once, so that it is paid', async () => {
  const { embedder, answer } = held();
  const told = Promise.withResolvers<ModelReport>();
  const found = await queryVector({ embedder }, 'q', { signal, within_ms: 1, onLate: told.resolve });
  expect(found).toBe('unavailable');
  answer();
  expect(await told.promise).toBe(report);
});

it('one that fails late is nobody’s', async () => {
  const { promise, reject } = Promise.withResolvers<never>();
  const embedder: Embedder = { model: 'm', dimensions: 768, embed: () => promise };
  const late: ModelReport[] = [];
  expect(await queryVector({ embedder }, 'q', { signal, within_ms: 1, onLate: (told) => late.push(told) })).toBe(
    'unavailable',
  );
  reject(new Error('too late'));
  await expect(promise).rejects.toThrow();
  expect(late).toEqual([]);
});
