import { Curve, proto } from '@whiskeysockets/baileys';
import { expect, it } from 'vitest';
import { jid, linked, start, unlinked } from './testing/world.ts';

it('links a device whose QR code is scanned, and lets it log in', async () => {
  const server = await start();
  const phone = server.addPhone({ name: 'Ada' });
  const device = unlinked(server);
  await phone.scan(await device.qr());
  expect(await device.closed()).toMatchObject({ code: 515 });
  expect(phone.devices()).toMatchObject([{ id: 1, is_connected: false }]);
  device.connect();
  await device.open();
  expect(phone.devices()).toMatchObject([{ id: 1, is_connected: true }]);
  expect(device.socket.user).toMatchObject({ id: `${phone.number}:1@s.whatsapp.net`, lid: `${phone.lid}:1@lid` });
  expect(device.auth.creds).toMatchObject({ platform: 'android', nextPreKeyId: 813 });
  expect(phone.devices()).toMatchObject([{ pre_keys: 811 }]);
});

it('links a device whose code is typed in', async () => {
  const server = await start();
  const phone = server.addPhone();
  const device = unlinked(server);
  await device.qr();
  const code = await device.socket.requestPairingCode(phone.number);
  await phone.enterCode(`${code.slice(0, 4)}-${code.slice(4)}`.toLowerCase());
  expect(await device.closed()).toMatchObject({ code: 515 });
  device.connect();
  await device.open();
  expect(phone.devices()).toMatchObject([{ id: 1, is_connected: true }]);
});

it('does not link a device with a wrong code, nor to a number for which it did not ask', async () => {
  const server = await start();
  const phone = server.addPhone();
  const other = server.addPhone();
  const device = unlinked(server);
  await device.qr();
  await device.socket.requestPairingCode(phone.number, 'ABCD1234');
  await expect(phone.enterCode('ABCD1235')).rejects.toThrow('wrong');
  await expect(other.enterCode('ABCD1234')).rejects.toThrow('Not within');
  expect([...phone.devices(), ...other.devices()]).toEqual([]);
});

it('does not link a device that is gone, or whose QR code is not its own', async () => {
  const server = await start();
  const phone = server.addPhone();
  const gone = unlinked(server);
  const qr = await gone.qr();
  const [link = '', ...keys] = qr.split(',');
  const forged = [link, keys[0], Buffer.from(Curve.generateKeyPair().public).toString('base64'), ...keys.slice(2)];
  await expect(phone.scan(forged.join(','))).rejects.toThrow('another device');
  await gone.socket.end(undefined);
  await expect.poll(() => phone.scan(qr).catch((error: unknown) => String(error))).toMatch('no longer valid');
  expect(phone.devices()).toEqual([]);
});

it('links four devices and no more', async () => {
  const server = await start();
  const phone = server.addPhone();
  for (let count = 1; count <= 4; count++) {
    const device = unlinked(server);
    await phone.scan(await device.qr());
    await device.closed();
  }
  const device = unlinked(server);
  await expect(phone.scan(await device.qr())).rejects.toThrow('No more than 4');
  phone.unlink(2);
  await phone.scan(await device.qr());
  expect(phone.devices().map(({ id }) => id)).toEqual([1, 3, 4, 5]);
});

it('tells a device that it is linked to a business', async () => {
  const server = await start();
  const device = await linked(server, server.addPhone({ name: 'Shop', is_business: true }));
  expect(device.socket.user).toMatchObject({ name: 'Shop' });
});

it('gives a newly linked device the history, and a device that comes again none', async () => {
  const server = await start();
  const shop = server.addPhone();
  const ada = server.addPhone({ name: 'Ada' });
  await ada.send(shop.number, 'Long ago');
  const device = await linked(server, shop);
  const { messages, chats } = await device.until(() => device.history[0]);
  expect(messages).toMatchObject([
    { message: { conversation: 'Long ago' }, key: { remoteJid: jid(ada), fromMe: false } },
  ]);
  expect(chats).toMatchObject([{ id: jid(ada), name: 'Ada' }]);
  await device.until(() => device.auth.creds.myAppStateKeyId);
  await device.socket.end(undefined);
  device.connect();
  await device.open(1);
  await ada.send(shop.number, 'Just now');
  await device.text('Just now');
  expect(device.history).toHaveLength(1);
});

it('proves who it is with certificates that hang on its root key', async () => {
  const root = Curve.generateKeyPair();
  const server = await start({ root });
  expect(server.root_public_key).toBe(Buffer.from(root.public).toString('base64'));
  const { createServerIdentity } = await import('./certificates.ts');
  const { verifySignature } = await import('libsignal/src/curve.js');
  const { chain, key } = createServerIdentity(root);
  const { intermediate, leaf } = proto.CertChain.decode(chain);
  const signal = (bytes: Uint8Array) => Buffer.concat([Buffer.from([5]), bytes]);
  const details = proto.CertChain.NoiseCertificate.Details.decode(intermediate!.details!);
  const of = (one: typeof leaf) => [Buffer.from(one!.details!), Buffer.from(one!.signature!)] as const;
  expect(verifySignature(signal(root.public), ...of(intermediate))).toBe(true);
  expect(verifySignature(signal(details.key!), ...of(leaf))).toBe(true);
  expect(verifySignature(signal(Curve.generateKeyPair().public), ...of(intermediate))).toBe(false);
  expect(proto.CertChain.NoiseCertificate.Details.decode(leaf!.details!).key).toEqual(Buffer.from(key.public));
});
