import type { UserFacingSocketConfig } from '@whiskeysockets/baileys';
import { expect, onTestFinished } from 'vitest';
import { type BaileysAuth, BaileysClient, linkedClient } from '../../testing/baileys.ts';
import type { Phone } from '../phone.ts';
import { startWhatsAppServer, type WhatsAppOptions, type WhatsAppServer } from '../server.ts';

/** A server of a test's own, which must have made no mistake when the test is over. */
export async function start(options?: WhatsAppOptions): Promise<WhatsAppServer> {
  const server = await startWhatsAppServer(options);
  onTestFinished(async () => {
    await server.close();
    expect(server.problems()).toEqual([]);
  });
  return server;
}

/** A stock client that nobody has linked yet. */
export function unlinked(
  server: WhatsAppServer,
  config?: Partial<UserFacingSocketConfig>,
  auth?: BaileysAuth,
): BaileysClient {
  const client = new BaileysClient(server.url, auth, config);
  onTestFinished(() => client[Symbol.asyncDispose]());
  return client;
}

/** A stock client that is linked to a phone, and logged in. */
export async function linked(
  server: WhatsAppServer,
  phone: Phone,
  config?: Partial<UserFacingSocketConfig>,
): Promise<BaileysClient> {
  const client = await linkedClient(server.url, (qr) => phone.scan(qr), config);
  onTestFinished(() => client[Symbol.asyncDispose]());
  return client;
}

/** A shop with a linked device, and somebody who writes to it. */
export async function shopAndAda(
  config?: Partial<UserFacingSocketConfig>,
): Promise<{ server: WhatsAppServer; shop: Phone; ada: Phone; device: BaileysClient }> {
  const server = await start();
  const shop = server.addPhone({ name: 'Shop' });
  const ada = server.addPhone({ name: 'Ada' });
  return { server, shop, ada, device: await linked(server, shop, config) };
}

/** By which a client knows the phone: its number, or its lid. */
export function jid(phone: Phone, server: 's.whatsapp.net' | 'lid' = 's.whatsapp.net'): string {
  return `${server === 'lid' ? phone.lid : phone.number}@${server}`;
}
