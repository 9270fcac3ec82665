import type { Db } from '@potentia/db/client';
import { expect, it } from 'vitest';
import { takeTurn } from './search-turns.ts';

const anyDb = (): Db => ({}) as Db;

it('of many searches four run, and each of the others when one ends, also one that fails', async () => {
  const db = anyDb();
  const ends: (() => void)[] = [];
  let most = 0;
  let running = 0;
  const search = async (): Promise<void> => {
    running += 1;
    most = Math.max(most, running);
    await new Promise<void>((resolve) => ends.push(resolve));
    running -= 1;
    if (ends.length % 2 === 0) throw new Error('no');
  };
  const all = Promise.allSettled(Array.from({ length: 12 }, () => takeTurn(db, search)));
  for (let ended = 0; ended < 12; ended++) {
    await expect.poll(() => ends.length).toBeGreaterThan(ended);
    ends[ended]?.();
  }
  expect(await all).toHaveLength(12);
  expect(most).toBe(4);
  expect(await takeTurn(db, () => Promise.resolve('again'))).toBe('again');
});

it('is refused when too many wait, and when its turn does not come', async () => {
  const db = anyDb();
  let end = (): void => undefined;
  const held = new Promise<void>((resolve) => (end = resolve));
  const running = Array.from({ length: 4 }, () => takeTurn(db, () => held));
  const waiting = Array.from({ length: 64 }, () => takeTurn(db, () => held));
  const refused = Promise.allSettled(waiting);
  await expect(takeTurn(db, () => held)).rejects.toMatchObject({ code: 'search.busy', kind: 'limit' });
  expect(new Set((await refused).map(({ status }) => status))).toEqual(new Set(['rejected']));
  end();
  await Promise.all(running);
  expect(await takeTurn(db, () => Promise.resolve('again'))).toBe('again');
});
