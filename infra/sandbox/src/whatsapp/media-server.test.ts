import { randomBytes } from 'node:crypto';
import { setDefaultCACertificates, getCACertificates } from 'node:tls';
import { downloadMediaMessage } from '@whiskeysockets/baileys';
import { expect, onTestFinished, test } from 'vitest';
import { unwrap } from './content.ts';
import { loadMedia } from './media-content.ts';
import { type MediaServer, startMediaServer } from './media-server.ts';
import { jid, linked, start } from './testing/world.ts';

async function startTrusted(options?: Parameters<typeof startMediaServer>[0]): Promise<MediaServer> {
  const media = await startMediaServer(options);
  setDefaultCACertificates([...getCACertificates('default'), media.ca]);
  onTestFinished(() => media.close());
  return media;
}

test('a picture from a phone is what the client downloads, and one from the client is what the phone shows', async () => {
  const media = await startTrusted();
  const server = await start({ media });
  const [shop, ada] = [server.addPhone(), server.addPhone()];
  const device = await linked(server, shop);
  const bytes = randomBytes(300_000);
  const { id } = await ada.send(shop.number, { kind: 'document', bytes, file_name: 'plan.bin' });
  const message = await device.message((each) => each.key.id === id);
  expect(Buffer.compare(await downloadMediaMessage(message, 'buffer', {}), bytes)).toBe(0);

  const sent = randomBytes(200_000);
  await device.socket.sendMessage(jid(ada), { document: sent, mimetype: 'application/pdf', fileName: 'reply.pdf' });
  const shown = await ada.waitFor((each) => each.kind === 'document');
  const { directPath, mediaKey } = unwrap(shown.content).documentMessage ?? {};
  expect(Buffer.compare(loadMedia(media, 'document', directPath ?? '', mediaKey ?? new Uint8Array()), sent)).toBe(0);
});

test('a media server can fail, answers in parts, and keeps the newest within its bound', async () => {
  const media = await startTrusted({ max_total_bytes: 10 });
  media.put('/mms/image/a', Buffer.from('012345'));
  const part = await fetch(`${media.url}/mms/image/a`, { headers: { range: 'bytes=2-3' } });
  expect([part.status, await part.text()]).toEqual([206, '23']);
  media.put('/mms/image/b', Buffer.from('abcdef'));
  expect((await fetch(`${media.url}/mms/image/a`)).status).toBe(404);
  expect((await fetch(`${media.url}/other`)).status).toBe(404);
  media.failWith(503);
  expect((await fetch(`${media.url}/mms/image/b`)).status).toBe(503);
  media.failWith(null);
  expect(await (await fetch(`${media.url}/mms/image/b`)).text()).toBe('abcdef');
});
