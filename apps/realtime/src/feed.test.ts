import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Feed, type Member, type Opening } from './feed.ts';
import type { Entry } from './sequence.ts';
import { type ClientSocket, type FrameGroup } from './socket.ts';

/** What stands in for a client: keeps the frames in the order in which a socket would write them. */
class TestSocket {
  #parts: Array<string | FrameGroup> = [];

  send(text: string): void {
    this.#parts.push(text);
  }

  send_group(group: FrameGroup): void {
    this.#parts.push(group);
  }

  /** Reads the payloads back; every frame here is shorter than 126 bytes. */
  read(): string[] {
    return this.#parts.flatMap((part) => {
      if (typeof part === 'string') return [part];
      const bytes = part.bytes();
      const texts: string[] = [];
      for (let at = 0; at < bytes.length; at += 2 + bytes[at + 1]!) {
        texts.push(bytes.toString('utf8', at + 2, at + 2 + bytes[at + 1]!));
      }
      return texts;
    });
  }
}

/** A canvas as Postgres holds it: an epoch and how many events there are. */
interface Truth {
  epoch: string;
  head: number;
}

const frameOf = (truth: Truth, seq: number): string => `${truth.epoch}:${seq}`;

class TestMember implements Member {
  readonly test_socket = new TestSocket();
  readonly socket = this.test_socket as unknown as ClientSocket;
  failed: unknown;
  opened = 0;
  readonly #truth: Truth;
  readonly #gate: () => Promise<void>;

  constructor(truth: Truth, gate: () => Promise<void>) {
    this.#truth = truth;
    this.#gate = gate;
  }

  async open(): Promise<Opening> {
    const { epoch, head } = this.#truth;
    await this.#gate();
    this.opened += 1;
    return { epoch, seq: head, frames: [`snapshot ${epoch}:${head}`] };
  }

  on_failed(error: unknown): void {
    this.failed = error;
  }
}

/** A member's frames are right when each run after a snapshot counts on from it, and the last run ends at the truth. */
function expectWhole(frames: string[], truth: Truth): void {
  let at: Truth | undefined;
  for (const frame of frames) {
    const snapshot = frame.startsWith('snapshot ');
    const [epoch, seq] = frame.replace('snapshot ', '').split(':') as [string, string];
    if (!snapshot) expect({ epoch, seq: Number(seq) }).toEqual({ epoch: at?.epoch, seq: (at?.head ?? NaN) + 1 });
    at = { epoch, head: Number(seq) };
  }
  expect(at).toEqual(truth);
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 50; i += 1) await Promise.resolve();
};

describe('Feed', () => {
  it('gives every member a snapshot and then each event once, however joins, losses, reads and new epochs interleave', async () => {
    const action = fc.oneof(
      { weight: 5, arbitrary: fc.constant('commit' as const) },
      { weight: 3, arbitrary: fc.constant('commit lost' as const) },
      { weight: 2, arbitrary: fc.constant('repeat' as const) },
      { weight: 2, arbitrary: fc.constant('join' as const) },
      { weight: 4, arbitrary: fc.constant('let a read through' as const) },
      { weight: 2, arbitrary: fc.constant('poll' as const) },
      { weight: 1, arbitrary: fc.constant('restart' as const) },
      { weight: 1, arbitrary: fc.constant('leave' as const) },
      { weight: 1, arbitrary: fc.constant('new epoch' as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60 }), fc.nat(), async (actions, seed) => {
        const truth: Truth = { epoch: 'e0', head: 3 };
        const gates: Array<() => void> = [];
        const gate = (): Promise<void> => new Promise((resolve) => gates.push(resolve));
        const members: TestMember[] = [];
        const feed = new Feed({
          async read(after, limit): Promise<Entry[]> {
            const { epoch, head } = truth;
            await gate();
            const count = Math.max(0, Math.min(limit, head - after));
            return Array.from({ length: count }, (_, i) => ({
              seq: after + 1 + i,
              frame: frameOf({ epoch, head }, after + 1 + i),
            }));
          },
          on_error: () => expect.unreachable(),
          on_lost: () => undefined,
        });
        let epochs = 0;
        for (const [index, what] of actions.entries()) {
          const pick = (seed + index * 7) % 5;
          if (what === 'commit' || what === 'commit lost') truth.head += 1;
          // A feed that nobody follows is not subscribed.
          if (what === 'commit' && members.length > 0)
            feed.receive({ seq: truth.head, frame: frameOf(truth, truth.head) });
          if (what === 'repeat' && members.length > 0 && truth.head > 0) {
            const seq = Math.max(1, truth.head - pick);
            feed.receive({ seq, frame: frameOf(truth, seq) });
          }
          if (what === 'join') {
            const member = new TestMember(truth, gate);
            members.push(member);
            void feed.join(member);
          }
          if (what === 'let a read through') gates.splice(pick % Math.max(1, gates.length), 1)[0]?.();
          if (what === 'poll') feed.observe(truth.epoch, truth.head);
          if (what === 'restart' && members[0]) void feed.restart(members[0]);
          if (what === 'leave') {
            const member = members.shift();
            if (member) feed.leave(member);
          }
          if (what === 'new epoch') {
            // Nothing of the old epoch is on its way any more: a restored database starts with every hub's poll.
            epochs += 1;
            Object.assign(truth, { epoch: `e${epochs}`, head: pick });
            for (let round = 0; round < 20; round += 1) {
              for (const open of gates.splice(0)) open();
              await settle();
              feed.observe(truth.epoch, truth.head);
            }
          }
          await settle();
        }
        for (let round = 0; round < 20; round += 1) {
          for (const open of gates.splice(0)) open();
          await settle();
          feed.observe(truth.epoch, truth.head);
        }
        for (const member of members) {
          expect(member.failed).toBeUndefined();
          expectWhole(member.test_socket.read(), { ...truth });
        }
      }),
      { numRuns: 500 },
    );
  });

  it('sends ephemeral frames to those who have started, and no others', async () => {
    const truth: Truth = { epoch: 'e', head: 0 };
    const feed = new Feed({ read: () => Promise.resolve([]), on_error: () => undefined, on_lost: () => undefined });
    const started = new TestMember(truth, () => Promise.resolve());
    await feed.join(started);
    const waiting = new TestMember(truth, () => new Promise(() => undefined));
    void feed.join(waiting);
    feed.broadcast_ephemeral(['cursor']);
    expect(started.test_socket.read()).toEqual(['snapshot e:0', 'cursor']);
    expect(waiting.test_socket.read()).toEqual([]);
  });

  it('reports a member whose opening fails, and keeps the others', async () => {
    const truth: Truth = { epoch: 'e', head: 0 };
    const feed = new Feed({ read: () => Promise.resolve([]), on_error: () => undefined, on_lost: () => undefined });
    const good = new TestMember(truth, () => Promise.resolve());
    const bad = new TestMember(truth, () => Promise.reject(new Error('postgres is away')));
    await Promise.all([feed.join(good), feed.join(bad)]);
    expect(bad.failed).toMatchObject({ message: 'postgres is away' });
    feed.receive({ seq: 1, frame: 'e:1' });
    expect(good.test_socket.read()).toEqual(['snapshot e:0', 'e:1']);
    expect(bad.test_socket.read()).toEqual([]);
  });

  it('gives all a fresh snapshot when more is missing than is worth reading', async () => {
    const truth: Truth = { epoch: 'e', head: 0 };
    const lost = vi.fn();
    const feed = new Feed({ read: () => Promise.resolve([]), on_error: () => undefined, on_lost: lost });
    const members = [1, 2].map(() => new TestMember(truth, () => Promise.resolve()));
    await Promise.all(members.map((member) => feed.join(member)));
    truth.head = 5_000;
    feed.observe('e', 5_000);
    await settle();
    expect(lost).toHaveBeenCalledTimes(1);
    for (const member of members) expect(member.test_socket.read()).toEqual(['snapshot e:0', 'snapshot e:5000']);
  });
});
