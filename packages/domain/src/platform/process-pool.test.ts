import { createLogger } from '@potentia/config/logger';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import {
  createProcessPool,
  PoolBusy,
  type ProcessPool,
  type ProcessPoolOptions,
  ProcessEnded,
} from './process-pool.ts';
import type { PoolTask } from './testing/pool-script.ts';

type TestPool = AsyncDisposable & {
  ask(task: PoolTask, owner?: string): Promise<unknown>;
  close: ProcessPool['close'];
};

function makePool(overrides: Partial<ProcessPoolOptions> = {}): TestPool {
  const pool = createProcessPool({
    script: new URL('./testing/pool-script.ts', import.meta.url),
    size: 1,
    max_waiting: 4,
    wait_ms: 10_000,
    task_ms: 10_000,
    heap_mb: 64,
    log: createLogger({ service: 'test', level: 'silent' }),
    ...overrides,
  });
  return {
    ...pool,
    ask: (task, owner = 'somebody') => pool.ask(task, owner),
    [Symbol.asyncDispose]: () => pool.close(),
  };
}

const pidOf = async (pool: TestPool): Promise<number> => ((await pool.ask({ echo: 0 })) as { pid: number }).pid;
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

it('answers each task with its own answer, from a process that it keeps', async () => {
  await using pool = makePool();
  const answers = (await Promise.all([1, 2, 3].map((echo) => pool.ask({ echo })))) as { pid: number; echo: number }[];
  expect(answers.map(({ echo }) => echo)).toEqual([1, 2, 3]);
  expect(new Set(answers.map(({ pid }) => pid)).size).toBe(1);
  expect(answers[0]!.pid).not.toBe(process.pid);
});

it('gives its processes no environment', async () => {
  await using pool = makePool();
  expect(await pool.ask({ end: 'env' })).not.toContain('PATH');
});

it('passes on what the work throws and keeps the process', async () => {
  await using pool = makePool();
  const pid = await pidOf(pool);
  await expect(pool.ask({ end: 'throw' })).rejects.toThrow(RangeError);
  expect(await pidOf(pool)).toBe(pid);
});

it('kills a task that does not end while the event loop goes on, and does the next one', async () => {
  await using pool = makePool({ task_ms: 500 });
  await pool.ask({ echo: 0 });
  let settled = false;
  const endless = pool.ask({ end: 'loop' }).finally(() => (settled = true));
  const refused = expect(endless).rejects.toMatchObject({ constructor: ProcessEnded, reason: 'too_long' });
  let turns = 0;
  for (; !settled; turns += 1) await sleep(1);
  await refused;
  expect(turns).toBeGreaterThan(20);
  expect(await pool.ask({ echo: 'next' })).toMatchObject({ echo: 'next' });
});

it('says so when a process crashes, and does the next task', async () => {
  await using pool = makePool();
  await expect(pool.ask({ end: 'exit' })).rejects.toMatchObject({ constructor: ProcessEnded, reason: 'crashed' });
  expect(await pool.ask({ echo: 'next' })).toMatchObject({ echo: 'next' });
});

it('outlives a task that fills the memory', async () => {
  await using pool = makePool();
  await expect(pool.ask({ end: 'fill' })).rejects.toMatchObject({ constructor: ProcessEnded, reason: 'out_of_memory' });
  expect(await pool.ask({ echo: 'next' })).toMatchObject({ echo: 'next' });
});

it('starts another process when one was killed between tasks', async () => {
  await using pool = makePool();
  const pid = await pidOf(pool);
  process.kill(pid, 'SIGKILL');
  await expect.poll(() => isAlive(pid)).toBe(false);
  expect(await pidOf(pool)).not.toBe(pid);
});

it('says so when a process cannot start', async () => {
  await using pool = makePool({ script: new URL('./testing/missing.ts', import.meta.url) });
  await expect(pool.ask({ echo: 1 })).rejects.toMatchObject({ constructor: ProcessEnded, reason: 'crashed' });
});

it('refuses at once what finds no place to wait', async () => {
  await using pool = makePool({ size: 2, max_waiting: 1 });
  const accepted = [1, 2, 3].map((echo) => pool.ask({ echo }, `owner ${echo}`));
  await expect(pool.ask({ echo: 4 }, 'owner 4')).rejects.toThrow(PoolBusy);
  expect(await Promise.all(accepted)).toHaveLength(3);
});

it('leaves a process to the others, however many tasks one owner has', async () => {
  await using pool = makePool({ size: 2, max_waiting: 8, task_ms: 3_000 });
  const order: string[] = [];
  const greedy = [1, 2, 3].map(() => pool.ask({ end: 'loop' }, 'greedy').catch(() => order.push('greedy')));
  await Promise.all(['a', 'b', 'c'].map((echo) => pool.ask({ echo }, echo).then(() => order.push(echo))));
  expect(order).toEqual(['a', 'b', 'c']);
  await pool.close();
  await Promise.all(greedy);
});

it('refuses, when no place to wait is left, the latest of the owner with most', async () => {
  await using pool = makePool({ max_waiting: 3 });
  const [running, first, second, third] = [1, 2, 3, 4].map((echo) => pool.ask({ echo }, 'greedy'));
  const refused = Promise.all([third, second].map((one) => expect(one).rejects.toThrow(PoolBusy)));
  const others = ['a', 'b'].map((echo) => pool.ask({ echo }, echo));
  await expect(pool.ask({ echo: 'c' }, 'c')).rejects.toThrow(PoolBusy);
  await refused;
  expect(await Promise.all([running, first, ...others])).toHaveLength(4);
});

it('refuses what waited too long, and goes on', async () => {
  await using pool = makePool({ wait_ms: 50 });
  const slow = pool.ask({ sleep_ms: 400 });
  await expect(pool.ask({ echo: 1 })).rejects.toThrow(PoolBusy);
  expect(await slow).toBe('timed-out');
  expect(await pool.ask({ echo: 2 })).toMatchObject({ echo: 2 });
});

it('ends its processes and refuses what waits when it is closed', async () => {
  const pool = makePool();
  const pid = await pidOf(pool);
  const refused = Promise.all([
    expect(pool.ask({ end: 'loop' })).rejects.toThrow(ProcessEnded),
    expect(pool.ask({ echo: 1 })).rejects.toThrow(PoolBusy),
  ]);
  await pool.close();
  await refused;
  expect(isAlive(pid)).toBe(false);
  await expect(pool.ask({ echo: 2 })).rejects.toThrow(PoolBusy);
});
