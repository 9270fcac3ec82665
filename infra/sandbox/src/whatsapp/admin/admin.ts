import type { FastifyReply, FastifyRequest } from 'fastify';
import type { MediaServer } from '../media-server.ts';
import type { Phone } from '../phone.ts';
import type { WhatsAppServer } from '../server.ts';

export const PHONE = '/whatsapp/phones/:number';

/** The simulated WhatsApp, as long as it runs. */
export interface RunningWhatsApp {
  server: WhatsAppServer;
  media: MediaServer;
}

export interface Admin {
  /** Throws a 404 where there is no WhatsApp. */
  running: () => RunningWhatsApp;
  /** The phone that a path names. Throws a 404 when there is none. */
  phoneOf: (request: { params: unknown }) => Phone;
}

/** For routes whose body may be left out. */
export function withoutBody(request: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  request.body ??= {};
  done();
}
