import type { TestEvent } from '@potentia/db/testing/inbox';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { linkSession, startWorker, startWorkerWorld, type TestWorker, type WorkerWorld } from '../testing/worker.ts';

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

/** What the API would be told, in order. */
async function told(session_id: string): Promise<TestEvent[]> {
  const text = `select payload from wa.events where session_id = $1 and kind = 'message-inbound' order by seq`;
  return (await world.database.asOwner<{ payload: TestEvent }>(text, [session_id])).map(({ payload }) => payload);
}

const untilTold = (session_id: string, count: number) =>
  vi.waitFor(
    async () => {
      const events = await told(session_id);
      if (events.length < count) throw new Error(`${events.length} of ${count}`);
      return events;
    },
    { timeout: 10_000, interval: 20 },
  );

describe('a message that comes in', () => {
  it('is told with both ids of who sent it, and confirmed', async () => {
    const { session_id, phone } = await linkSession(world, worker);
    const anna = world.whatsapp.addPhone({ name: 'Anna' });
    const { id } = await anna.send(phone.number, 'halo');
    const [event] = await untilTold(session_id, 1);
    expect(event).toMatchObject({
      change: 'new',
      message: {
        message_id: id,
        direction: 'in',
        type: 'text',
        content: { text: 'halo' },
        sender: { lid: anna.lid, phone: anna.number, name: 'Anna' },
        chat: { kind: 'person', contact: { lid: anna.lid, phone: anna.number } },
      },
    });
    await anna.waitForSent((message) => message.id === id && message.devices?.length !== 0);
  });
});
