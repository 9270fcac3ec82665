import { expect, it } from 'vitest';
import { runBounded, TookTooLong } from './bounded.ts';

it('gives back what the work gives back', () => {
  expect(runBounded(1_000, () => [1, 2])).toEqual([1, 2]);
});

it('passes on what the work throws', () => {
  expect(() =>
    runBounded(1_000, () => {
      throw new RangeError('no');
    }),
  ).toThrow(RangeError);
});

it('stops work that does not end', () => {
  expect(() =>
    runBounded(20, () => {
      for (;;);
    }),
  ).toThrow(TookTooLong);
});
