import type { Db } from '@potentia/db/client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { newId } from '../platform/uuid.ts';
import { writeCanvas } from './canvas-queue.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const makeDb = () => ({}) as Db;

/** Writers of one canvas, each at its work until it is told to end. */
function openCanvas(db = makeDb(), canvas_id: string = newId()) {
  const started: number[] = [];
  const ends = new Map<number, (error?: Error) => void>();
  const write = (name: number): Promise<number> =>
    writeCanvas({ db }, canvas_id, () => {
      started.push(name);
      return new Promise((resolve, reject) => {
        ends.set(name, (error) => (error ? reject(error) : resolve(name)));
      });
    });
  return { db, started, write, end: (name: number, error?: Error) => ends.get(name)?.(error) };
}

const busy = { kind: 'limit', code: 'canvas.busy', meta: { retry_after_ms: 1_000 } };

it('lets two writers of a canvas go to Postgres, and the others in their order as one ends, well or not', async () => {
  const { started, write, end } = openCanvas();
  const done = Promise.allSettled([1, 2, 3, 4, 5].map(write));
  await vi.advanceTimersByTimeAsync(0);
  expect(started).toEqual([1, 2]);
  end(2, new Error('refused'));
  await vi.advanceTimersByTimeAsync(0);
  expect(started).toEqual([1, 2, 3]);
  for (const name of [1, 3, 4, 5]) {
    end(name);
    await vi.advanceTimersByTimeAsync(0);
  }
  expect(started).toEqual([1, 2, 3, 4, 5]);
  expect((await done).map(({ status }) => status).filter((status) => status === 'rejected')).toHaveLength(1);
});

it('keeps no canvas waiting for another, nor for the same one in another database', async () => {
  const first = openCanvas();
  const canvas_id = newId();
  const others = [openCanvas(first.db), openCanvas(first.db, canvas_id), openCanvas(makeDb(), canvas_id)];
  for (const { write } of [first, ...others]) void Promise.all([1, 2].map(write));
  await vi.advanceTimersByTimeAsync(0);
  for (const { started } of [first, ...others]) expect(started).toEqual([1, 2]);
});

it('refuses what finds no place in the queue, at once', async () => {
  const { write } = openCanvas();
  const rest = Array.from({ length: 130 }, (_, name) => write(name));
  await expect(write(130)).rejects.toMatchObject(busy);
  const refused = Promise.all(rest.slice(2).map((one) => expect(one).rejects.toMatchObject(busy)));
  await vi.advanceTimersByTimeAsync(1_000);
  await refused;
});

it('refuses what waited a second, which then never starts, and goes on with the next', async () => {
  const { started, write, end } = openCanvas();
  const ended = [1, 2].map(write);
  const late = expect(write(3)).rejects.toMatchObject(busy);
  await vi.advanceTimersByTimeAsync(900);
  const next = write(4);
  await vi.advanceTimersByTimeAsync(100);
  await late;
  for (const name of [1, 2]) end(name);
  await Promise.all(ended);
  await vi.advanceTimersByTimeAsync(0);
  end(4);
  expect(await next).toBe(4);
  expect(started).toEqual([1, 2, 4]);
});
