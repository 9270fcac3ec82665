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

  sendGroup(group: FrameGroup): void {
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
  readonly #truth: Truth;
  readonly #gate: () => Promise<void>;

  constructor(truth: Truth, gate: () => Promise<void>) {
    this.#truth = truth;
    this.#gate = gate;
  }

  /** The read happens at any time between the question and the answer. */
  async open(): Promise<Opening> {
    await this.#gate();
    const { epoch, head } = this.#truth;
    await this.#gate();
    return { epoch, seq: head, frames: [`snapshot ${epoch}:${head}`] };
  }

  onFailed(error: unknown): void {
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
  it('gives every member a snapshot and then each event once, whatever interleaves, repeats, gets lost or begins anew', async () => {
    const actions = [
      'commit',
      'commit lost',
      'replay',
      'join',
      'answer',
      'poll',
      'restart',
      'leave',
      'new epoch',
    ] as const;
    const step = fc.record({
      what: fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom(...actions) },
        { weight: 4, arbitrary: fc.constantFrom('commit', 'commit lost', 'answer', 'join') },
      ),
      pick: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const truth: Truth = { epoch: '<e0>', head: 3 };
        const published: Entry[] = [];
        const gates: Array<() => void> = [];
        const gate = (): Promise<void> => new Promise((resolve) => gates.push(resolve));
        const members: TestMember[] = [];
        const gone: Array<{ member: TestMember; frames: number }> = [];
        const feed = new Feed({
          async read(after, limit): Promise<Entry[]> {
            await gate();
            const { head } = truth;
            const count = Math.max(0, Math.min(limit, head - after));
            const entries = Array.from({ length: count }, (_, i) => after + 1 + i).map((seq) => ({
              seq,
              frame: frameOf(truth, seq),
            }));
            await gate();
            return entries;
          },
          onError: () => expect.unreachable(),
          onLost: () => undefined,
        });
        const act: Record<(typeof actions)[number], (pick: number) => void> = {
          commit() {
            truth.head += 1;
            published.push({ seq: truth.head, frame: frameOf(truth, truth.head) });
            feed.receive({ seq: truth.head, frame: frameOf(truth, truth.head) });
          },
          'commit lost'() {
            truth.head += 1;
            published.push({ seq: truth.head, frame: frameOf(truth, truth.head) });
          },
          replay(pick) {
            const entry = published[pick % published.length];
            if (entry) feed.receive(entry);
          },
          join() {
            const member = new TestMember(truth, gate);
            members.push(member);
            void feed.join(member);
          },
          answer: (pick) => gates.splice(pick % Math.max(1, gates.length), 1)[0]?.(),
          poll: () => feed.observe(truth.epoch, truth.head),
          restart(pick) {
            const member = members[pick % members.length];
            if (member) void feed.restart(member);
          },
          leave(pick) {
            const [member] = members.splice(pick % Math.max(1, members.length), 1);
            if (!member) return;
            feed.leave(member);
            gone.push({ member, frames: member.test_socket.read().length });
          },
          'new epoch'(pick) {
            Object.assign(truth, { epoch: `<e${Number(truth.epoch.slice(2, -1)) + 1}>`, head: pick % 6 });
          },
        };
        for (const { what, pick } of steps) {
          act[what](pick);
          await settle();
        }
        // Everything that is under way comes to its end, and two polls find what is still amiss.
        for (let round = 0; round < 40; round += 1) {
          for (const open of gates.splice(0)) open();
          await settle();
          if (round % 10 === 0) feed.observe(truth.epoch, truth.head);
        }
        for (const member of members) {
          expect(member.failed).toBeUndefined();
          expectWhole(member.test_socket.read(), truth);
        }
        for (const { member, frames } of gone) expect(member.test_socket.read()).toHaveLength(frames);
      }),
      { numRuns: 2_000 },
    );
  });

  it('sends ephemeral frames to those who have started, and no others', async () => {
    const truth: Truth = { epoch: 'e', head: 0 };
    const feed = new Feed({ read: () => Promise.resolve([]), onError: () => undefined, onLost: () => undefined });
    const started = new TestMember(truth, () => Promise.resolve());
    await feed.join(started);
    const waiting = new TestMember(truth, () => new Promise(() => undefined));
    void feed.join(waiting);
    feed.broadcastEphemeral(['cursor']);
    expect(started.test_socket.read()).toEqual(['snapshot e:0', 'cursor']);
    expect(waiting.test_socket.read()).toEqual([]);
  });

  it('reports a member whose opening fails, and keeps the others', async () => {
    const truth: Truth = { epoch: 'e', head: 0 };
    const feed = new Feed({ read: () => Promise.resolve([]), onError: () => undefined, onLost: () => undefined });
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
    const feed = new Feed({ read: () => Promise.resolve([]), onError: () => undefined, onLost: lost });
    const members = [1, 2].map(() => new TestMember(truth, () => Promise.resolve()));
    await Promise.all(members.map((member) => feed.join(member)));
    truth.head = 5_000;
    feed.observe('e', 5_000);
    await settle();
    expect(lost).toHaveBeenCalledTimes(1);
    for (const member of members) expect(member.test_socket.read()).toEqual(['snapshot e:0', 'snapshot e:5000']);
  });
});
