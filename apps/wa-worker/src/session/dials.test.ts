import { expect, test } from 'vitest';
import { Dials } from './dials.ts';

test('no more than so many run at a time, in the order of asking, and one that fails makes room', async () => {
  const dials = new Dials(2);
  const started: number[] = [];
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<undefined>());
  const all = gates.map(({ promise }, index) =>
    dials.run(async () => {
      started.push(index);
      await promise;
    }),
  );
  await Promise.resolve();
  expect(started).toEqual([0, 1]);
  gates[1]!.reject(new Error('failed'));
  await expect(all[1]).rejects.toThrow('failed');
  expect(started).toEqual([0, 1, 2]);
  for (const { resolve } of gates) resolve(undefined);
  await Promise.allSettled(all);
  expect(started).toEqual([0, 1, 2, 3, 4]);
});
