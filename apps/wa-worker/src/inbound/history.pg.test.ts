import { randomUUID } from 'node:crypto';
import type { TestMessage } from '@potentia/db/testing/inbox';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  readCode,
  startWorker,
  startWorkerWorld,
  type TestWorker,
  untilStatus,
  type WorkerWorld,
} from '../testing/worker.ts';

let world: WorkerWorld;
let worker: TestWorker;
beforeAll(async () => {
  world = await startWorkerWorld();
  world.whatsapp.trust();
  worker = await startWorker(world);
}, 60_000);
afterAll(async () => {
  await worker.stop();
  await world[Symbol.asyncDispose]();
});

/** A session of a phone on which something was said before. */
async function linkTalker(settings: object) {
  const session_id = randomUUID();
  const [phone, anna] = [world.whatsapp.addPhone(), world.whatsapp.addPhone({ name: 'Anna' })];
  await anna.send(phone.number, 'before');
  await phone.send(anna.number, 'answered before');
  await worker.send({ method: 'PUT', session_id, generation: 1, body: { settings, login: { by: 'qr' } } });
  await phone.scan((await readCode(worker, 'qr', session_id)).text);
  await untilStatus(world, session_id, 'connected');
  const messages = async () => {
    const answer = await worker.send<{ items: TestMessage[] }>({
      ...{ method: 'GET', session_id, generation: 1, path: '/messages' },
    });
    return answer.body.items;
  };
  const events = () =>
    world.database.asOwner<{ text: string }>(
      `select payload #>> '{message,content,text}' as text from wa.events where session_id = $1 and kind = 'message-inbound'`,
      [session_id],
    );
  return { session_id, phone, anna, messages, events };
}

it('what was said before is there where that is wanted, and nobody is told of it', async () => {
  const { phone, anna, messages, events } = await linkTalker({ is_syncing_history: true });
  const found = await vi.waitFor(
    async () => {
      const items = await messages();
      expect(items).toHaveLength(2);
      return items;
    },
    { timeout: 15_000, interval: 50 },
  );
  const shown = found.map(({ direction, content, status }) => [direction, content['text'], status]);
  expect(shown.toSorted()).toEqual([
    ['in', 'before', 'read'],
    ['out', 'answered before', expect.stringMatching(/acked|delivered|read/) as string],
  ]);
  await anna.send(phone.number, 'after');
  await vi.waitFor(async () => expect(await events()).toEqual([{ text: 'after' }]), { timeout: 10_000, interval: 30 });
  expect(new Set((await messages()).map(({ chat }) => chat.chat_id)).size).toBe(1);
});

it('and is not, where it is not', async () => {
  const { phone, anna, messages } = await linkTalker({});
  await anna.send(phone.number, 'after');
  await vi.waitFor(async () => expect((await messages()).map(({ content }) => content['text'])).toEqual(['after']), {
    timeout: 10_000,
    interval: 30,
  });
});
