import { archiveContext, restoreContext } from '@potentia/domain/chat/archive-context';
import {
  type ChatContext,
  chatContext,
  chatContextPage,
  contextRef,
  createContextBody,
  listContextsQuery,
  mergeContextsBody,
  updateContextBody,
} from '@potentia/domain/chat/context-schemas';
import { createContext } from '@potentia/domain/chat/create-context';
import { deleteContext } from '@potentia/domain/chat/delete-context';
import { getContext } from '@potentia/domain/chat/get-context';
import { listContexts } from '@potentia/domain/chat/list-contexts';
import { mergeContexts } from '@potentia/domain/chat/merge-contexts';
import { updateContext } from '@potentia/domain/chat/update-context';
import type { FastifyReply } from 'fastify';
import type { ApiContext } from '../context.ts';
import { expectedVersion, versionTag } from '../platform/etag.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { CONTEXT, CONTEXTS } from './paths.ts';

const tags = ['chat'];
const access = 'person';

/** Contexts, the topics of a person's conversation: list, open, read, rename, put away, join, delete. */
export function contextRoutes(app: App, context: ApiContext): void {
  collectionRoutes(app, context);
  resourceRoutes(app, context);
  lifeRoutes(app, context);
  mergeRoute(app, context);
}

function collectionRoutes(app: App, context: ApiContext): void {
  const listSchema = operation({
    operationId: 'listContexts',
    tags,
    access,
    summary: 'Your contexts, the one that was last spoken in first',
    querystring: listContextsQuery,
    ok: { 200: chatContextPage },
  });
  app.get(CONTEXTS, { schema: listSchema }, (request) => listContexts(userCtx(context, request), request.query));

  const createSchema = operation({
    operationId: 'createContext',
    tags,
    access,
    summary: 'Open a context',
    description: 'Turns open them too, where a message begins something new. At most 10,000.',
    body: createContextBody,
    ok: { 201: chatContext },
    problems: [409, 422],
  });
  app.post(CONTEXTS, { schema: createSchema }, async (request, reply) => {
    const { result, replayed } = await createContext(userCtx(context, request), request.body);
    if (replayed) reply.header('idempotency-replayed', 'true');
    return sendContext(reply.code(201).header('location', `${CONTEXTS}/${result.id}`), result);
  });
}

function resourceRoutes(app: App, context: ApiContext): void {
  const getSchema = operation({
    operationId: 'getContext',
    tags,
    access,
    summary: 'One context, with its summary',
    params: contextRef,
    ok: { 200: chatContext },
    problems: [404],
  });
  app.get(CONTEXT, { schema: getSchema }, async (request, reply) =>
    sendContext(reply, await getContext(userCtx(context, request), request.params)),
  );

  const updateSchema = operation({
    operationId: 'updateContext',
    tags,
    access,
    summary: 'Give a context a title of your own',
    description: 'With If-Match only if it is still at that version.',
    params: contextRef,
    body: updateContextBody,
    ok: { 200: chatContext },
    problems: [404, 412],
  });
  app.patch(CONTEXT, { schema: updateSchema }, async (request, reply) => {
    const expected_version = expectedVersion(request) ?? undefined;
    const input = { ...request.body, ...request.params, expected_version };
    return sendContext(reply, await updateContext(userCtx(context, request), input));
  });

  const deleteSchema = operation({
    operationId: 'deleteContext',
    tags,
    access,
    summary: 'Delete a context with everything that was said in it',
    description:
      'For good, out of every index. Of its runs the numbers stay; what was remembered stays without its quote.',
    params: contextRef,
    ok: { 204: noContent('Deleted.') },
    problems: [404],
  });
  app.delete(CONTEXT, { schema: deleteSchema }, async (request, reply) => {
    await deleteContext(userCtx(context, request), request.params);
    return reply.code(204).send();
  });
}

function lifeRoutes(app: App, context: ApiContext): void {
  const verbs = [
    { name: 'archive', operationId: 'archiveContext', summary: 'Put a context away', verb: archiveContext },
    { name: 'restore', operationId: 'restoreContext', summary: 'Take up a context again', verb: restoreContext },
  ];
  for (const { name, operationId, summary, verb } of verbs) {
    const schema = operation({
      operationId,
      tags,
      access,
      summary,
      description: 'Twice changes nothing. What was said in an archived context is found like anything else.',
      params: contextRef,
      ok: { 200: chatContext },
      problems: [404],
    });
    app.post(`${CONTEXT}/${name}`, { schema }, async (request, reply) =>
      sendContext(reply, await verb(userCtx(context, request), request.params)),
    );
  }
}

function mergeRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'mergeContexts',
    tags,
    access,
    summary: 'Move everything of a context into another',
    description: 'Messages stand there by their own times, the summaries are joined, and the first context is gone.',
    params: contextRef,
    body: mergeContextsBody,
    ok: { 200: chatContext },
    problems: [404, 422],
  });
  app.post(`${CONTEXT}/merge`, { schema }, async (request, reply) => {
    const input = { ...request.body, ...request.params };
    const { result, replayed } = await mergeContexts(userCtx(context, request), input);
    if (replayed) reply.header('idempotency-replayed', 'true');
    return sendContext(reply, result);
  });
}

const sendContext = (reply: FastifyReply, row: ChatContext): FastifyReply =>
  reply.header('etag', versionTag(row.version)).send(row);
