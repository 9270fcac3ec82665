import type { FastifyInstance } from 'fastify';
import { registerWhatsAppAdmin } from './admin/admin-routes.ts';
import { type MediaServer, startMediaServer } from './media-server.ts';
import { startWhatsAppServer, type WhatsAppServer } from './server.ts';

export interface WhatsAppRoutesOptions {
  host: string;
  /** There is no WhatsApp without both ports. */
  whatsapp_port?: number | undefined;
  whatsapp_media_port?: number | undefined;
  data_dir?: string | undefined;
}

export interface RegisteredWhatsApp {
  listen(): Promise<void>;
  close(): Promise<void>;
}

/** Who is there when nobody is, so that a new user can start at once. */
export const DEMO_PHONES = [
  { number: '491510000001', name: 'Phone One' },
  { number: '491510000002', name: 'Phone Two' },
];

/** The simulated WhatsApp beside the sandbox's own server, and what it says of itself at `GET /whatsapp/trust`. */
export function registerWhatsApp(app: FastifyInstance, options: WhatsAppRoutesOptions): RegisteredWhatsApp {
  const { host, whatsapp_port, whatsapp_media_port, data_dir } = options;
  let server: WhatsAppServer | undefined;
  let media: MediaServer | undefined;

  /** What a client must trust, to take this for WhatsApp; the preload of the worker asks for it. */
  app.get('/whatsapp/trust', (_request, reply) => {
    if (!server || !media) return reply.code(404).send({ message: 'There is no WhatsApp here.' });
    return { web_socket_url: server.url, root_public_key: server.root_public_key, ca: media.ca };
  });

  registerWhatsAppAdmin(app, () => (server && media ? { server, media } : undefined));

  return {
    async listen() {
      if (whatsapp_port === undefined || whatsapp_media_port === undefined) return;
      media = await startMediaServer({ port: whatsapp_media_port, host });
      server = await startWhatsAppServer({ port: whatsapp_port, host, media, data_dir });
      if (server.phones().length === 0) for (const phone of DEMO_PHONES) server.addPhone(phone);
    },
    async close() {
      await server?.close();
      await media?.close();
    },
  };
}
