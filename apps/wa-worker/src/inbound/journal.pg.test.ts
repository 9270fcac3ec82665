import { randomUUID } from 'node:crypto';
import type { TestEvent } from '@potentia/db/testing/inbox';
import { proto } from '@whiskeysockets/baileys';
import type { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { HeldSession } from '../session/parts.ts';
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

const addPhone = (name: string) => world.whatsapp.addPhone({ name });

/** What the API would be told, in order. */
async function told(session_id: string): Promise<TestEvent[]> {
  const text = `select payload from wa.events where session_id = $1 and kind = 'message-inbound' order by seq`;
  return (await world.database.asOwner<{ payload: TestEvent }>(text, [session_id])).map(({ payload }) => payload);
}

const untilTold = (session_id: string, is_enough: (events: TestEvent[]) => boolean) =>
  vi.waitFor(
    async () => {
      const events = await told(session_id);
      const shown = events.map(({ change, message }) => `${change} ${message.type}`);
      if (!is_enough(events)) throw new Error(`told: ${shown.join(', ')}`);
      return events;
    },
    { timeout: 15_000, interval: 20 },
  );

const untilCount = (session_id: string, count: number) => untilTold(session_id, ({ length }) => length >= count);
const texts = (events: TestEvent[]) => events.map(({ change, message }) => [change, message.content['text']]);

/** The process ends for this session after the next entry with a message is durable, and before its receipt leaves. */
function dieAfterJournal(held: HeldSession): Promise<void> {
  return new Promise((resolve) => {
    const { gate, sock, state } = held;
    state.onCommitted((entries) => {
      if (!entries.some(({ inbound }) => inbound)) return;
      // The gate's own turn comes after this one.
      gate?.close();
      (sock?.ws as unknown as { socket: WebSocket }).socket.terminate();
      resolve();
    });
  });
}

/** As the API says it, until it is done. */
const hold = (to: TestWorker, session_id: string, generation: number) =>
  vi.waitFor(async () => expect((await to.send({ method: 'PUT', session_id, generation })).status).toBe(200), {
    timeout: 10_000,
    interval: 50,
  });

describe('a message that comes in', () => {
  it('is told with both ids of who sent it, and confirmed once it is journaled', async () => {
    const { session_id, phone } = await linkSession(world, worker);
    const anna = addPhone('Anna');
    const { id } = await anna.send(phone.number, 'halo');
    const [event] = await untilCount(session_id, 1);
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
    await anna.waitForSent(({ receipts }) => receipts.some(({ device }) => device > 0));
  });

  it('is one contact and one chat, whichever name it comes by', async () => {
    const { session_id, phone } = await linkSession(world, worker);
    const anna = addPhone('Anna');
    await anna.send(phone.number, 'by number', { addressing: 'pn' });
    await anna.send(phone.number, 'by lid', { addressing: 'lid' });
    const events = await untilCount(session_id, 2);
    expect(new Set(events.map(({ message }) => message.chat.chat_id)).size).toBe(1);
    expect(new Set(events.map(({ message }) => message.sender?.contact_id)).size).toBe(1);
  });

  it('of the own phone goes out', async () => {
    const { session_id, phone } = await linkSession(world, worker);
    const anna = addPhone('Anna');
    await phone.send(anna.number, 'from my phone');
    const [event] = await untilCount(session_id, 1);
    expect(event).toMatchObject({
      change: 'new',
      message: { direction: 'out', status: 'acked', sender: null, chat: { contact: { phone: anna.number } } },
    });
  });

  it('while the session was away is no history', async () => {
    const { session_id, phone } = await linkSession(world, worker);
    const anna = addPhone('Anna');
    await worker.send({ method: 'POST', session_id, generation: 1, path: '/disconnect' });
    for (let i = 0; i < 5; i++) await anna.send(phone.number, `waiting ${i}`);
    await hold(worker, session_id, 2);
    const events = await untilCount(session_id, 5);
    expect(texts(events)).toEqual([0, 1, 2, 3, 4].map((i) => ['new', `waiting ${i}`]));
  });
});

describe('a stanza that comes again', () => {
  it('after the journal and before its receipt: told once, and nobody is asked to send it again', async () => {
    const { session_id, phone } = await linkSession(world, worker);
    const anna = addPhone('Anna');
    await anna.send(phone.number, 'first');
    await untilCount(session_id, 1);
    const died = dieAfterJournal(worker.held(session_id)!);
    const { id } = await anna.send(phone.number, 'second');
    await died;
    await anna.waitForSent((sent) => sent.id === id && sent.receipts.some(({ device }) => device > 0), 15_000);
    await anna.send(phone.number, 'third');
    expect(texts(await untilCount(session_id, 3))).toEqual([
      ['new', 'first'],
      ['new', 'second'],
      ['new', 'third'],
    ]);
  });

  it('as the first of a person, to another worker', async () => {
    const { session_id, phone } = await linkSession(world, worker);
    const anna = addPhone('Anna');
    const died = dieAfterJournal(worker.held(session_id)!);
    const { id } = await anna.send(phone.number, 'hello stranger');
    await died;
    await using other = await startWorker(world);
    await hold(other, session_id, 2);
    await anna.waitForSent((sent) => sent.id === id && sent.receipts.some(({ device }) => device > 0), 15_000);
    await anna.send(phone.number, 'still there?');
    expect(texts(await untilCount(session_id, 2))).toEqual([
      ['new', 'hello stranger'],
      ['new', 'still there?'],
    ]);
  });

  it('in a group, with the key that it brought', async () => {
    const { session_id, phone } = await linkSession(world, worker);
    const anna = addPhone('Anna');
    const group = anna.createGroup({ subject: 'Keluarga', members: [phone.number] });
    const died = dieAfterJournal(worker.held(session_id)!);
    await anna.send(group.id, 'to all');
    await died;
    await untilCount(session_id, 1);
    await anna.send(group.id, 'to all again');
    const events = await untilCount(session_id, 2);
    expect(texts(events)).toEqual([
      ['new', 'to all'],
      ['new', 'to all again'],
    ]);
    expect(events[1]?.message.chat).toMatchObject({ kind: 'group', group_id: group.id.replace('@g.us', '') });
  });

  it('twice by the server', async () => {
    const { session_id, phone } = await linkSession(world, worker);
    const anna = addPhone('Anna');
    world.whatsapp.faults.duplicateNext(phone.number, 3);
    for (const text of ['a', 'b', 'c']) await anna.send(phone.number, text);
    await anna.send(phone.number, 'd');
    expect(texts(await untilCount(session_id, 4))).toEqual(['a', 'b', 'c', 'd'].map((text) => ['new', text]));
    expect(anna.undecryptable()).toEqual([]);
  });
});

describe('a message that cannot be read', () => {
  it('is told, asked for again, and resolved', async () => {
    const { session_id, phone } = await linkSession(world, worker);
    const anna = addPhone('Anna');
    await anna.send(phone.number, 'readable');
    await untilCount(session_id, 1);
    world.whatsapp.faults.corruptNext(phone.number, 1);
    const { id } = await anna.send(phone.number, 'garbled');
    const events = await untilCount(session_id, 3);
    expect(events.map(({ change, message }) => [change, message.type])).toEqual([
      ['new', 'text'],
      ['new', 'undecryptable'],
      ['resolved', 'text'],
    ]);
    expect(events[2]?.message).toMatchObject({ message_id: id, content: { text: 'garbled' } });
  });

  it('comes without its content, and the own phone hands it on', async () => {
    const { session_id, phone } = await linkSession(world, worker);
    const anna = addPhone('Anna');
    await anna.send(phone.number, 'before');
    await untilCount(session_id, 1);
    world.whatsapp.faults.withholdNext(`${phone.number}:1`, 1);
    const { id } = await anna.send(phone.number, 'withheld');
    const events = await untilTold(session_id, (all) => all.some(({ change }) => change === 'resolved'));
    expect(events.at(-1)).toMatchObject({
      change: 'resolved',
      message: { message_id: id, content: { text: 'withheld' } },
    });
  });
});

describe('what people send', () => {
  it('comes in, each kind', async () => {
    const { session_id, phone } = await linkSession(world, worker);
    const anna = addPhone('Anna');
    const send = (content: Parameters<typeof anna.send>[1], options = {}) => anna.send(phone.number, content, options);
    const text = await send('satu');
    await send('dua', { quoted: text.id });
    await send({ kind: 'location', latitude: -6.2, longitude: 106.8, name: 'Monas', address: 'Jakarta' });
    await send({ kind: 'live_location', latitude: -6.2, longitude: 106.8, caption: 'on my way' });
    await send({ kind: 'contact', name: 'Budi', vcard: 'BEGIN:VCARD\nTEL;waid=6281234567:+62 812\nEND:VCARD' });
    await send({
      kind: 'contacts',
      contacts: [
        { name: 'A', vcard: '' },
        { name: 'B', vcard: 'TEL:+6281234568' },
      ],
    });
    const poll = await send({ kind: 'poll', question: 'Makan?', options: ['Nasi', 'Mie'], selectable: 1 });
    await send({ kind: 'poll_vote', id: poll.id, options: ['Mie'] });
    await send({ kind: 'reaction', id: text.id, emoji: '👍' });
    await send({ kind: 'edit', id: text.id, text: 'satu!' });
    await send({ kind: 'delete', id: poll.id });
    await send({ kind: 'raw', message: { groupInviteMessage: { groupJid: '1@g.us', caption: 'join' } } });
    const events = await untilCount(session_id, 12);
    const shown = events.map(({ change, message: { type, content } }) => [change, type, content]);
    expect(shown).toEqual([
      ['new', 'text', { text: 'satu' }],
      ['new', 'text', { text: 'dua' }],
      ['new', 'location', { latitude: -6.2, longitude: 106.8, name: 'Monas', address: 'Jakarta' }],
      ['new', 'live_location', { latitude: -6.2, longitude: 106.8, caption: 'on my way' }],
      ['new', 'contact', { contacts: [{ name: 'Budi', phones: ['6281234567'] }] }],
      [
        'new',
        'contact',
        {
          contacts: [
            { name: 'A', phones: [] },
            { name: 'B', phones: ['6281234568'] },
          ],
        },
      ],
      ['new', 'poll', { question: 'Makan?', options: ['Nasi', 'Mie'], selectable_count: 1 }],
      ['new', 'poll_vote', { message_id: poll.id, options: ['Mie'] }],
      ['new', 'reaction', { message_id: text.id, emoji: '👍' }],
      ['edited', 'text', { text: 'satu!' }],
      ['deleted', 'poll', {}],
      ['new', 'unknown', { kind: 'groupInviteMessage' }],
    ]);
    expect(events[1]?.message).toMatchObject({ quoted_message_id: text.id });
  });

  it('comes with its file, streamed into object storage', async () => {
    const { session_id, generation, phone } = await linkSession(world, worker);
    const anna = addPhone('Anna');
    const bytes = Buffer.alloc(300_000, 'abc');
    const kinds = ['image', 'video', 'audio', 'voice', 'document', 'sticker'] as const;
    for (const kind of kinds)
      await anna.send(phone.number, {
        kind,
        bytes,
        caption: kind === 'image' ? 'look' : undefined,
        file_name: 'f.bin',
      });
    const events = await untilTold(session_id, (all) => all.filter(({ change }) => change === 'media').length === 6);
    expect(events.filter(({ change }) => change === 'new').map(({ message }) => message.type)).toEqual(kinds);
    for (const { change, message } of events)
      expect([change, message.media?.status]).toEqual(change === 'new' ? ['new', 'pending'] : ['media', 'stored']);
    expect(events[0]?.message.content).toEqual({ caption: 'look' });
    const path = `/messages/${events[0]?.message.message_id}/media`;
    const { status, body } = await worker.send<{ url: string }>({ method: 'GET', session_id, generation, path });
    expect(status).toBe(200);
    expect(Buffer.from(await (await fetch(body.url)).arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('in a group shows its subject, and a deletion by an admin', async () => {
    const { session_id, generation, phone } = await linkSession(world, worker);
    const [anna, budi] = [addPhone('Anna'), addPhone('Budi')];
    const group = anna.createGroup({ subject: 'Keluarga', members: [phone.number, budi.number] });
    const { id } = await budi.send(group.id, 'oops');
    await untilCount(session_id, 1);
    const subject = () =>
      vi.waitFor(
        async () => {
          const { body } = await worker.send<{ items: { chat: { subject: string | null } }[] }>({
            ...{ method: 'GET', session_id, generation, path: '/chats' },
          });
          expect(body.items[0]?.chat.subject).toBe('Keluarga');
        },
        { timeout: 10_000, interval: 50 },
      );
    await subject();
    const key = { remoteJid: group.id, fromMe: false, id, participant: `${budi.lid}@lid` };
    await anna.send(group.id, {
      kind: 'raw',
      message: { protocolMessage: { type: proto.Message.ProtocolMessage.Type.REVOKE, key } },
    });
    const events = await untilCount(session_id, 2);
    expect(events[1]).toMatchObject({ change: 'deleted', message: { message_id: id, content: {} } });
  });
});

describe('reading', () => {
  it('is answered by a worker that does not hold the session, a page at a time', async () => {
    const { session_id, phone } = await linkSession(world, worker);
    const anna = addPhone('Anna');
    for (const text of ['1', '2', '3']) await anna.send(phone.number, text);
    const [event] = await untilCount(session_id, 3);
    await using other = await startWorker(world);
    const read = async <T>(path: string) => {
      const answer = await other.send<T>({ method: 'GET', session_id, generation: 1, path });
      expect(answer.status).toBe(200);
      return answer.body;
    };
    interface Page {
      items: { content: { text: string } }[];
      next_cursor: string | null;
    }
    const chat_id = event!.message.chat.chat_id;
    const first = await read<Page>(`/messages?chat_id=${chat_id}&limit=2`);
    const second = await read<Page>(`/messages?chat_id=${chat_id}&limit=2&cursor=${first.next_cursor}`);
    const shown = [...first.items, ...second.items].map(({ content }) => content.text);
    expect(shown.toSorted()).toEqual(['1', '2', '3']);
    expect(second.next_cursor).toBeNull();
    expect(await read(`/messages/${event!.message.id}`)).toMatchObject({ content: { text: '1' } });
    expect(await read('/contacts')).toMatchObject({ items: [{ phone: anna.number }], next_cursor: null });
    expect(await read('/chats')).toMatchObject({ items: [{ unread: 3 }], next_cursor: null });
    const missing = await other.send({ method: 'GET', session_id, generation: 1, path: `/messages/${randomUUID()}` });
    expect([missing.status, missing.body['code']]).toEqual([404, 'whatsapp.message_not_found']);
  });

  it('is refused without a token for this very session', async () => {
    const answer = await worker.send({
      ...{ method: 'GET', session_id: randomUUID(), generation: 1, path: '/messages', token: 'none' },
    });
    expect(answer.status).toBe(401);
  });

  it('on the own phone makes it read here', async () => {
    const { session_id, generation, phone } = await linkSession(world, worker);
    const anna = addPhone('Anna');
    const ids: string[] = [];
    for (const text of ['1', '2', '3']) ids.push((await anna.send(phone.number, text)).id);
    await untilCount(session_id, 3);
    const [id = '', second = ''] = ids;
    const list = [{ tag: 'list', attrs: {}, content: [{ tag: 'item', attrs: { id: second } }] }];
    const attrs = { id, from: `${anna.number}@s.whatsapp.net`, type: 'read-self', t: '1' };
    worker.held(session_id)?.sock?.ws.emit('CB:receipt', { tag: 'receipt', attrs, content: list });
    await vi.waitFor(async () => {
      const { body } = await worker.send({ method: 'GET', session_id, generation, path: '/chats' });
      expect(body).toMatchObject({ items: [{ unread: 1 }] });
    });
  });

  it('is told to the sender at once, where that is set', async () => {
    const { session_id, generation, phone } = await linkSession(world, worker);
    const body = { is_marking_read: true };
    await worker.send({ method: 'PATCH', session_id, generation, path: '/settings', body });
    const anna = addPhone('Anna');
    const { id } = await anna.send(phone.number, 'seen?');
    await anna.waitForSent((sent) => sent.id === id && sent.status === 'read');
    const [event] = await untilCount(session_id, 1);
    expect(event?.message.status).toBe('read');
  });
});
