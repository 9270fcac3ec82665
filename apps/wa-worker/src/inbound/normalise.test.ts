import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { aesEncryptGCM, hmacSign, proto } from '@whiskeysockets/baileys';
import { describe, expect, it } from 'vitest';
import { normaliseMessage } from './normalise.ts';
import { readVote } from './normalise-polls.ts';

/** As it comes off the wire: what is not set is not there. */
const received = (message: proto.IMessage): proto.Message =>
  proto.Message.decode(proto.Message.encode(proto.Message.fromObject(message)).finish());
const normalise = (message: proto.IMessage) => normaliseMessage(received(message));
const { REVOKE, MESSAGE_EDIT, EPHEMERAL_SETTING } = proto.Message.ProtocolMessage.Type;

describe('text', () => {
  it('of both forms', () => {
    expect(normalise({ conversation: 'halo' })).toEqual({ type: 'text', content: { text: 'halo' } });
    expect(normalise({ extendedTextMessage: { text: 'halo' } })).toEqual({ type: 'text', content: { text: 'halo' } });
  });

  it('with what it answers, who is named, and that it was passed on', () => {
    const contextInfo = { stanzaId: 'Q1', mentionedJid: ['12@lid', '6281234567@s.whatsapp.net'], isForwarded: true };
    expect(normalise({ extendedTextMessage: { text: '@a @b', contextInfo } })).toEqual({
      type: 'text',
      content: { text: '@a @b', mentions: [{ lid: '12' }, { phone: '6281234567' }], is_forwarded: true },
      quoted_message_id: 'Q1',
    });
  });

  it('as somebody chose it from a business’s buttons', () => {
    const chosen = { selectedButtonId: 'b', selectedDisplayText: 'Ya' };
    expect(normalise({ buttonsResponseMessage: chosen })).toEqual({ type: 'text', content: { text: 'Ya' } });
    expect(normalise({ listResponseMessage: { title: 'Kopi' } })).toEqual({ type: 'text', content: { text: 'Kopi' } });
  });
});

describe('media', () => {
  const file = { mimetype: 'x/y', fileLength: 12, fileSha256: new Uint8Array(32), mediaKey: new Uint8Array(32) };
  const media = (kind: string) => ({ kind, media_type: 'x/y', size: 12, sha256: Buffer.alloc(32).toString('base64') });

  it('of every kind', () => {
    expect(normalise({ imageMessage: { ...file, caption: 'c' } })).toEqual({
      ...{ type: 'image', content: { caption: 'c' }, media: media('image') },
    });
    expect(normalise({ videoMessage: { ...file, seconds: 3, gifPlayback: true } })).toEqual({
      ...{ type: 'video', content: { duration_s: 3, is_gif: true }, media: media('video') },
    });
    expect(normalise({ ptvMessage: file })).toMatchObject({ type: 'video' });
    expect(normalise({ audioMessage: { ...file, seconds: 9 } })).toEqual({
      ...{ type: 'audio', content: { duration_s: 9 }, media: media('audio') },
    });
    expect(normalise({ audioMessage: { ...file, ptt: true } })).toMatchObject({ type: 'voice', media: media('voice') });
    expect(normalise({ stickerMessage: file })).toEqual({ type: 'sticker', content: {}, media: media('sticker') });
    expect(normalise({ documentMessage: { ...file, fileName: 'a.pdf' } })).toEqual({
      type: 'document',
      content: { file_name: 'a.pdf' },
      media: { ...media('document'), file_name: 'a.pdf' },
    });
  });

  it('of a type that no header takes, of the usual one of its kind', () => {
    const typed = (mimetype: string) => normalise({ imageMessage: { ...file, mimetype } }).media?.media_type;
    for (const wrong of ['image/\r\nx: y', 'imagé/png', 'image', '/', `image/${'x'.repeat(130)}`, 'image/png\0'])
      expect(typed(wrong), wrong).toBe('image/jpeg');
    for (const good of ['audio/ogg; codecs=opus', 'video/mp4; codecs="avc1.4d, mp4a"', 'application/vnd.ms-excel'])
      expect(typed(good)).toBe(good);
  });

  it('with a caption that wraps the document', () => {
    const message = { documentMessage: { ...file, fileName: 'a.pdf', caption: 'read' } };
    expect(normalise({ documentWithCaptionMessage: { message } })).toMatchObject({
      ...{ type: 'document', content: { caption: 'read', file_name: 'a.pdf' } },
    });
  });

  it('to be seen once, in every wrapper', () => {
    for (const name of ['viewOnceMessage', 'viewOnceMessageV2', 'viewOnceMessageV2Extension'] as const)
      expect(normalise({ [name]: { message: { imageMessage: file } } }).content).toEqual({ is_view_once: true });
    expect(
      normalise({ ephemeralMessage: { message: { viewOnceMessageV2: { message: { imageMessage: file } } } } }),
    ).toEqual(expect.objectContaining({ type: 'image', content: { is_view_once: true, is_ephemeral: true } }));
  });

  it('whose facts cannot be are left out', () => {
    expect(normalise({ imageMessage: { fileSha256: new Uint8Array(3), fileLength: 0 } }).media).toEqual({
      ...{ kind: 'image', media_type: 'image/jpeg' },
    });
  });
});

describe('places and people', () => {
  it('locations', () => {
    const place = { degreesLatitude: 1.5, degreesLongitude: 2.5, name: 'N', address: 'A' };
    const content = { latitude: 1.5, longitude: 2.5, name: 'N', address: 'A' };
    expect(normalise({ locationMessage: place })).toEqual({ type: 'location', content });
    expect(
      normalise({ liveLocationMessage: { degreesLatitude: 1.5, degreesLongitude: 2.5, accuracyInMeters: 7 } }),
    ).toEqual({
      type: 'live_location',
      content: { latitude: 1.5, longitude: 2.5, accuracy_m: 7 },
    });
  });

  it('cards, one or more', () => {
    const card = { displayName: 'Ani', vcard: 'TEL;waid=6281234567:x' };
    const ani = { name: 'Ani', phones: ['6281234567'] };
    expect(normalise({ contactMessage: card })).toEqual({ type: 'contact', content: { contacts: [ani] } });
    expect(normalise({ contactsArrayMessage: { contacts: [card, card] } }).content).toEqual({ contacts: [ani, ani] });
  });
});

describe('polls', () => {
  const options = [{ optionName: 'a' }, { optionName: 'b' }];

  it('of every version', () => {
    const poll = { name: '?', options, selectableOptionsCount: 1 };
    const content = { question: '?', options: ['a', 'b'], selectable_count: 1 };
    for (const name of ['pollCreationMessage', 'pollCreationMessageV2', 'pollCreationMessageV3'] as const)
      expect(normalise({ [name]: poll })).toEqual({ type: 'poll', content });
    const any = { pollCreationMessageV3: { ...poll, selectableOptionsCount: 0 } };
    expect(normalise(any).content).toMatchObject({ selectable_count: 2 });
  });

  it('and votes, with the secret of the poll and the right names', () => {
    const secret = randomBytes(32);
    const poll = received({
      messageContextInfo: { messageSecret: secret },
      pollCreationMessageV3: { name: '?', options, selectableOptionsCount: 1 },
    });
    const vote = { pollCreationMessageKey: { id: 'P1' }, vote: encryptVote(secret, 'P1', '1@lid', '2@lid', ['b']) };
    expect(normalise({ pollUpdateMessage: vote })).toEqual({
      ...{ type: 'poll_vote', content: { message_id: 'P1', options: null } },
    });
    expect(readVote(vote, poll, ['62812@s.whatsapp.net', '1@lid'], ['62813@s.whatsapp.net', '2@lid'])).toEqual(['b']);
    expect(readVote(vote, poll, ['1@lid'], ['3@lid'])).toBeNull();
    expect(
      readVote(vote, received({ pollCreationMessageV3: { name: '?', options } }), ['1@lid'], ['2@lid']),
    ).toBeNull();
  });
});

/** As a phone does: WhatsApp's HMAC chain, then AES-256-GCM. */
function encryptVote(secret: Buffer, poll_id: string, creator: string, voter: string, chosen: string[]) {
  const sign = Buffer.concat([
    ...[poll_id, creator, voter, 'Poll Vote'].map((text) => Buffer.from(text)),
    Buffer.from([1]),
  ]);
  const key = hmacSign(sign, hmacSign(secret, new Uint8Array(32), 'sha256'), 'sha256');
  const selectedOptions = chosen.map((name) => createHash('sha256').update(name).digest());
  const encIv = randomBytes(12);
  const plain = proto.Message.PollVoteMessage.encode({ selectedOptions }).finish();
  return { encPayload: aesEncryptGCM(plain, key, encIv, Buffer.from(`${poll_id}\0${voter}`)), encIv };
}

describe('what is about another message', () => {
  const key = { id: 'T1', remoteJid: 'x@s.whatsapp.net', fromMe: false };

  it('reactions, and taking them back', () => {
    const react = (text: string) => normalise({ reactionMessage: { key, text } });
    expect(react('👍')).toEqual({ type: 'reaction', content: { message_id: 'T1', emoji: '👍' } });
    expect(react('').content).toEqual({ message_id: 'T1', emoji: null });
  });

  it('edits, of text and captions, at the time of the edit', () => {
    const protocolMessage = {
      type: MESSAGE_EDIT,
      key,
      editedMessage: { conversation: 'new' },
      timestampMs: 1_700_000_000_123,
    };
    const expected = { type: 'edit', content: { message_id: 'T1', text: 'new' }, at: '2023-11-14T22:13:20.123Z' };
    expect(normalise({ protocolMessage })).toEqual(expected);
    expect(normalise({ editedMessage: { message: { protocolMessage } } })).toEqual(expected);
    const captioned = { ...protocolMessage, editedMessage: { imageMessage: { caption: 'cap' } } };
    expect(normalise({ protocolMessage: captioned }).content).toEqual({ message_id: 'T1', text: 'cap' });
  });

  it('deletions', () => {
    expect(normalise({ protocolMessage: { type: REVOKE, key } })).toEqual({
      ...{ type: 'delete', content: { message_id: 'T1' } },
    });
  });
});

describe('what is no message', () => {
  it('is of the protocol', () => {
    const distribution = { groupId: 'g', axolotlSenderKeyDistributionMessage: new Uint8Array(3) };
    for (const message of [
      {},
      { senderKeyDistributionMessage: distribution, messageContextInfo: {} },
      { protocolMessage: { type: EPHEMERAL_SETTING, ephemeralExpiration: 60 } },
      { pinInChatMessage: { type: 1 } },
    ])
      expect(normalise(message).type).toBe('protocol');
  });

  it('and what we do not know is told by its name', () => {
    expect(normalise({ eventMessage: { name: 'party' } })).toEqual({
      type: 'unknown',
      content: { kind: 'eventMessage' },
    });
  });
});

describe('the own phone', () => {
  it('wraps what it sent, and keeps a secret beside it', () => {
    const message = { pollCreationMessageV3: { name: '?', options: [{ optionName: 'a' }] } };
    const sent = {
      deviceSentMessage: { destinationJid: '1@lid', message },
      messageContextInfo: { messageSecret: Buffer.alloc(32) },
    };
    expect(normalise(sent).type).toBe('poll');
  });
});

it('takes whatever people write, and gives JSON that Postgres takes', () => {
  const odd = fc.string({ unit: 'binary', maxLength: 40 });
  const place = fc.record({ degreesLatitude: fc.double(), degreesLongitude: fc.double(), name: odd });
  const message = fc.oneof(
    fc.record({ conversation: odd }),
    fc.record({ imageMessage: fc.record({ caption: odd, mimetype: odd }) }),
    fc.record({ documentMessage: fc.record({ fileName: odd, title: odd }) }),
    fc.record({ locationMessage: place }),
    fc.record({ contactMessage: fc.record({ displayName: odd, vcard: odd }) }),
    fc.record({ reactionMessage: fc.record({ key: fc.record({ id: odd }), text: odd }) }),
  );
  fc.assert(
    fc.property(message, (made) => {
      const found = normaliseMessage(made);
      const json = JSON.stringify(found);
      expect(json).not.toMatch(/\\u0000|(?<!\\)\\ud[89a-f]/i);
      expect(JSON.parse(json)).toEqual(found);
    }),
  );
});
