import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { askTogether } from './ask-together.ts';

test('questions of one turn go together, each gets its own answer', async () => {
  const rounds: number[][] = [];
  const ask = askTogether(async (questions: number[]) => {
    rounds.push(questions);
    await turn();
    return questions.map((question) => question * 2);
  });
  expect(await Promise.all([1, 2, 3].map(ask))).toEqual([2, 4, 6]);
  expect(await Promise.all(Array.from({ length: 19 }, (_, n) => ask(n)))).toEqual(
    Array.from({ length: 19 }, (_, n) => n * 2),
  );
  expect(rounds.map(({ length }) => length)).toEqual([3, 8, 8, 3]);
});

test('a question that comes while others are under way does not join them', async () => {
  let value = 1;
  const ask = askTogether(async (questions: string[]) => {
    const read = value;
    await turn();
    return questions.map(() => read);
  });
  const early = ask('early');
  await turn();
  value = 2;
  const late = ask('late');
  expect(await Promise.all([early, late])).toEqual([1, 2]);
});

test('a round that fails fails for those who were in it, and for nobody after', async () => {
  let fails = true;
  const ask = askTogether(async (questions: number[]) => {
    await turn();
    if (fails) throw new Error('away');
    return questions;
  });
  const results = await Promise.allSettled([ask(1), ask(2)]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  fails = false;
  expect(await ask(3)).toBe(3);
});
