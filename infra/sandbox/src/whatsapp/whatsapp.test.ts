import { expect, it, onTestFinished } from 'vitest';
import { BaileysClient, linkedClient } from '../testing/baileys.ts';
import { startWhatsAppServer, type WhatsAppServer } from './server.ts';

async function start(): Promise<WhatsAppServer> {
  const server = await startWhatsAppServer();
  onTestFinished(async () => {
    await server.close();
    expect(server.problems()).toEqual([]);
  });
  return server;
}

function client(server: WhatsAppServer): BaileysClient {
  const made = new BaileysClient(server.url);
  onTestFinished(() => made[Symbol.asyncDispose]());
  return made;
}

it('links a device that shows a QR code', async () => {
  const server = await start();
  const phone = server.addPhone({ name: 'Ada' });
  const device = client(server);
  await phone.scan(await device.qr());
  expect(await device.closed()).toMatchObject({ code: 515 });
  device.connect();
  await device.open();
  expect(phone.devices()).toMatchObject([{ id: 1, is_connected: true }]);
  expect(device.socket.user).toMatchObject({ id: `${phone.number}:1@s.whatsapp.net`, lid: `${phone.lid}:1@lid` });
});

it('carries texts both ways, with receipts', async () => {
  const server = await start();
  const shop = server.addPhone({ name: 'Shop' });
  const ada = server.addPhone({ name: 'Ada' });
  const device = await linkedClient(server.url, (qr) => shop.scan(qr));
  onTestFinished(() => device[Symbol.asyncDispose]());
  const sent = await device.socket.sendMessage(`${ada.number}@s.whatsapp.net`, { text: 'Hello Ada' });
  const arrived = await ada.waitFor(({ text }) => text === 'Hello Ada');
  expect(arrived).toMatchObject({ id: sent?.key.id, chat: shop.number, from: shop.number, stanzas: 1 });
  await device.until(() => device.updates.find(({ update }) => update.status === 3));
  await shop.waitFor(({ text, is_from_me }) => is_from_me && text === 'Hello Ada');

  const { id } = await ada.send(shop.number, 'Hello shop');
  expect(await device.text('Hello shop')).toMatchObject({
    key: { id, remoteJid: `${ada.number}@s.whatsapp.net`, remoteJidAlt: `${ada.lid}@lid`, fromMe: false },
    pushName: 'Ada',
  });
  await ada.waitForSent(({ receipts }) => receipts.some(({ device }) => device === 1));
});
