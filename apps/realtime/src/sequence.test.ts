import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type Entry, MAX_FILL, Sequence } from './sequence.ts';

const entry = (seq: number): Entry => ({ seq, frame: `frame ${seq}` });
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

interface Harness {
  sequence: Sequence;
  delivered: number[];
  reads: Array<() => void>;
  lost: number;
  errors: number;
}

/** A sequence over a log of `1..length()`; with `manual`, reads wait until the test settles them. */
function harness(length: () => number, options: { manual?: boolean; fail?: () => boolean } = {}): Harness {
  const h: Harness = { delivered: [], reads: [], lost: 0, errors: 0, sequence: undefined as never };
  h.sequence = new Sequence({
    read: (after, limit) =>
      new Promise((resolve, reject) => {
        const settle = (): void => {
          if (options.fail?.()) return reject(new Error('postgres is away'));
          resolve(range(after + 1, Math.min(after + limit, length())).map(entry));
        };
        if (options.manual) h.reads.push(settle);
        else settle();
      }),
    deliver: ({ seq, frame }) => {
      expect(frame).toBe(`frame ${seq}`);
      h.delivered.push(seq);
    },
    onLost: () => (h.lost += 1),
    onError: () => (h.errors += 1),
  });
  return h;
}

const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
};

describe('Sequence', () => {
  it('delivers each seq once and in order, whatever is lost, repeated, reordered or unreadable on the way', async () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ do: fc.constant('receive' as const), seq: fc.integer({ min: 1, max: 60 }) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant('observe' as const), seq: fc.integer({ min: 1, max: 60 }) }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('settle' as const), seq: fc.constant(0) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('turn' as const), seq: fc.constant(0) }) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 30 }),
        fc.array(step, { maxLength: 80 }),
        fc.array(fc.boolean(), { maxLength: 8 }),
        fc.integer({ min: 0, max: 80 }),
        async (from, steps, failures, start_after) => {
          let settling = false;
          const outcomes = [...failures];
          const h = harness(() => 60, { manual: true, fail: () => !settling && outcomes.shift() === true });
          for (const [index, { do: action, seq }] of steps.entries()) {
            if (index === start_after) h.sequence.start(from);
            if (action === 'receive') h.sequence.receive(entry(seq));
            if (action === 'observe') h.sequence.observe(seq);
            if (action === 'settle') h.reads.shift()?.();
            if (action !== 'receive') await turns();
          }
          if (h.sequence.position === undefined) h.sequence.start(from);
          settling = true;
          while (h.sequence.position !== 60) {
            h.sequence.observe(60);
            for (const settle of h.reads.splice(0)) settle();
            await turns();
          }
          expect(h.delivered).toEqual(range(from + 1, 60));
          expect(h.lost).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('reads a gap once, however many entries arrive ahead of it', async () => {
    const h = harness(() => 9, { manual: true });
    h.sequence.start(0);
    for (const seq of [3, 5, 4, 9]) h.sequence.receive(entry(seq));
    expect(h.reads).toHaveLength(1);
    h.reads.shift()?.();
    await vi.waitFor(() => expect(h.delivered).toEqual(range(1, 9)));
    expect(h.reads).toHaveLength(0);
  });

  it('does not read when the missing entry arrives by itself and nothing more is known', () => {
    const h = harness(() => 3, { manual: true });
    h.sequence.start(0);
    for (const seq of [1, 2, 2, 1, 3]) h.sequence.receive(entry(seq));
    expect(h.delivered).toEqual([1, 2, 3]);
    expect(h.reads).toHaveLength(0);
  });

  it('asks for a fresh start when more than a thousand are missing, and goes on from there', async () => {
    const h = harness(() => 5_000);
    h.sequence.start(0);
    h.sequence.receive(entry(MAX_FILL + 1));
    await vi.waitFor(() => expect(h.lost).toBe(1));
    expect(h.sequence.position).toBeUndefined();
    h.sequence.receive(entry(2_001));
    h.sequence.start(2_000);
    expect(h.delivered).toEqual([2_001]);
  });

  it('asks for a fresh start when the log no longer holds what is missing', async () => {
    const h = harness(() => 2);
    h.sequence.start(2);
    h.sequence.observe(5);
    await vi.waitFor(() => expect(h.lost).toBe(1));
    expect(h.delivered).toEqual([]);
  });

  it('fills exactly a thousand', async () => {
    const h = harness(() => MAX_FILL);
    h.sequence.start(0);
    h.sequence.observe(MAX_FILL);
    await vi.waitFor(() => expect(h.delivered).toHaveLength(MAX_FILL));
  });

  it('ignores a read that was under way when it was started again', async () => {
    const h = harness(() => 10, { manual: true });
    h.sequence.start(0);
    h.sequence.observe(3);
    h.sequence.reset();
    h.sequence.start(0);
    h.reads.shift()?.();
    await turns();
    expect(h.delivered).toEqual([]);
    expect(h.sequence.position).toBe(0);
  });

  it('holds a bounded number of entries and reads the rest', async () => {
    const h = harness(() => 2_500, { manual: true });
    h.sequence.start(1_499);
    for (const seq of range(1_501, 2_499)) h.sequence.receive(entry(seq));
    h.sequence.receive(entry(1_500));
    await vi.waitFor(() => {
      for (const settle of h.reads.splice(0)) settle();
      expect(h.delivered).toEqual(range(1_500, 2_499));
    });
  });
});
