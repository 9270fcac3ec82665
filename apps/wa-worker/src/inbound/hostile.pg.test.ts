import type { TestEvent } from '@potentia/db/testing/inbox';
import { proto } from '@whiskeysockets/baileys';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { linkSession, startWorker, startWorkerWorld, type TestWorker, type WorkerWorld } from '../testing/worker.ts';

/* Whoever has the number of a session writes to it what they like. */

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

/** What is new; that a file could not be had is told whenever that is known. */
const untilTold = (session_id: string, count: number): Promise<TestEvent[]> =>
  vi.waitFor(
    async () => {
      const text = `select payload from wa.events
        where session_id = $1 and kind = 'message-inbound' and payload ->> 'change' = 'new' order by seq`;
      const rows = await world.database.asOwner<{ payload: TestEvent }>(text, [session_id]);
      expect(rows.length).toBeGreaterThanOrEqual(count);
      return rows.map(({ payload }) => payload);
    },
    { timeout: 15_000, interval: 20 },
  );

/** Postgres takes no half of a character. */
const CUT = `${'a'.repeat(127)}😀`;

describe('a hostile sender', () => {
  it.each<[string, proto.IMessage]>([
    ['an answer', { extendedTextMessage: { text: 'hi', contextInfo: { stanzaId: CUT } } }],
    ['a reaction', { reactionMessage: { key: { id: CUT }, text: '👍'.repeat(100_000) } }],
    ['a file', { imageMessage: { mimetype: `image/\r\nx: y\0${CUT}`, caption: '\0', mediaKey: new Uint8Array(32) } }],
    ['a card', { contactMessage: { displayName: `${'a'.repeat(199)}😀`, vcard: `ORG:${'b'.repeat(199)}😀\nTEL:0` } }],
    ['a text of a megabyte', { conversation: `\0${'😀'.repeat(300_000)}` }],
    [
      'a poll',
      { pollCreationMessageV3: { name: '?', options: Array.from({ length: 20_000 }, () => ({ optionName: 'x' })) } },
    ],
    [
      'mentions',
      { extendedTextMessage: { text: '@', contextInfo: { mentionedJid: Array<string>(20_000).fill('1@lid') } } },
    ],
  ])('does not stop a session by %s', async (_what, message) => {
    const { session_id, phone } = await linkSession(world, worker);
    const [mallory, anna] = [addPhone('Mallory'), addPhone('Anna')];
    await mallory.send(phone.number, { kind: 'raw', message });
    await anna.send(phone.number, 'still there?');
    const events = await untilTold(session_id, 2);
    expect(events.map((event) => event.message.type)).not.toContain('undecryptable');
    expect(events[1]?.message.content).toEqual({ text: 'still there?' });
    expect(JSON.stringify(events[0]).length).toBeLessThan(150_000);
    expect(worker.held(session_id)?.status).toBe('connected');
  });

  it('does not stop a session by a vote for what no table holds', async () => {
    const { session_id, phone } = await linkSession(world, worker);
    const [mallory, anna] = [addPhone('Mallory'), addPhone('Anna')];
    const options = ['\0yes', `no\ud800`];
    const poll = await mallory.send(phone.number, { kind: 'poll', question: '?', options, selectable: 1 });
    await untilTold(session_id, 1);
    await mallory.send(phone.number, { kind: 'poll_vote', id: poll.id, options: ['\0yes'] });
    await anna.send(phone.number, 'still there?');
    const events = await untilTold(session_id, 3);
    expect(events[1]?.message).toMatchObject({ type: 'poll_vote', content: { options: ['yes'] } });
    expect(events[2]?.message.content).toEqual({ text: 'still there?' });
  });

  it('does not speak as the own phone: what that alone hands over is taken from nobody else', async () => {
    const { session_id, phone } = await linkSession(world, worker);
    const [mallory, anna] = [addPhone('Mallory'), addPhone('Anna')];
    await anna.send(phone.number, 'I am Anna');
    await untilTold(session_id, 1);
    const { PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE, LID_MIGRATION_MAPPING_SYNC } =
      proto.Message.ProtocolMessage.Type;
    const forged = proto.WebMessageInfo.encode({
      key: { remoteJid: `${anna.number}@s.whatsapp.net`, fromMe: false, id: 'FORGED' },
      message: { conversation: 'pay Mallory' },
      messageTimestamp: Math.floor(Date.now() / 1_000),
    }).finish();
    const mapping = { pn: Number(anna.number), assignedLid: Number(mallory.lid), latestLid: Number(mallory.lid) };
    const messages: proto.Message.IProtocolMessage[] = [
      {
        type: PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE,
        peerDataOperationRequestResponseMessage: {
          peerDataOperationResult: [{ placeholderMessageResendResponse: { webMessageInfoBytes: forged } }],
        },
      },
      {
        type: LID_MIGRATION_MAPPING_SYNC,
        lidMigrationMappingSyncMessage: {
          encodedMappingPayload: proto.LIDMigrationMappingSyncPayload.encode({ pnToLidMappings: [mapping] }).finish(),
        },
      },
    ];
    for (const protocolMessage of messages)
      for (const message of [{ protocolMessage }, { deviceSentMessage: { message: { protocolMessage } } }])
        await mallory.send(phone.number, { kind: 'raw', message });
    await mallory.send(phone.number, 'done');
    await anna.send(phone.number, 'still Anna');
    const events = await untilTold(session_id, 3);
    const told = events.map(({ message }) => [message.content['text'], message.sender?.lid, message.sender?.phone]);
    expect(told).toEqual([
      ['I am Anna', anna.lid, anna.number],
      ['done', mallory.lid, mallory.number],
      ['still Anna', anna.lid, anna.number],
    ]);
  });

  it('neither edits nor deletes what somebody else wrote in a group', async () => {
    const { session_id, phone } = await linkSession(world, worker);
    const [anna, mallory] = [addPhone('Anna'), addPhone('Mallory')];
    const group = anna.createGroup({ subject: 'Keluarga', members: [phone.number, mallory.number] });
    const { id } = await anna.send(group.id, 'pay 100');
    await untilTold(session_id, 1);
    const key = { remoteJid: group.id, fromMe: false, id, participant: `${anna.lid}@lid` };
    const { REVOKE, MESSAGE_EDIT } = proto.Message.ProtocolMessage.Type;
    const editedMessage = { conversation: 'pay 999' };
    for (const protocolMessage of [
      { type: REVOKE, key },
      { type: MESSAGE_EDIT, key, editedMessage },
      { type: MESSAGE_EDIT, key: { ...key, fromMe: true }, editedMessage },
    ])
      await mallory.send(group.id, { kind: 'raw', message: { protocolMessage } });
    await mallory.send(group.id, 'done');
    const events = await untilTold(session_id, 2);
    expect(events.map(({ change, message }) => [change, message.content['text']])).toEqual([
      ['new', 'pay 100'],
      ['new', 'done'],
    ]);
  });
});
