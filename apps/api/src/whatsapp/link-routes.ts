import { createLink } from '@potentia/domain/whatsapp/create-link';
import { deleteLink } from '@potentia/domain/whatsapp/delete-link';
import { createLinkBody, linkCode, linkList, linkRef } from '@potentia/domain/whatsapp/link-schemas';
import { listLinks } from '@potentia/domain/whatsapp/list-links';
import type { ApiContext } from '../context.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';

const LINKS = '/api/v1/whatsapp/links';
const tags = ['whatsapp'];
const access = 'person';

/** Phones of people who talk with the partner on WhatsApp. */
export function linkRoutes(app: App, context: ApiContext): void {
  const open_session_id = context.config.WHATSAPP_PARTNER_SESSION_ID ?? null;

  const createSchema = operation({
    operationId: 'createWhatsappLink',
    tags,
    access,
    summary: 'A code that links your phone to a session',
    description:
      'Write it to the session within ten minutes: what that phone says from then on is said by you, and answered there. The ' +
      'session is one of a workspace of which you are a member, or the one that is there for everybody. Asked again, the code before is ' +
      'none any more.',
    body: createLinkBody,
    ok: { 201: linkCode },
    problems: [404, 409],
  });
  app.post(LINKS, { schema: createSchema }, async (request, reply) =>
    reply.code(201).send(await createLink(userCtx(context, request), { ...request.body, open_session_id })),
  );

  const listSchema = operation({
    operationId: 'listWhatsappLinks',
    tags,
    access,
    summary: 'Your phones that are linked, the newest first',
    ok: { 200: linkList },
  });
  app.get(LINKS, { schema: listSchema }, (request) => listLinks(userCtx(context, request)));

  const deleteSchema = operation({
    operationId: 'deleteWhatsappLink',
    tags,
    access,
    summary: 'Let a phone be a stranger again',
    description: 'What it wrote before and is not answered yet will not be.',
    params: linkRef,
    ok: { 204: noContent('It is linked no more.') },
    problems: [404],
  });
  app.delete(`${LINKS}/:link_id`, { schema: deleteSchema }, async (request, reply) => {
    await deleteLink(userCtx(context, request), request.params);
    return reply.code(204).send(null);
  });
}
