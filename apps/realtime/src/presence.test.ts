import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EXPIRY_MS, leftFrame, PresenceBook, REFRESH_MS } from './presence.ts';

const frame = (session_id: string, x: number): string =>
  JSON.stringify({ type: 'presence', session_id, cursor: { x } });

describe('PresenceBook', () => {
  it('sends only the latest frame of each session', () => {
    const book = new PresenceBook();
    for (let x = 0; x < 30; x += 1) book.move('a', frame('a', x), 1_000 + x);
    book.move('b', frame('b', 1), 1_030);
    expect(book.take(1_040)).toEqual([frame('a', 29), frame('b', 1)]);
    expect(book.take(1_080)).toEqual([]);
  });

  it('drops the echo of its own frames, also of a session that has just left', () => {
    const book = new PresenceBook();
    book.move('a', frame('a', 1), 1_000);
    expect(book.receive(book.take(1_000).join('\n'), 1_001)).toEqual([]);
    book.leave('a', 1_002);
    expect(book.take(1_002)).toEqual([leftFrame('a')]);
    expect(book.receive(frame('a', 1), 1_003)).toEqual([]);
    expect(book.frames()).toEqual([]);
  });

  it('tells a remote session once, keeps it while it refreshes, and says when it expired', () => {
    const here = new PresenceBook();
    const there = new PresenceBook();
    there.move('b', frame('b', 1), 0);
    expect(here.receive(there.take(0).join('\n'), 0)).toEqual([frame('b', 1)]);
    for (let now = REFRESH_MS; now <= 6 * REFRESH_MS; now += REFRESH_MS) {
      expect(here.receive(there.refresh(now).join('\n'), now)).toEqual([]);
      expect(here.expire(now + REFRESH_MS - 1)).toEqual([]);
    }
    expect(here.expire(6 * REFRESH_MS + EXPIRY_MS)).toEqual([leftFrame('b')]);
    expect(here.frames()).toEqual([]);
  });

  it('stores a session when it moves and again before it would expire', () => {
    const book = new PresenceBook();
    book.move('a', frame('a', 1), 0);
    expect(book.changes(1).set).toEqual([['a', frame('a', 1)]]);
    expect(book.changes(2)).toEqual({ set: [], removed: [] });
    expect(book.changes(1 + REFRESH_MS).set).toHaveLength(1);
    book.leave('a', 3);
    expect(book.changes(4)).toEqual({ set: [], removed: ['a'] });
  });

  it('survives anything that arrives as presence', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.constant('{"type":"presence"}\n[1]\nnull')), (lines) => {
        expect(new PresenceBook().receive(lines, 0)).toEqual([]);
      }),
    );
  });

  it('ends with the same sessions on two replicas, however moves, leaves and deliveries interleave', () => {
    const step = fc.record({
      replica: fc.integer({ min: 0, max: 1 }),
      session: fc.integer({ min: 0, max: 3 }),
      action: fc.constantFrom('move', 'leave', 'tick'),
      x: fc.integer({ min: 0, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const books = [new PresenceBook(), new PresenceBook()];
        const alive = new Map<string, string>();
        const gone = new Set<string>();
        const channel: string[] = [];
        const publish = (now: number): void => {
          for (const book of books) channel.push(...book.take(now));
        };
        steps.forEach(({ replica, session, action, x }, now) => {
          const id = `${replica}${session}`;
          if (action === 'tick') publish(now);
          else if (gone.has(id)) return;
          else if (action === 'move') {
            alive.set(id, frame(id, x));
            books[replica]!.move(id, frame(id, x), now);
          } else if (alive.delete(id)) {
            gone.add(id);
            books[replica]!.leave(id, now);
          }
        });
        publish(steps.length);
        for (const book of books) book.receive(channel.join('\n'), steps.length);
        for (const book of books) expect(book.frames().sort()).toEqual([...alive.values()].sort());
      }),
    );
  });
});
