import type { BinaryNode } from '@whiskeysockets/baileys';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startSendingWorker, startSession } from '../testing/outbound.ts';
import { startWorkerWorld, type TestWorker, type WorkerWorld } from '../testing/worker.ts';

/* Ids of messages follow from keys that clients choose: whoever knows one must not get at the message by it. */

let world: WorkerWorld;
let worker: TestWorker;
beforeAll(async () => {
  world = await startWorkerWorld();
  worker = await startSendingWorker(world);
}, 60_000);
afterAll(async () => {
  await worker.stop();
  await world[Symbol.asyncDispose]();
});

type Session = Awaited<ReturnType<typeof startSession>>;
const newPhone = () => world.whatsapp.addPhone();
const receipt = (session: Session, attrs: Record<string, string>, content?: BinaryNode[]): void => {
  const node: BinaryNode = { tag: 'receipt', attrs: { t: '1777629600', ...attrs }, ...(content && { content }) };
  session.held().sock?.ws.emit('CB:receipt', node);
};
const asksAgain = (id: string): BinaryNode[] => [{ tag: 'retry', attrs: { count: '1', id, t: '1', v: '1' } }];
const shown = (phone: ReturnType<typeof newPhone>): string[] => phone.inbox().map(({ text }) => text ?? '');

describe('a stranger who knows the id of a message', () => {
  it('does not get it sent by asking for it again, from a chat of their own', async () => {
    const session = await startSession(world, worker);
    const [ada, mallory] = [newPhone(), newPhone()];
    const secret = await session.sent({ phone: ada.number }, 'the code is 1234');
    await session.until(secret.id, 'delivered');
    const theirs = await session.sent({ phone: mallory.number }, 'hello Mallory');
    await session.until(theirs.id, 'delivered');
    const from_ada = await ada.send(session.phone.number, 'my card is 5500');
    await session.received(from_ada.id);
    for (const id of [secret.message_id, from_ada.id])
      for (const from of [`${mallory.lid}@lid`, `${mallory.number}@s.whatsapp.net`])
        receipt(session, { id, from, type: 'retry' }, asksAgain(id));
    // One that has a right to it gets it, after all of these.
    receipt(session, { id: secret.message_id, from: `${ada.lid}@lid`, type: 'retry' }, asksAgain(secret.message_id));
    await vi.waitFor(() => expect(ada.inbox().filter(({ text }) => text === 'the code is 1234')).toHaveLength(1));
    const end = await session.sent({ phone: mallory.number }, 'the end');
    await session.until(end.id, 'delivered');
    expect(shown(mallory)).toEqual(['hello Mallory', 'the end']);
  });

  it('does not have a session repeat as its own what it received', async () => {
    const session = await startSession(world, worker);
    const [ada, mallory] = [newPhone(), newPhone()];
    const group = ada.createGroup({ subject: 'Friends', members: [session.phone.number, mallory.number] });
    const { id } = await mallory.send(group.id, 'I pay for all of you');
    await session.received(id);
    const participant = `${mallory.lid}@lid`;
    receipt(session, { id, from: group.id, participant, type: 'retry' }, asksAgain(id));
    const end = await session.sent({ group_id: group.id.replace('@g.us', '') }, 'the end');
    await session.until(end.id, 'delivered');
    expect(ada.inbox().find((message) => message.id === id)).toMatchObject({ from: mallory.number, stanzas: 1 });
    expect(shown(mallory)).toEqual(['the end']);
  });

  it('has no say in how far it is', async () => {
    const session = await startSession(world, worker);
    const [ada, mallory] = [newPhone(), newPhone()];
    const ours = await session.sent({ phone: ada.number }, 'for Ada');
    await session.until(ours.id, 'delivered');
    const group = ada.createGroup({ subject: 'Friends', members: [session.phone.number] });
    const group_id = group.id.replace('@g.us', '');
    const in_group = await session.sent({ group_id }, 'for friends');
    await session.until(in_group.id, 'delivered');
    for (const id of [ours.message_id, in_group.message_id])
      for (const from of [`${mallory.lid}@lid`, `${mallory.number}@s.whatsapp.net`, '120363@g.us'])
        receipt(session, {
          id,
          from,
          type: 'read',
          ...(from.endsWith('g.us') && { participant: `${mallory.lid}@lid` }),
        });
    receipt(session, { id: ours.message_id, from: `${ada.lid}@lid`, type: 'read' });
    await session.until(ours.id, 'read');
    expect(await session.read(in_group.id)).toMatchObject({ status: 'delivered', read_at: null });
    const { read_at } = await session.read(ours.id);
    expect(read_at).not.toBeNull();
  });
});
