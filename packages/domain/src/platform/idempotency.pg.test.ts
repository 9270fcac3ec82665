import { withContext } from '@potentia/db/context';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedUser } from '@potentia/db/testing/seed';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCanvas } from '../canvas/create-canvas.ts';
import { listCanvases } from '../canvas/list-canvases.ts';
import type { UserCtx } from './ctx.ts';
import { AppError } from './errors.ts';
import { once, type Once } from './idempotency.ts';
import { personCtx } from './testing/person.ts';
import { newId } from './uuid.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

async function somebody(idempotency_key?: string): Promise<UserCtx> {
  const { user_id } = await seedUser(database.db);
  return personCtx(database.db, user_id, idempotency_key === undefined ? {} : { idempotency_key });
}

const run = <T>(ctx: UserCtx, input: unknown, work: () => Promise<T>, operation = 'test.run'): Promise<Once<T>> =>
  withContext(ctx.db, { user_id: ctx.actor.user_id }, (tx) => once(ctx, tx, operation, input, work));

it('runs each time without a key', async () => {
  const ctx = await somebody();
  await createCanvas(ctx, { title: 'a' });
  await createCanvas(ctx, { title: 'a' });
  expect((await listCanvases(ctx, {})).items).toHaveLength(2);
});

it('answers a repeated key with the first answer, and does nothing more', async () => {
  const ctx = await somebody(newId());
  const first = await createCanvas(ctx, { title: 'a' });
  expect(first.replayed).toBe(false);
  expect(await createCanvas(ctx, { title: 'a' })).toEqual({ result: first.result, replayed: true });
  expect((await listCanvases(ctx, {})).items).toHaveLength(1);
});

it('runs once when the same key comes many times at once', async () => {
  const ctx = await somebody(newId());
  const answers = await Promise.all(Array.from({ length: 6 }, () => createCanvas(ctx, { title: 'a' })));
  expect(new Set(answers.map(({ result }) => result.id)).size).toBe(1);
  expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
  expect((await listCanvases(ctx, {})).items).toHaveLength(1);
});

it('refuses a key that was used for another body or another operation', async () => {
  const ctx = await somebody(newId());
  const reused = expect.objectContaining({ kind: 'conflict', code: 'idempotency.key_reused' }) as Error;
  await run(ctx, { a: 1 }, () => Promise.resolve('done'));
  await expect(run(ctx, { a: 2 }, () => Promise.resolve('done'))).rejects.toThrow(reused);
  await expect(run(ctx, { a: 1 }, () => Promise.resolve('done'), 'test.other')).rejects.toThrow(reused);
});

it('keeps nothing of work that failed, so that the key can be used again', async () => {
  const ctx = await somebody(newId());
  const failure = new AppError('conflict', 'test.failed', 'No');
  await expect(run(ctx, 1, () => Promise.reject(failure))).rejects.toBe(failure);
  expect(await run(ctx, 1, () => Promise.resolve([null]))).toEqual({ result: [null], replayed: false });
  expect(await run(ctx, 1, () => Promise.resolve(['other']))).toEqual({ result: [null], replayed: true });
});

it('keeps the keys of two people apart', async () => {
  const key = newId();
  const [ada, ben] = [await somebody(key), await somebody(key)];
  await createCanvas(ada, { title: 'a' });
  expect((await createCanvas(ben, { title: 'b' })).replayed).toBe(false);
});
