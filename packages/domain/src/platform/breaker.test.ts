import { expect, test, vi } from 'vitest';
import { BreakerOpenError, type BreakerState, createBreaker } from './breaker.ts';

class Away extends Error {}
const fail = (): Promise<never> => Promise.reject(new Away('away'));
const ok = (): Promise<string> => Promise.resolve('ok');

function make(rest_ms: number) {
  const states: BreakerState[] = [];
  const breaker = createBreaker({
    failures: 2,
    rest_ms,
    longest_rest_ms: 1_000,
    isFailure: (error) => error instanceof Away,
    onState: (state) => void states.push(state),
  });
  return { breaker, states };
}

test('it opens after failures in a row, asks nobody while it is open, and closes with the first success', async () => {
  const { breaker, states } = make(20);
  for (let n = 0; n < 2; n += 1) await expect(breaker.run(fail)).rejects.toThrow('away');
  const asked = vi.fn(ok);
  await expect(breaker.run(asked)).rejects.toMatchObject({ name: 'BreakerOpenError', retry_after_ms: 20 });
  expect(asked).not.toHaveBeenCalled();
  await vi.waitFor(async () => expect(await breaker.run(ok)).toBe('ok'));
  expect(states).toEqual(['closed', 'open', 'half_open', 'closed']);
});

test('while one call finds out whether it must stay open, the others are not made', async () => {
  const { breaker } = make(1);
  breaker.note(new Away());
  breaker.note(new Away());
  await vi.waitFor(() => expect(breaker.state).toBe('open'));
  const { promise, resolve } = Promise.withResolvers<string>();
  let probe: Promise<string> | undefined;
  await vi.waitFor(async () => {
    probe = breaker.run(() => promise);
    await Promise.race([probe, new Promise((settled) => setImmediate(settled))]);
  });
  expect(breaker.state).toBe('half_open');
  await expect(breaker.run(ok)).rejects.toBeInstanceOf(BreakerOpenError);
  resolve('back');
  expect(await probe).toBe('back');
  expect(breaker.state).toBe('closed');
});

test('what is refused says nothing about whether the other end is well', async () => {
  const { breaker } = make(1_000);
  for (let n = 0; n < 5; n += 1) await expect(breaker.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(breaker.state).toBe('closed');
});
