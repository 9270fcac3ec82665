import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSendOrder, type Queued } from './send-order.ts';

const message = (chat: number, seq: number): Queued => ({ id: `m${seq}`, chat_id: `c${chat}`, seq });

test('messages of a chat go one after the other, in their order', () => {
  const order = createSendOrder({ parallel: 4 });
  // Answered in another order than they were asked for.
  for (const seq of [1, 3, 2]) expect(order.add(message(1, seq))).toBe(true);
  expect(order.add(message(1, 2))).toBe(false);
  const first = order.take(0);
  expect(first?.seq).toBe(1);
  expect(order.take(0)).toBeNull();
  order.done(first as Queued);
  expect(order.take(0)?.seq).toBe(2);
});

test('a long queue of one chat keeps no other waiting: they take turns', () => {
  const order = createSendOrder({ parallel: 1 });
  for (let seq = 1; seq <= 100; seq++) order.add(message(1, seq));
  order.add(message(2, 101));
  const first = order.take(0) as Queued;
  expect(order.take(0)).toBeNull();
  order.done(first);
  expect(order.take(0)?.chat_id).toBe('c2');
});

test('a chat that is held comes again when its time has come, or when all are let have another look', () => {
  const order = createSendOrder({ parallel: 4 });
  order.add(message(1, 1));
  order.add(message(1, 2));
  order.hold(order.take(0) as Queued, 100);
  expect(order.nextHeld()).toBe(100);
  expect(order.take(99)).toBeNull();
  // What is added meanwhile does not overtake.
  order.add(message(1, 3));
  expect(order.take(99)).toBeNull();
  const again = order.take(100) as Queued;
  expect(again.seq).toBe(1);
  order.hold(again, 500);
  order.release();
  expect(order.take(101)?.seq).toBe(1);
  expect(order.nextHeld()).toBeNull();
});

test('what ends after everything was forgotten changes nothing', () => {
  const order = createSendOrder({ parallel: 1 });
  order.add(message(1, 1));
  const old = order.take(0) as Queued;
  order.clear();
  order.add(message(1, 1));
  order.done(old);
  order.hold(old, 9);
  expect(order.size).toBe(1);
  expect(order.take(0)?.seq).toBe(1);
  expect(order.busy).toBe(1);
});

test('whatever happens: order per chat, one of a chat at a time, never more than the bound, and all get their turn', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), chat: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ kind: fc.constant('take' as const) }),
    fc.record({ kind: fc.constantFrom('done' as const, 'hold' as const), pick: fc.nat(9) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 3 }), (steps, parallel) => {
      const order = createSendOrder({ parallel });
      const sent = new Map<string, number[]>();
      const asked = new Map<string, number[]>();
      const under_way: Queued[] = [];
      let now = 0;
      let seq = 0;
      const finish = (index: number): void => {
        const [taken] = under_way.splice(index, 1);
        if (!taken) return;
        sent.set(taken.chat_id, [...(sent.get(taken.chat_id) ?? []), taken.seq]);
        order.done(taken);
      };
      for (const at of steps) {
        now += 1;
        if (at.kind === 'add') {
          const added = message(at.chat, ++seq);
          asked.set(added.chat_id, [...(asked.get(added.chat_id) ?? []), seq]);
          order.add(added);
        } else if (at.kind === 'take') {
          const taken = order.take(now);
          if (taken) under_way.push(taken);
        } else if (under_way.length > 0) {
          const index = at.pick % under_way.length;
          if (at.kind === 'done') finish(index);
          else order.hold(under_way.splice(index, 1)[0] as Queued, now + 5);
        }
        expect(under_way.length).toBeLessThanOrEqual(parallel);
        expect(new Set(under_way.map(({ chat_id }) => chat_id)).size).toBe(under_way.length);
      }
      now += 10;
      while (order.size > 0) {
        while (under_way.length > 0) finish(0);
        const taken = order.take(now);
        if (taken) under_way.push(taken);
      }
      expect(sent).toEqual(asked);
    }),
  );
});
