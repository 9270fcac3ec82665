import type { FastifyInstance } from 'fastify';
import type { Phone, PhoneCompanion, PhoneSettings } from '../phone.ts';
import type { PhoneOptions } from '../server.ts';
import { type Admin, PHONE, type RunningWhatsApp, withoutBody } from './admin.ts';
import { registerFaultRoutes } from './fault-routes.ts';
import { registerGroupRoutes } from './group-routes.ts';
import { registerMessageRoutes } from './message-routes.ts';
import { badField, conflict, doing, notFound } from './refusal.ts';
import { pairingCodeBody, phoneBody, scanBody, settingsBody } from './schemas.ts';

export interface PhoneView {
  number: string;
  lid: string;
  name: string;
  settings: PhoneSettings;
  devices: PhoneCompanion[];
}

function viewPhone(phone: Phone): PhoneView {
  const { number, lid, name, settings } = phone;
  return { number, lid, name, settings, devices: phone.devices() };
}

/** What tests and the console do with the phones: everything below `/whatsapp`. */
export function registerWhatsAppAdmin(app: FastifyInstance, running: () => RunningWhatsApp | undefined): void {
  const admin: Admin = {
    running() {
      const found = running();
      if (!found) throw notFound('There is no WhatsApp here.');
      return found;
    },
    phoneOf({ params }) {
      const { number } = params as { number: string };
      const phone = admin.running().server.phone(number);
      if (!phone) throw notFound(`There is no phone with the number ${number}.`);
      return phone;
    },
  };
  registerPhoneRoutes(app, admin);
  registerLinkRoutes(app, admin);
  registerMessageRoutes(app, admin);
  registerGroupRoutes(app, admin);
  registerFaultRoutes(app, admin);
}

function registerPhoneRoutes(app: FastifyInstance, { running, phoneOf }: Admin): void {
  app.get('/whatsapp/phones', () => ({ items: running().server.phones().map(viewPhone) }));

  app.post<{ Body: PhoneOptions }>(
    '/whatsapp/phones',
    { schema: { body: phoneBody }, preValidation: withoutBody },
    (request, reply) => {
      const { server } = running();
      const { number } = request.body;
      if (number && server.phone(number)) throw conflict('body/number', 'The number is taken');
      return reply.code(201).send(viewPhone(server.addPhone(request.body)));
    },
  );

  app.get(PHONE, (request) => viewPhone(phoneOf(request)));

  app.patch<{ Body: Partial<PhoneSettings> }>(`${PHONE}/settings`, { schema: { body: settingsBody } }, (request) => {
    const { settings } = phoneOf(request);
    return Object.assign(settings, request.body);
  });
}

function registerLinkRoutes(app: FastifyInstance, { phoneOf }: Admin): void {
  app.post<{ Body: { qr: string } }>(`${PHONE}/scan`, { schema: { body: scanBody } }, async (request) => {
    const phone = phoneOf(request);
    await doing('body/qr', () => phone.scan(request.body.qr));
    return viewPhone(phone);
  });

  app.post<{ Body: { code: string } }>(
    `${PHONE}/pairing-code`,
    { schema: { body: pairingCodeBody } },
    async (request) => {
      const phone = phoneOf(request);
      await doing('body/code', () => phone.enterCode(request.body.code));
      return viewPhone(phone);
    },
  );

  app.get(`${PHONE}/devices`, (request) => ({ items: phoneOf(request).devices() }));
  app.delete(`${PHONE}/devices`, (request, reply) => {
    phoneOf(request).unlink();
    return reply.code(204).send();
  });
  app.delete<{ Params: { number: string; id: string } }>(`${PHONE}/devices/:id`, (request, reply) => {
    const phone = phoneOf(request);
    const id = Number(request.params.id);
    if (!Number.isInteger(id)) throw badField('params/id', 'must be the id of a device');
    if (!phone.devices().some((device) => device.id === id)) throw notFound('The phone has no such device.');
    phone.unlink(id);
    return reply.code(204).send();
  });
}
