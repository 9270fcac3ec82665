import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedWorkspace } from '@potentia/db/testing/seed';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AppError } from '../platform/errors.ts';
import { newId } from '../platform/uuid.ts';
import { answerChat } from './answer-chat.ts';
import { linkPhone, saidIn, startPartner } from './testing/partner-kit.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

/** One thing that happens: the worker tells of a message, under an event that it may have told before; or somebody looks at the chat. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ message: fc.nat(4), event: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.constant('answer' as const) },
);

it('whatever a worker repeats, and in which order, each message has at most one turn and one answer', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), fc.boolean(), async (steps, at_once) => {
      const phone = await linkPhone(t, await seedWorkspace(t.db));
      using first = startPartner(t);
      using second = startPartner(t);
      const ids = Array.from({ length: 5 }, () => `IN${newId()}`);
      const events = new Map<string, string>();
      const eventOf = (key: string): string => events.get(key) ?? (events.set(key, newId()), events.get(key) ?? '');
      const look = async ({ ctx }: typeof first): Promise<void> => {
        await answerChat(ctx, { session_id: phone.session.session_id, chat_id: phone.chat_id }).catch(
          (error: unknown) => {
            if (!(error instanceof AppError) || error.code !== 'whatsapp.turn_busy') throw error;
          },
        );
      };
      const doStep = async (one: (typeof steps)[number]): Promise<void> => {
        if (one === 'answer') {
          await Promise.all([look(first), look(second)]);
          return;
        }
        const { message, event } = one;
        const told = { message_id: ids[message] ?? '', event_id: eventOf(`${message} ${event}`) };
        await phone.write(`catatan nomor ${message}`, told);
      };
      if (at_once) await Promise.all(steps.map(doStep));
      else for (const one of steps) await doStep(one);
      await look(first);

      const told = new Set(steps.flatMap((one) => (one === 'answer' ? [] : [one.message])));
      const keys = (await saidIn(t, phone.session)).map(({ key }) => key);
      const key = (n: number): string => `turn:${phone.session.session_id}:${phone.chat_id}:${ids[n]}`;
      expect(keys.toSorted()).toEqual([...told].map(key).toSorted());
      const runs = await t.asOwner('select 1 from app.agent_runs where user_id = $1', [phone.user_id]);
      expect(runs).toHaveLength(told.size);
    }),
    { numRuns: 25 },
  );
}, 60_000);
