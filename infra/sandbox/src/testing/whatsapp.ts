import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { WA_CERT_DETAILS } from '@whiskeysockets/baileys';
import { type MediaServer, startMediaServer } from '../whatsapp/media-server.ts';
import { startWhatsAppServer, type WhatsAppOptions, type WhatsAppServer } from '../whatsapp/server.ts';

export { mediaOf } from '../whatsapp/media-content.ts';

export interface TestWhatsApp extends WhatsAppServer {
  /** What a process needs to know of it, to connect to it and to trust it. */
  env: Record<'WHATSAPP_WEB_SOCKET_URL' | 'WHATSAPP_SANDBOX_ROOT_KEY' | 'WHATSAPP_SANDBOX_CA' | 'NODE_OPTIONS', string>;
  media: MediaServer;
  /** Makes this process take it for WhatsApp, as the preload of `env` does for another. */
  trust(): void;
}

const PRELOAD = new URL('../whatsapp/trust-sandbox.mjs', import.meta.url);

/** The sandbox's WhatsApp with its media, of a test file's own. */
export async function startWhatsApp(options: WhatsAppOptions = {}): Promise<TestWhatsApp> {
  const media = await startMediaServer();
  const server = await startWhatsAppServer({ media, ...options });
  const closeServer = server.close;
  const close = async (): Promise<void> => {
    await closeServer();
    await media.close();
  };
  return Object.assign(server, {
    media,
    env: {
      WHATSAPP_WEB_SOCKET_URL: server.url,
      WHATSAPP_SANDBOX_ROOT_KEY: server.root_public_key,
      WHATSAPP_SANDBOX_CA: Buffer.from(media.ca).toString('base64'),
      NODE_OPTIONS: `--import ${PRELOAD.href}`,
    },
    trust() {
      WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(server.root_public_key, 'base64');
      setDefaultCACertificates([...getCACertificates('default'), media.ca]);
    },
    close,
    [Symbol.asyncDispose]: close,
  });
}
