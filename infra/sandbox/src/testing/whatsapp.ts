import { startWhatsAppServer, type WhatsAppOptions, type WhatsAppServer } from '../whatsapp/server.ts';

export interface TestWhatsApp extends WhatsAppServer {
  /** What a process needs to know of it, to connect to it and to trust it. */
  env: Record<'WHATSAPP_WEB_SOCKET_URL' | 'WHATSAPP_SANDBOX_ROOT_KEY' | 'NODE_OPTIONS', string>;
}

const PRELOAD = new URL('../whatsapp/trust-sandbox.mjs', import.meta.url);

/** The sandbox's WhatsApp, of a test file's own. */
export async function startWhatsApp(options: WhatsAppOptions = {}): Promise<TestWhatsApp> {
  const server = await startWhatsAppServer(options);
  return Object.assign(server, {
    env: {
      WHATSAPP_WEB_SOCKET_URL: server.url,
      WHATSAPP_SANDBOX_ROOT_KEY: server.root_public_key,
      NODE_OPTIONS: `--import ${PRELOAD.href}`,
    },
  });
}
