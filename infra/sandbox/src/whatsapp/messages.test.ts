import { expect, it } from 'vitest';
import type { MediaStore } from './media.ts';
import { jid, linked, shopAndAda, start } from './testing/world.ts';

it.each(['s.whatsapp.net', 'lid'] as const)('carries texts both ways, with receipts, to and from %s', async (name) => {
  const { shop, ada, device } = await shopAndAda();
  const sent = await device.socket.sendMessage(jid(ada, name), { text: 'Hello Ada' });
  const arrived = await ada.waitFor(({ text }) => text === 'Hello Ada');
  expect(arrived).toMatchObject({ id: sent?.key.id, chat: shop.number, from: shop.number, stanzas: 1 });
  await device.until(() => device.acks.find(({ id, error }) => id === sent?.key.id && !error));
  await device.status(sent?.key.id, 3);
  ada.read(shop.number);
  await device.status(sent?.key.id, 4);
  const copy = await shop.waitFor(({ text }) => text === 'Hello Ada');
  expect(copy).toMatchObject({ chat: ada.number, is_from_me: true });

  const addressing = name === 'lid' ? 'lid' : 'pn';
  const { id } = await ada.send(shop.number, 'Hello shop', { addressing });
  const received = await device.text('Hello shop');
  const other = name === 'lid' ? jid(ada) : jid(ada, 'lid');
  expect(received).toMatchObject({
    key: { id, remoteJid: jid(ada, name), remoteJidAlt: other, fromMe: false, addressingMode: addressing },
    pushName: 'Ada',
  });
  const receipts = await ada.waitForSent(({ receipts }) => receipts.length === 2);
  expect(receipts.receipts.map(({ from }) => from)).toEqual([shop.number, shop.number]);
  await device.socket.readMessages([received.key]);
  await ada.waitForSent(({ status }) => status === 'read');
});

it('shows a linked device what is written on its phone', async () => {
  const { shop, ada, device } = await shopAndAda();
  await shop.send(ada.number, 'From the counter');
  expect(await device.text('From the counter')).toMatchObject({
    key: { remoteJid: jid(ada), remoteJidAlt: jid(ada, 'lid'), fromMe: true },
  });
  await ada.waitFor(({ text }) => text === 'From the counter');
});

it('carries everything that people send to a linked device', async () => {
  const { shop, ada, device } = await shopAndAda();
  const { id: first } = await ada.send(shop.number, 'One');
  await ada.send(shop.number, 'Two', { quoted: first });
  await ada.send(shop.number, { kind: 'location', latitude: 52.5, longitude: 13.4, name: 'Berlin' });
  await ada.send(shop.number, { kind: 'live_location', latitude: 1, longitude: 2 });
  await ada.send(shop.number, { kind: 'contact', name: 'Bob', vcard: 'BEGIN:VCARD\nEND:VCARD' });
  await ada.send(shop.number, { kind: 'contacts', contacts: [{ name: 'Bob', vcard: 'BEGIN:VCARD\nEND:VCARD' }] });
  const { id: poll } = await ada.send(shop.number, { kind: 'poll', question: 'When?', options: ['Now', 'Later'] });
  await ada.send(shop.number, { kind: 'poll_vote', id: poll, options: ['Later'] });
  await ada.send(shop.number, { kind: 'reaction', id: first, emoji: '👍' });
  await ada.send(shop.number, { kind: 'edit', id: first, text: 'Uno' });
  await ada.send(shop.number, { kind: 'delete', id: first });
  await ada.send(shop.number, 'Last');
  await device.text('Last');

  const contents = device.upserts.flatMap(({ message }) => (message.key.fromMe ? [] : (message.message ?? [])));
  expect(contents).toMatchObject([
    { conversation: 'One' },
    { extendedTextMessage: { text: 'Two', contextInfo: { stanzaId: first } } },
    { locationMessage: { name: 'Berlin', degreesLatitude: 52.5 } },
    { liveLocationMessage: { degreesLongitude: 2 } },
    { contactMessage: { displayName: 'Bob' } },
    { contactsArrayMessage: { contacts: [{ displayName: 'Bob' }] } },
    { pollCreationMessageV3: { name: 'When?' } },
    { pollUpdateMessage: { pollCreationMessageKey: { id: poll } } },
    { reactionMessage: { text: '👍', key: { id: first } } },
    { protocolMessage: { key: { id: first }, editedMessage: { conversation: 'Uno' } } },
    { protocolMessage: { key: { id: first } } },
    { conversation: 'Last' },
  ]);
  const [shown] = shop.messages();
  expect(shown).toMatchObject({ text: 'Uno', edited: true, deleted: true, reactions: [{ emoji: '👍' }] });
  expect(shop.messages().find(({ id }) => id === poll)?.votes).toEqual([{ from: ada.number, options: ['Later'] }]);
});

it('shows on the phone everything that a linked device sends', async () => {
  const { shop, ada, device } = await shopAndAda();
  const { socket } = device;
  const to = jid(ada);
  const first = await socket.sendMessage(to, { text: 'One' });
  await socket.sendMessage(to, { text: 'Two' }, { quoted: first });
  await socket.sendMessage(to, { location: { degreesLatitude: 1, degreesLongitude: 2, name: 'Here' } });
  await socket.sendMessage(to, {
    contacts: { displayName: 'Bob', contacts: [{ displayName: 'Bob', vcard: 'BEGIN:VCARD' }] },
  });
  await socket.sendMessage(to, { poll: { name: 'When?', values: ['Now', 'Later'], selectableCount: 1 } });
  await socket.sendMessage(to, { react: { text: '🎉', key: first!.key } });
  await socket.sendMessage(to, { text: 'Uno', edit: first!.key });
  await socket.sendMessage(to, { delete: first!.key });
  await socket.sendMessage(to, { text: 'Last' });
  await ada.waitFor(({ text }) => text === 'Last');
  expect(ada.inbox()).toMatchObject([
    { id: first?.key.id, text: 'Uno', edited: true, deleted: true, reactions: [{ from: shop.number, emoji: '🎉' }] },
    { kind: 'text', quoted: first?.key.id },
    { kind: 'location', text: 'Here' },
    { kind: 'contact', text: 'Bob' },
    { kind: 'poll', text: 'When?' },
    { kind: 'text', text: 'Last' },
  ]);
  const poll = ada.inbox().find(({ kind }) => kind === 'poll');
  await ada.send(shop.number, { kind: 'poll_vote', id: poll!.id, options: ['Now'] });
  await ada.send(shop.number, { kind: 'reaction', id: poll!.id, emoji: '👍' });
  await shop.waitFor(({ kind, votes }) => kind === 'poll' && votes[0]?.options[0] === 'Now');
  const reaction = await device.message(({ message }) => message?.reactionMessage?.text === '👍');
  expect(reaction.message?.reactionMessage?.key).toMatchObject({ id: poll!.id, fromMe: true });
});

it('knows which numbers have an account, and delivers nothing to one that has none', async () => {
  const { ada, shop, device } = await shopAndAda();
  expect(await device.socket.onWhatsApp(ada.number, '15550009999')).toEqual([{ jid: jid(ada), exists: true }]);
  await device.socket.sendMessage('15550009999@s.whatsapp.net', { text: 'Anybody?' });
  await shop.waitFor(({ text, chat }) => text === 'Anybody?' && chat === '15550009999');
  expect(ada.inbox()).toEqual([]);
});

it('shows who writes', async () => {
  const { shop, ada, device } = await shopAndAda();
  await device.socket.sendPresenceUpdate('composing', jid(ada));
  await device.socket.sendPresenceUpdate('recording', jid(ada));
  await device.socket.sendPresenceUpdate('paused', jid(ada));
  await ada.waitForTyping(({ state }) => state === 'paused');
  expect(ada.typingSeen()).toMatchObject(
    ['composing', 'recording', 'paused'].map((state) => ({ from: shop.number, chat: shop.number, state })),
  );
  ada.typing(shop.number, 'recording');
  const presence = await device.until(() => device.presences[0]);
  expect(presence).toEqual({ id: jid(ada), presences: { [jid(ada)]: { lastKnownPresence: 'recording' } } });
});

it('keeps what arrives at a phone that is off until it is on', async () => {
  const { ada, device } = await shopAndAda();
  ada.settings.is_online = false;
  await device.socket.sendMessage(jid(ada), { text: 'One' });
  const last = await device.socket.sendMessage(jid(ada), { text: 'Two' });
  await device.until(() => device.acks.find(({ id }) => id === last?.key.id));
  expect(ada.inbox()).toEqual([]);
  ada.settings.is_online = true;
  await ada.waitFor(({ text }) => text === 'Two');
  await device.status(last?.key.id, 3);
  expect(ada.inbox().map(({ text }) => text)).toEqual(['One', 'Two']);
});

it('carries messages between linked devices of two phones, and to all devices of one', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  const desk = await linked(server, shop);
  const tablet = await linked(server, ada);
  const { id } = (await device.socket.sendMessage(jid(ada), { text: 'Hello' }))?.key ?? {};
  expect(await tablet.text('Hello')).toMatchObject({ key: { id, remoteJid: jid(shop), fromMe: false } });
  expect(await desk.text('Hello')).toMatchObject({ key: { id, remoteJid: jid(ada), fromMe: true } });
  await ada.waitFor(({ text }) => text === 'Hello');
  await tablet.socket.sendMessage(jid(shop), { text: 'Hello back' });
  expect(await desk.text('Hello back')).toMatchObject({ key: { remoteJid: jid(ada), fromMe: false } });
  expect(await device.text('Hello back')).toMatchObject({ key: { remoteJid: jid(ada), fromMe: false } });
  expect(await ada.waitFor(({ text }) => text === 'Hello back')).toMatchObject({ is_from_me: true });
});

it('tells those who write to somebody of new devices, and of devices that are gone', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  await device.socket.sendMessage(jid(ada), { text: 'Before' });
  await ada.waitFor(({ text }) => text === 'Before');
  const desk = await linked(server, shop);
  const tablet = await linked(server, ada);
  await device.socket.sendMessage(jid(ada), { text: 'To new devices' });
  await Promise.all([desk.text('To new devices'), tablet.text('To new devices')]);
  ada.unlink();
  await device.socket.sendMessage(jid(ada), { text: 'To the phone' });
  await ada.waitFor(({ text }) => text === 'To the phone');
  expect(ada.devices()).toEqual([]);
});

it('keeps a message on the phone, and hands it on when a linked device asks for it', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  server.faults.withholdNext(shop.number, 1);
  const { id } = await ada.send(shop.number, 'Later');
  expect((await device.text('Later')).key).toMatchObject({ id, remoteJid: jid(ada), fromMe: false });
  const [stub] = device.upserts.filter(({ message }) => message.key.id === id);
  expect(stub?.message.message).toBeUndefined();
});

it('carries media', async () => {
  const files = new Map<string, Buffer>();
  const media: MediaStore = {
    url: 'https://127.0.0.1:1',
    put: (path, bytes) => void files.set(path, bytes),
    get: (path) => files.get(path),
  };
  const server = await start({ media });
  const [shop, ada] = [server.addPhone(), server.addPhone()];
  const device = await linked(server, shop);
  const bytes = Buffer.from('a picture');
  await ada.send(shop.number, { kind: 'image', bytes, caption: 'Look' });
  await ada.send(shop.number, { kind: 'voice', bytes, seconds: 3, is_view_once: true });
  await ada.send(shop.number, { kind: 'document', bytes, file_name: 'a.pdf', mime_type: 'application/pdf' });
  const picture = await device.message(({ message }) => message?.imageMessage?.caption === 'Look');
  expect(picture.message?.imageMessage).toMatchObject({
    mimetype: 'image/jpeg',
    url: expect.stringContaining(media.url),
  });
  await device.message(({ message }) => message?.viewOnceMessageV2?.message?.audioMessage?.ptt === true);
  await device.message(({ message }) => message?.documentMessage?.fileName === 'a.pdf');
  expect((await device.socket.refreshMediaConn()).hosts).toMatchObject([{ hostname: '127.0.0.1:1' }]);
  const [image, voice] = shop.inbox();
  expect(shop.media(image!)).toEqual(bytes);
  expect(voice).toMatchObject({ kind: 'voice', is_view_once: true });
  const [path, stored] = [...files][0]!;
  files.set(path, Buffer.concat([Buffer.from('x'), stored.subarray(1)]));
  expect(() => shop.media(image!)).toThrow('changed');
  await device.socket.sendMessage(jid(ada), { forward: picture });
  const forwarded = await ada.waitFor(({ kind }) => kind === 'image');
  files.set(path, stored);
  expect(ada.media(forwarded)).toEqual(bytes);
});

it('takes two messages with one id for one, and counts them', async () => {
  const { ada, device } = await shopAndAda();
  const first = await device.socket.sendMessage(jid(ada), { text: 'Once' });
  await device.socket.sendMessage(jid(ada), { text: 'Once' }, { messageId: first!.key.id! });
  await ada.waitFor(({ stanzas }) => stanzas === 2);
  expect(ada.inbox()).toHaveLength(1);
});

it('has phones that do not tell their lid', async () => {
  const server = await start();
  const shop = server.addPhone();
  const ada = server.addPhone();
  ada.settings.supports_lid = false;
  const device = await linked(server, shop);
  await ada.send(shop.number, 'Hello');
  expect((await device.text('Hello')).key.remoteJidAlt).toBeUndefined();
});
