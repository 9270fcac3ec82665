import type { Db } from '@potentia/db/client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { newId } from '../platform/uuid.ts';
import { writeCanvas } from './canvas-queue.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Answers who may see a canvas: everybody but strangers. */
const makeDb = () => {
  const asked: unknown[] = [];
  const call = async (_text: string, [user_id]: readonly unknown[] = []) => {
    asked.push(user_id);
    return [{ role: user_id === 'stranger' ? null : 'editor' }];
  };
  return { asked, call } as unknown as Db & { asked: unknown[] };
};

/** Writers of one canvas, each at its work until it is told to end. By default each is somebody else. */
function openCanvas(db = makeDb(), canvas_id: string = newId()) {
  const started: number[] = [];
  const ends = new Map<number, (error?: Error) => void>();
  const write = (name: number, user_id = `person ${name}`): Promise<number> =>
    writeCanvas({ db, actor: { type: 'user', user_id } }, canvas_id, () => {
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
  const done = Promise.allSettled([1, 2, 3, 4, 5].map((name) => write(name)));
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
  for (const { write } of [first, ...others]) void Promise.all([1, 2].map((name) => write(name)));
  await vi.advanceTimersByTimeAsync(0);
  for (const { started } of [first, ...others]) expect(started).toEqual([1, 2]);
});

it('refuses what finds no place in the queue, at once', async () => {
  const { write } = openCanvas();
  const rest = Array.from({ length: 130 }, (_, name) => write(name));
  await vi.advanceTimersByTimeAsync(0);
  await expect(write(130)).rejects.toMatchObject(busy);
  const refused = Promise.all(rest.slice(2).map((one) => expect(one).rejects.toMatchObject(busy)));
  await vi.advanceTimersByTimeAsync(1_000);
  await refused;
});

it('refuses what waited a second, which then never starts, and goes on with the next', async () => {
  const { started, write, end } = openCanvas();
  const ended = [1, 2].map((name) => write(name));
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

it('tells a stranger that there is no such canvas, however busy it is, and gives them no place', async () => {
  const { write, db } = openCanvas();
  const rest = Array.from({ length: 130 }, (_, name) => write(name));
  await vi.advanceTimersByTimeAsync(0);
  await expect(write(130, 'stranger')).rejects.toMatchObject({
    kind: 'not_found',
    code: 'canvas.not_found',
    message: 'There is no such canvas.',
    meta: {},
  });
  expect(db.asked).toHaveLength(129);
  const refused = Promise.allSettled(rest.slice(2));
  await vi.advanceTimersByTimeAsync(1_000);
  await refused;
});

it('asks nothing of the two who need not wait, and once of somebody who waits already', async () => {
  const { write, end, db } = openCanvas();
  const all = [1, 2, 3].map((name) => write(name, 'ada'));
  await vi.advanceTimersByTimeAsync(0);
  all.push(write(4, 'ada'));
  await vi.advanceTimersByTimeAsync(0);
  expect(db.asked).toEqual(['ada']);
  for (const name of [1, 2, 3, 4]) {
    end(name);
    await vi.advanceTimersByTimeAsync(0);
  }
  expect(await Promise.all(all)).toEqual([1, 2, 3, 4]);
});

it('gives one person half of the places, and the rest to others', async () => {
  const { write } = openCanvas();
  const rest = Array.from({ length: 66 }, (_, name) => write(name, 'ada'));
  await vi.advanceTimersByTimeAsync(0);
  await expect(write(66, 'ada')).rejects.toMatchObject(busy);
  rest.push(write(67, 'bob'));
  const outcome = Promise.allSettled(rest.slice(2));
  await vi.advanceTimersByTimeAsync(1_000);
  expect((await outcome).map(({ status }) => status)).toEqual(rest.slice(2).map(() => 'rejected'));
});
