import type { FastifyInstance } from 'fastify';
import type { MailStore } from './store.ts';

/** What a mail may do in a frame: nothing but be read, and have its links open beside. */
const MAIL_POLICY =
  "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/** The mails, for tests and for the console. */
export function registerInbox(app: FastifyInstance, store: MailStore): void {
  const no_mail = { error: 'There is no such mail' };

  app.get<{ Querystring: { to?: string } }>('/inbox', (request) => ({ items: store.list(request.query.to) }));

  app.delete<{ Querystring: { to?: string } }>('/inbox', async (request, reply) => {
    await store.clear(request.query.to);
    return reply.code(204).send();
  });

  app.get<{ Params: { id: string } }>(
    '/inbox/:id',
    (request, reply) => store.find(request.params.id) ?? reply.code(404).send(no_mail),
  );

  app.get<{ Params: { id: string } }>('/inbox/:id/html', (request, reply) => {
    const mail = store.find(request.params.id);
    if (!mail) return reply.code(404).send(no_mail);
    return reply
      .header('content-type', 'text/html; charset=utf-8')
      .header('content-security-policy', MAIL_POLICY)
      .send(`<base target="_blank">${mail.html ?? '<p>This mail has no HTML.</p>'}`);
  });

  app.get<{ Params: { id: string } }>('/inbox/:id/invite.ics', (request, reply) => {
    const calendar = store.find(request.params.id)?.calendar;
    if (!calendar) return reply.code(404).send(no_mail);
    return reply
      .header('content-type', `text/calendar; charset=utf-8; method=${calendar.method}`)
      .send(calendar.content);
  });

  app.delete<{ Params: { id: string } }>('/inbox/:id', async (request, reply) =>
    (await store.remove(request.params.id)) ? reply.code(204).send() : reply.code(404).send(no_mail),
  );
}
