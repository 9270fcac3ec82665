import { randomBytes } from 'node:crypto';
import { mediaOf } from '@potentia/sandbox/testing/whatsapp';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { startSendingWorker, startSession } from '../testing/outbound.ts';
import { startWorkerWorld } from '../testing/worker.ts';

const world = await startWorkerWorld();
const worker = await startSendingWorker(world);
const session = await startSession(world, worker);
afterAll(async () => {
  await worker.stop();
  await world[Symbol.asyncDispose]();
});

const someone = () => {
  const phone = world.whatsapp.addPhone();
  return { phone, to: { phone: phone.number } };
};

describe('a text', () => {
  it('arrives, and what becomes of it comes back: taken, delivered, read', async () => {
    const { phone, to } = someone();
    const queued = await session.sent(to, 'Hello');
    expect(queued).toMatchObject({
      status: 'queued',
      content: { text: 'Hello' },
      chat: { contact: { phone: to.phone } },
    });
    const shown = await phone.waitFor(({ text }) => text === 'Hello');
    expect(shown).toMatchObject({ id: queued.message_id, from: session.phone.number, stanzas: 1 });
    await session.until(queued.id, 'delivered');
    phone.read(session.phone.number);
    const read = await session.until(queued.id, 'read');
    expect([read.sent_at, read.acked_at, read.delivered_at, read.read_at]).not.toContain(null);
    // Both ids of the person, though the number alone was given.
    expect(read.chat.contact).toMatchObject({ phone: phone.number, lid: phone.lid, is_on_whatsapp: true });
    const statuses = (
      await world.database.asOwner<{ payload: { message_id: string; status: string } }>(
        `select payload from wa.events where session_id = $1 and kind = 'message-status' order by seq`,
        [session.session_id],
      )
    ).filter(({ payload }) => payload.message_id === queued.message_id);
    expect(statuses.map(({ payload }) => payload.status)).toEqual(
      expect.arrayContaining(['acked', 'delivered', 'read']),
    );
  });

  it('names people, and answers a message, of the other end and of its own', async () => {
    const { phone, to } = someone();
    const other = world.whatsapp.addPhone();
    const { id } = await phone.send(session.phone.number, 'Question?');
    await session.received(id);
    const first = await session.sent(
      to,
      { type: 'text', text: `@${other.number} knows`, mentions: [other.number] },
      { reply_to: id },
    );
    const second = await session.sent(to, 'More of it', { reply_to: first.message_id });
    const shown = await phone.waitFor(({ id }) => id === first.message_id);
    expect(shown.quoted).toBe(id);
    expect(shown.content.extendedTextMessage?.contextInfo).toMatchObject({
      mentionedJid: [`${other.number}@s.whatsapp.net`],
      quotedMessage: { conversation: 'Question?' },
    });
    const answer = await phone.waitFor(({ id }) => id === second.message_id);
    expect(answer.quoted).toBe(first.message_id);
    expect(answer.content.extendedTextMessage?.contextInfo?.quotedMessage?.extendedTextMessage?.text).toContain(
      'knows',
    );
  });
});

describe('a file', () => {
  const kinds = [
    ['image', 'image/jpeg', { caption: 'A picture' }],
    ['video', 'video/mp4', { caption: 'A film' }],
    ['audio', 'audio/mpeg', {}],
    ['voice', 'audio/ogg', {}],
    ['sticker', 'image/webp', {}],
    ['document', 'application/pdf', { caption: 'A paper', file_name: 'paper.pdf' }],
  ] as const;
  it.each(kinds)('that is %s arrives as it was uploaded', async (type, media_type, more) => {
    const { phone, to } = someone();
    const bytes = randomBytes(200_000);
    const media_id = await session.upload(type, media_type, bytes);
    const sent = await session.sent(to, { type, media_id, ...more });
    const shown = await phone.waitFor(({ id }) => id === sent.message_id);
    expect(shown.kind).toBe(type);
    expect(Buffer.compare(mediaOf(world.whatsapp.media, shown.content), bytes)).toBe(0);
    if ('caption' in more) expect(shown.text).toBe(more.caption);
    if (type === 'document') expect(JSON.stringify(shown.content)).toContain('paper.pdf');
    if (type === 'voice') expect(shown.content.audioMessage?.ptt).toBe(true);
    await session.until(sent.id, 'delivered');
  });

  it('may be for one look, and is sent to many from one upload', async () => {
    const bytes = randomBytes(5_000);
    const media_id = await session.upload('image', 'image/png', bytes);
    for (let n = 0; n < 2; n++) {
      const { phone, to } = someone();
      const sent = await session.sent(to, { type: 'image', media_id, is_view_once: true });
      const shown = await phone.waitFor(({ id }) => id === sent.message_id);
      expect(shown.is_view_once).toBe(true);
      expect(Buffer.compare(mediaOf(world.whatsapp.media, shown.content), bytes)).toBe(0);
    }
  });

  it('that is gone from storage fails its message, and not the next one', async () => {
    const { phone, to } = someone();
    const media_id = await session.upload('document', 'text/plain', randomBytes(10));
    const [row] = await world.database.asOwner<{ object_key: string }>(
      'select object_key from wa.media where id = $1',
      [media_id],
    );
    await worker.context.objects.delete([row?.object_key ?? '']);
    const lost = await session.sent(to, { type: 'document', media_id });
    await session.sent(to, 'After it');
    await session.until(lost.id, 'failed', 'whatsapp.media_lost');
    await phone.waitFor(({ text }) => text === 'After it');
  });
});

describe('everything else', () => {
  it('a place, people, a poll whose votes can be read', async () => {
    const { phone, to } = someone();
    await session.sent(to, { type: 'location', latitude: -6.2, longitude: 106.8, name: 'Jakarta', address: 'Jalan 1' });
    const one = { name: 'Budi; Santoso, S.\nKom', phones: ['6281234567890'], organization: 'Toko, Maju' };
    await session.sent(to, { type: 'contact', contacts: [one] });
    await session.sent(to, {
      type: 'contact',
      contacts: [one, { name: 'Sri', phones: ['6281111111111', '6282222222222'] }],
    });
    const poll = await session.sent(to, { type: 'poll', question: 'When?', options: ['Now', 'Later'] });
    await session.sent(to, { type: 'poll', question: 'Which?', options: ['A', 'B', 'C'], selectable_count: 12 });
    await phone.waitFor(({ text }) => text === 'Which?');
    expect(phone.inbox()).toMatchObject([
      {
        kind: 'location',
        text: 'Jakarta',
        content: { locationMessage: { degreesLatitude: -6.2, address: 'Jalan 1' } },
      },
      { kind: 'contact', text: 'Budi; Santoso, S.\nKom' },
      { kind: 'contacts', content: { contactsArrayMessage: { displayName: '2 contacts' } } },
      { kind: 'poll', text: 'When?' },
      { kind: 'poll', content: { pollCreationMessage: { selectableOptionsCount: 3 } } },
    ]);
    const { vcard } = phone.inbox()[1]?.content.contactMessage ?? {};
    expect(vcard?.split('\n')).toEqual([
      'BEGIN:VCARD',
      'VERSION:3.0',
      String.raw`N:;Budi\; Santoso\, S.\nKom;;;`,
      String.raw`FN:Budi\; Santoso\, S.\nKom`,
      String.raw`ORG:Toko\, Maju;`,
      'TEL;type=CELL;type=VOICE;waid=6281234567890:+6281234567890',
      'END:VCARD',
    ]);
    await phone.send(session.phone.number, { kind: 'poll_vote', id: poll.message_id, options: ['Later'] });
    const voted = await session.phone.waitFor(({ id, votes }) => id === poll.message_id && votes.length > 0);
    expect(voted.votes).toEqual([{ from: phone.number, options: ['Later'] }]);
  });

  it('a reaction comes and goes; a text is edited, and deleted for everybody', async () => {
    const { phone, to } = someone();
    const { id } = await phone.send(session.phone.number, 'Nice?');
    await session.received(id);
    await session.sent(to, { type: 'reaction', message_id: id, emoji: '👍' });
    await vi.waitFor(() => expect(phone.messages()[0]?.reactions).toMatchObject([{ emoji: '👍' }]));
    await session.sent(to, { type: 'reaction', message_id: id, emoji: null });
    const own = await session.sent(to, 'Wrnog');
    await session.sent(to, { type: 'edit', message_id: own.message_id, text: 'Right' });
    const edited = await phone.waitFor(({ id, edited }) => id === own.message_id && edited);
    expect(edited.text).toBe('Right');
    expect(phone.messages().find((message) => message.id === id)?.reactions).toEqual([]);
    await vi.waitFor(async () => expect(await session.read(own.id)).toMatchObject({ content: { text: 'Right' } }));
    const deletion = await session.sent(to, { type: 'delete', message_id: own.message_id });
    await phone.waitFor(({ id, deleted }) => id === own.message_id && deleted);
    const gone = { content: {}, deleted_at: expect.any(String) as string };
    await vi.waitFor(async () => expect(await session.read(own.id)).toMatchObject(gone));
    await session.until(deletion.id, 'delivered');
  });

  it('the caption of a file is edited as the file with it', async () => {
    const { phone, to } = someone();
    const media_id = await session.upload('image', 'image/png', randomBytes(100));
    const picture = await session.sent(to, { type: 'image', media_id, caption: 'Old' });
    await session.sent(to, { type: 'edit', message_id: picture.message_id, text: 'New' });
    const edited = await phone.waitFor(({ id, edited }) => id === picture.message_id && edited);
    expect(edited.text).toBe('New');
  });

  it('a group hears it, each once, and it is read when all have read it', async () => {
    const [ada, bob] = [world.whatsapp.addPhone(), world.whatsapp.addPhone()];
    const group = ada.createGroup({ subject: 'Plans', members: [bob.number, session.phone.number] });
    const group_id = group.id.replace('@g.us', '');
    const sent = await session.sent({ group_id }, 'Hello all');
    for (const phone of [ada, bob])
      expect(await phone.waitFor(({ text }) => text === 'Hello all')).toMatchObject({ stanzas: 1 });
    await session.until(sent.id, 'delivered');
    ada.read(group.id);
    bob.read(group.id);
    await session.until(sent.id, 'read');
    const { id } = await ada.send(group.id, 'And me');
    await session.received(id);
    const answer = await session.sent({ group_id }, 'You too', { reply_to: id });
    const shown = await bob.waitFor((message) => message.id === answer.message_id);
    expect(shown.quoted).toBe(id);
    expect(shown.content.extendedTextMessage?.contextInfo?.participant).toBe(`${ada.lid}@lid`);
    const reaction = await session.sent({ group_id }, { type: 'reaction', message_id: id, emoji: '🎉' });
    await bob.waitFor((message) => message.id === id && message.reactions.length === 1);
    await session.until(reaction.id, 'delivered');
  });
});
