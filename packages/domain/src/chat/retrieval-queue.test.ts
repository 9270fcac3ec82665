import type { Db } from '@potentia/db/client';
import { expect, it } from 'vitest';
import { inRetrievalQueue } from './retrieval-queue.ts';

const aDb = (): Db => ({}) as Db;
const { signal } = new AbortController();

it('runs three at a time of one database, in the order in which they came, and loses no place to a failure', async () => {
  const db = aDb();
  const order: number[] = [];
  let running = 0;
  let most = 0;
  const work = async (n: number): Promise<void> => {
    order.push(n);
    most = Math.max(most, (running += 1));
    await new Promise(setImmediate);
    running -= 1;
    if (n % 4 === 0) throw new Error('no');
  };
  const all = Array.from({ length: 12 }, (_, n) => inRetrievalQueue(db, signal, () => work(n)));
  const settled = await Promise.allSettled(all);
  expect(most).toBe(3);
  expect(order).toEqual(Array.from({ length: 12 }, (_, n) => n));
  expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(3);
});

it('does not run what was cancelled while it waited, and holds nobody of another database up', async () => {
  const db = aDb();
  const held: (() => void)[] = [];
  const hold = (): Promise<void> => new Promise((resolve) => held.push(resolve));
  const before = Array.from({ length: 3 }, () => inRetrievalQueue(db, signal, hold));
  const stop = new AbortController();
  const cancelled = inRetrievalQueue(db, stop.signal, () => Promise.resolve('ran'));
  expect(await inRetrievalQueue(aDb(), signal, () => Promise.resolve('ran'))).toBe('ran');
  stop.abort();
  for (const release of held) release();
  await expect(cancelled).rejects.toThrow();
  await Promise.all(before);
  expect(await inRetrievalQueue(db, signal, () => Promise.resolve('again'))).toBe('again');
});
