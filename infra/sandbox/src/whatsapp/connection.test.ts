import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { CloseCode } from './faults.ts';
import { jid, linked, shopAndAda, start, unlinked } from './testing/world.ts';

it('keeps what arrives while a device is away, and delivers it in order', async () => {
  const { shop, ada, device } = await shopAndAda();
  await ada.send(shop.number, 'Live');
  await device.text('Live');
  await device.socket.end(undefined);
  for (const text of ['One', 'Two', 'Three']) await ada.send(shop.number, text);
  device.connect();
  await device.text('Three');
  const texts = device.upserts.map(({ message, type }) => [message.message?.conversation, type]);
  expect(texts.slice(-3)).toEqual([
    ['One', 'append'],
    ['Two', 'append'],
    ['Three', 'append'],
  ]);
  await ada.waitForSent(({ message, devices }) => message.text === 'Three' && devices.includes(1));
});

it('delivers again what was never confirmed', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  await ada.send(shop.number, 'Before');
  await ada.waitForSent(({ devices }) => devices.includes(1));
  server.faults.closeWith(shop.number, 'silent');
  await ada.send(shop.number, 'Into silence');
  device.connect();
  await device.text('Into silence');
});

it.each([515, 440, 401, 403, 405, 408, 411, 428, 429, 500, 503] satisfies CloseCode[])(
  'ends a connection with %s, at once and at the next login',
  async (code) => {
    const { server, shop, device } = await shopAndAda();
    server.faults.closeWith(shop.number, code);
    expect(await device.closed(1)).toMatchObject({ code });
    server.faults.closeWith(shop.number, code, 'next_login');
    device.connect();
    expect(await device.closed(2)).toMatchObject({ code });
    device.connect();
    await device.open(1);
  },
);

it('ends a connection after some messages', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  server.faults.closeWith(shop.number, 503, { after_messages: 2 });
  await device.socket.sendMessage(jid(ada), { text: 'One' });
  await device.socket.sendMessage(jid(ada), { text: 'Two' });
  expect(await device.closed(1)).toMatchObject({ code: 503 });
  await ada.waitFor(({ text }) => text === 'Two');
});

it('cuts a connection, and falls silent', async () => {
  const { server, shop, device } = await shopAndAda();
  server.faults.closeWith(shop.number, 'tcp');
  expect(await device.closed(1)).toMatchObject({ code: 428 });
  device.connect();
  await device.open(1);
  server.faults.closeWith(shop.number, 'silent');
  expect(shop.devices()).toMatchObject([{ is_connected: false }]);
  await expect(device.socket.query({ tag: 'iq', attrs: { type: 'get', xmlns: 'w:p' } }, 100)).rejects.toThrow();
});

it('lets the last of two connections of one device win', async () => {
  const { shop, device, server } = await shopAndAda();
  const twin = unlinked(server, {}, device.auth);
  expect(await device.closed(1)).toMatchObject({ code: 440 });
  await twin.open();
  expect(shop.devices()).toMatchObject([{ id: 1, is_connected: true }]);
});

it('turns away a device that is not linked any more', async () => {
  const { shop, device } = await shopAndAda();
  shop.unlink();
  expect(await device.closed(1)).toMatchObject({ code: 401 });
  expect(shop.devices()).toEqual([]);
  device.connect();
  expect(await device.closed(2)).toMatchObject({ code: 401 });
});

it('unlinks a device that logs out', async () => {
  const { shop, device } = await shopAndAda();
  await device.socket.logout();
  await expect.poll(() => shop.devices()).toEqual([]);
});

it('turns away who has the number of a linked device, but not its key', async () => {
  const { device, server } = await shopAndAda();
  const thief = unlinked(server);
  await thief.qr();
  await thief.socket.end(undefined);
  thief.auth.creds.me = { id: device.auth.creds.me!.id };
  thief.connect();
  expect(await thief.closed(1)).toMatchObject({ code: 401 });
});

it('refuses messages, and forgets to confirm them', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  server.faults.ackError(shop.number, '463', { to: ada.number });
  const refused = await device.socket.sendMessage(jid(ada), { text: 'Refused' });
  await device.until(() => device.acks.find(({ id, error }) => id === refused?.key.id && error === '463'));
  server.faults.dropAcks(shop.number, 1);
  const unconfirmed = await device.socket.sendMessage(jid(ada), { text: 'Unconfirmed' });
  const last = await device.socket.sendMessage(jid(ada), { text: 'Confirmed' });
  await device.until(() => device.acks.find(({ id }) => id === last?.key.id));
  expect(device.acks.map(({ id }) => id)).not.toContain(unconfirmed?.key.id);
  expect(ada.inbox().map(({ text }) => text)).toEqual(['Unconfirmed', 'Confirmed']);
});

it('takes a message and cuts the connection before it says so', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  server.faults.dropAfterReceive(shop.number, 1);
  const sent = await device.socket.sendMessage(jid(ada), { text: 'Taken' });
  await device.closed(1);
  await ada.waitFor(({ text }) => text === 'Taken');
  expect(device.acks.map(({ id }) => id)).not.toContain(sent?.key.id);
});

it('holds receipts back until it is told to let them go', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  server.faults.holdReceipts(shop.number, true);
  const sent = await device.socket.sendMessage(jid(ada), { text: 'Quiet' });
  await ada.waitFor(({ text }) => text === 'Quiet');
  await ada.send(shop.number, 'After it');
  await device.text('After it');
  expect(device.updates).toEqual([]);
  server.faults.holdReceipts(shop.number, false);
  await device.status(sent?.key.id, 3);
});

it('tells a device that it runs out of keys, and takes new ones', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  server.faults.lowPreKeys(shop.number);
  await expect.poll(() => shop.devices()).toMatchObject([{ pre_keys: 7 }]);
  server.faults.emptyPreKeys(shop.number);
  await ada.send(shop.number, 'Without a one-time key');
  await device.text('Without a one-time key');
  await device.socket.end(undefined);
  device.connect();
  await device.open(1);
  expect(shop.devices()).toMatchObject([{ pre_keys: 812 }]);
});

it('refuses questions', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  server.faults.refuseUsync(shop.number, 1);
  await expect(device.socket.onWhatsApp(ada.number)).rejects.toThrow('rate-overlimit');
  expect(await device.socket.onWhatsApp(ada.number)).toHaveLength(1);
  server.faults.refuseKeys(shop.number, true);
  await expect(device.socket.sendMessage(jid(ada), { text: 'No keys' })).rejects.toThrow();
});

it('forgets what waits, and is slow, when it is told to', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  await device.socket.end(undefined);
  await ada.send(shop.number, 'Lost');
  server.faults.forgetOffline(shop.number);
  server.faults.slow(shop.number, 5);
  device.connect();
  await device.open(1);
  await ada.send(shop.number, 'Kept');
  await device.text('Kept');
  expect(device.upserts.map(({ message }) => message.message?.conversation)).not.toContain('Lost');
});

it('never says that the absence is over, when it is told to', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  let ends = 0;
  await device.socket.end(undefined);
  server.faults.neverEndOffline(shop.number);
  device.connect();
  device.socket.ws.on('CB:ib,,offline', () => ends++);
  await device.open(1);
  await ada.send(shop.number, 'Still there?');
  await device.text('Still there?');
  expect(ends).toBe(0);
});

it('tells a device by which way to come, and takes it when it comes by it', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  server.faults.routing(shop.number, Buffer.from('by the back door'));
  await device.until(() => device.auth.creds.routingInfo);
  await device.socket.end(undefined);
  device.connect();
  await device.open(1);
  await ada.send(shop.number, 'Hello');
  await device.text('Hello');
});

it('does to one device what it does not do to another of the same phone', async () => {
  const { server, shop, device } = await shopAndAda();
  const desk = await linked(server, shop);
  server.faults.closeWith(`${shop.number}:2`, 503);
  expect(await desk.closed(1)).toMatchObject({ code: 503 });
  expect(shop.devices()).toMatchObject([{ id: 1, is_connected: true }, { id: 2 }]);
  expect(device.closes).toHaveLength(1);
});

it('sends whatever it is told to', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  const calls: unknown[] = [];
  const call = new Promise<void>((resolve) => {
    device.socket.ev.on('call', (events) => {
      calls.push(...events);
      resolve();
    });
  });
  const attrs = { from: jid(ada), id: '1', t: '1' };
  const offer = { tag: 'offer', attrs: { 'call-id': 'c1', 'call-creator': jid(ada) } };
  server.faults.inject(shop.number, { tag: 'call', attrs, content: [offer] });
  await call;
  expect(calls).toMatchObject([{ id: 'c1', from: jid(ada), status: 'offer' }]);
});

it('has no faults any more when they are cleared', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  server.faults.dropAcks(shop.number, true);
  server.faults.holdReceipts(shop.number, true);
  const first = await device.socket.sendMessage(jid(ada), { text: 'One' });
  await ada.waitFor(({ text }) => text === 'One');
  server.faults.clear();
  await device.status(first?.key.id, 3);
  const second = await device.socket.sendMessage(jid(ada), { text: 'Two' });
  await device.until(() => device.acks.find(({ id }) => id === second?.key.id));
});

it('knows its phones and their devices after a restart, and what waits for them', async () => {
  const data_dir = await mkdtemp(join(tmpdir(), 'sandbox-whatsapp-'));
  onTestFinished(() => rm(data_dir, { recursive: true }));
  const first = await start({ data_dir });
  const [shop, ada] = [first.addPhone({ name: 'Shop' }), first.addPhone({ name: 'Ada' })];
  const device = await linked(first, shop);
  const { id: group } = ada.createGroup({ subject: 'Friends', members: [shop.number] });
  await ada.send(shop.number, 'Before');
  await device.text('Before');
  await device.socket.sendMessage(jid(ada), { text: 'Reply' });
  await ada.waitFor(({ text }) => text === 'Reply');
  await device.socket.end(undefined);
  await ada.send(shop.number, 'While away');
  await first.close();

  const second = await start({ data_dir });
  expect(second.root_public_key).toBe(first.root_public_key);
  expect(second.phones().map(({ name }) => name)).toEqual(['Shop', 'Ada']);
  const again = unlinked(second, {}, device.auth);
  await again.text('While away');
  const late = second.phone(ada.number)!;
  await late.send(group, 'To all');
  await again.text('To all');
  await again.socket.sendMessage(jid(ada), { text: 'Still here' });
  await late.waitFor(({ text }) => text === 'Still here');
  expect(late.undecryptable()).toEqual([]);
});

it('has a WebSocket of its own for each server, and takes nothing else', async () => {
  const server = await start();
  const other = await start();
  expect(server.url).not.toBe(other.url);
  const response = await fetch(server.url.replace('ws:', 'http:'));
  expect(response.status).toBe(426);
  const socket = new WebSocket(server.url);
  const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
  socket.addEventListener('open', () => socket.send('GET / HTTP/1.1'));
  await closed;
});
