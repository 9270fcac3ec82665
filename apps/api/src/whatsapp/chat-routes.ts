import { checkContacts } from '@potentia/domain/whatsapp/check-contacts';
import {
  chatPage,
  checkContactsBody,
  checkedContacts,
  contactPage,
  listQuery,
  markReadBody,
  typingBody,
} from '@potentia/domain/whatsapp/door-schemas';
import { listChats } from '@potentia/domain/whatsapp/list-chats';
import { listContacts } from '@potentia/domain/whatsapp/list-contacts';
import { markRead } from '@potentia/domain/whatsapp/mark-read';
import { sessionRef } from '@potentia/domain/whatsapp/session-schemas';
import { showTyping } from '@potentia/domain/whatsapp/show-typing';
import type { ApiContext } from '../context.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { LIVE_DEADLINE_MS, SESSION } from './paths.ts';

const tags = ['whatsapp'];
const asReader = { tags, access: { session: 'member' }, scope: 'whatsapp:read' } as const;
const asWriter = { tags, access: { session: 'member' }, scope: 'whatsapp:write' } as const;
const live = { deadline_ms: LIVE_DEADLINE_MS };

/** Chats, the people in them, and what they see of us. */
export function chatRoutes(app: App, context: ApiContext): void {
  const chatsSchema = operation({
    ...asReader,
    operationId: 'listWhatsappChats',
    summary: 'Chats of a session, the latest first, each with its last message',
    params: sessionRef,
    querystring: listQuery,
    ok: { 200: chatPage },
    problems: [404],
  });
  app.get(`${SESSION}/chats`, { schema: chatsSchema }, (request) =>
    listChats(userCtx(context, request), { ...request.query, ...request.params }),
  );

  const contactsSchema = operation({
    ...asReader,
    operationId: 'listWhatsappContacts',
    summary: 'People that a session has met, with both of their ids',
    params: sessionRef,
    querystring: listQuery,
    ok: { 200: contactPage },
    problems: [404],
  });
  app.get(`${SESSION}/contacts`, { schema: contactsSchema }, (request) =>
    listContacts(userCtx(context, request), { ...request.query, ...request.params }),
  );

  const checkSchema = operation({
    ...asWriter,
    operationId: 'checkWhatsappContacts',
    summary: 'Which numbers are on WhatsApp',
    description: 'WhatsApp counts such questions: ask for numbers that you mean to write to.',
    params: sessionRef,
    body: checkContactsBody,
    ok: { 200: checkedContacts },
    problems: [404, 409],
  });
  app.post(`${SESSION}/contacts/check`, { schema: checkSchema, config: live }, (request) =>
    checkContacts(userCtx(context, request), { ...request.body, ...request.params }),
  );
  presenceRoutes(app, context);
}

function presenceRoutes(app: App, context: ApiContext): void {
  const readSchema = operation({
    ...asWriter,
    operationId: 'markWhatsappRead',
    summary: 'Tell the senders that messages were read',
    params: sessionRef,
    body: markReadBody,
    ok: { 204: noContent('They are told.') },
    problems: [404, 409],
  });
  app.post(`${SESSION}/read`, { schema: readSchema, config: live }, async (request, reply) => {
    await markRead(userCtx(context, request), { ...request.body, ...request.params });
    return reply.code(204).send();
  });

  const typingSchema = operation({
    ...asWriter,
    operationId: 'showWhatsappTyping',
    summary: 'Show that something is being written or recorded',
    description: 'Phones stop showing it by themselves after some seconds.',
    params: sessionRef,
    body: typingBody,
    ok: { 204: noContent('It is shown.') },
    problems: [404, 409],
  });
  app.post(`${SESSION}/typing`, { schema: typingSchema, config: live }, async (request, reply) => {
    await showTyping(userCtx(context, request), { ...request.body, ...request.params });
    return reply.code(204).send();
  });
}
