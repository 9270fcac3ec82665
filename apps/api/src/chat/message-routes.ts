import { contextRef } from '@potentia/domain/chat/context-schemas';
import { deleteMessage } from '@potentia/domain/chat/delete-message';
import { getMessage } from '@potentia/domain/chat/get-message';
import { listContextMessages, listMessages } from '@potentia/domain/chat/list-messages';
import {
  chatMessagePage,
  citedMessage,
  listContextMessagesQuery,
  listMessagesQuery,
  messageRef,
} from '@potentia/domain/chat/message-schemas';
import type { ApiContext } from '../context.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { CONTEXT, MESSAGES } from './paths.ts';

const tags = ['chat'];
const access = 'person';
const MESSAGE = `${MESSAGES}/:message_id`;

/** What was said: to read, and to delete. Turns and the import write it. */
export function messageRoutes(app: App, context: ApiContext): void {
  listRoutes(app, context);
  resourceRoutes(app, context);
}

function listRoutes(app: App, context: ApiContext): void {
  const ofContextSchema = operation({
    operationId: 'listContextMessages',
    tags,
    access,
    summary: 'What was said in a context, in its order',
    description: 'By `created_at`, and what was said at once by its arrival. Pages go on and back.',
    params: contextRef,
    querystring: listContextMessagesQuery,
    ok: { 200: chatMessagePage },
    problems: [404],
  });
  app.get(`${CONTEXT}/messages`, { schema: ofContextSchema }, (request) =>
    listContextMessages(userCtx(context, request), { ...request.query, ...request.params }),
  );

  const listSchema = operation({
    operationId: 'listMessages',
    tags,
    access,
    summary: 'What was said in all your contexts, by time, role or source',
    querystring: listMessagesQuery,
    ok: { 200: chatMessagePage },
  });
  app.get(MESSAGES, { schema: listSchema }, (request) => listMessages(userCtx(context, request), request.query));
}

function resourceRoutes(app: App, context: ApiContext): void {
  const getSchema = operation({
    operationId: 'getMessage',
    tags,
    access,
    summary: 'One message; an answer with what it rests on',
    params: messageRef,
    ok: { 200: citedMessage },
    problems: [404],
  });
  app.get(MESSAGE, { schema: getSchema }, (request) => getMessage(userCtx(context, request), request.params));

  const deleteSchema = operation({
    operationId: 'deleteMessage',
    tags,
    access,
    summary: 'Delete a message',
    description: 'For good, out of every index. Its answer stays; what was remembered from it stays without its quote.',
    params: messageRef,
    ok: { 204: noContent('Deleted.') },
    problems: [404],
  });
  app.delete(MESSAGE, { schema: deleteSchema }, async (request, reply) => {
    await deleteMessage(userCtx(context, request), request.params);
    return reply.code(204).send();
  });
}
